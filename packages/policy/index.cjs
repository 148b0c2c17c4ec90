// The pack's entry. Pulumi starts a policy pack with ts-node, which checks the types of all its files at every preview and every
// update. Here they are only transpiled, which saves a second.
const { readFileSync } = require("node:fs");
const { ModuleKind, ScriptTarget, transpileModule } = require("typescript");

const compilerOptions = {
    module: ModuleKind.CommonJS,
    target: ScriptTarget.ES2022,
    esModuleInterop: true,
    inlineSourceMap: true,
};
require.extensions[".ts"] = (module, fileName) => {
    const { outputText } = transpileModule(readFileSync(fileName, "utf8"), { fileName, compilerOptions });
    module._compile(outputText, fileName);
};
require("./src/index.ts");
