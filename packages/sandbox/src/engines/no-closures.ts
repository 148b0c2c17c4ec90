import { createRequire, Module } from "node:module";

// What the SDK loads to serialize functions, which no program here does, takes longer than the rest of the SDK.

const sdk = createRequire(require.resolve("@pulumi/pulumi"));
for (const unused of ["@npmcli/arborist", "./typescript-shim"]) {
    require.cache[sdk.resolve(unused)] = Object.assign(new Module(unused), { loaded: true });
}
