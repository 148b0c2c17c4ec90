// Runs TypeScript as it stands, for our own commands and tests: transpiled by swc, as ts-node does for Pulumi, but without
// the TypeScript compiler that ts-node loads first, which takes longer than most of the commands do.
require("./compile-cache.cjs");
const { readFileSync } = require("node:fs");
const process = require("node:process");
const { transformSync } = require("@swc/core");

process.setSourceMapsEnabled(true);
require.extensions[".ts"] = (module, filename) => {
    const { code } = transformSync(readFileSync(filename, "utf8"), {
        filename,
        swcrc: false,
        jsc: { parser: { syntax: "typescript" }, target: "es2022" },
        module: { type: "commonjs", ignoreDynamic: true },
        sourceMaps: "inline",
        inlineSourcesContent: false,
    });
    module._compile(code, filename);
};
