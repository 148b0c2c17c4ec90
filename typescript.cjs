// Lets Node.js run TypeScript files, for the commands and tests of this project. It transpiles them with swc. Pulumi uses
// ts-node for this, but ts-node first loads the TypeScript compiler, which takes longer than most of these commands.
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
