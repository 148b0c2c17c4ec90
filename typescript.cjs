// Runs TypeScript files directly, for our own commands and tests. swc transpiles them, as ts-node does for Pulumi, but without
// the TypeScript compiler, which ts-node loads first and which takes longer than most of the commands. The result is kept,
// so a file that has not changed is only read.
require("./compile-cache.cjs");
const { createHash } = require("node:crypto");
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const process = require("node:process");

const options = {
    swcrc: false,
    jsc: { parser: { syntax: "typescript" }, target: "es2022" },
    module: { type: "commonjs", ignoreDynamic: true },
    sourceMaps: "inline",
    inlineSourcesContent: false,
};
const version = JSON.stringify([options, require("@swc/core/package.json").version]);
const directory = join(__dirname, "node_modules", ".cache", "typescript");

process.setSourceMapsEnabled(true);
require.extensions[".ts"] = (module, filename) => {
    module._compile(transpiled(filename, readFileSync(filename, "utf8")), filename);
};

function transpiled(filename, source) {
    const key = createHash("sha256").update(`${version}\n${filename}\n${source}`).digest("hex");
    const kept = join(directory, `${key}.js`);
    try {
        return readFileSync(kept, "utf8");
    } catch {
        const { code } = require("@swc/core").transformSync(source, { ...options, filename });
        keep(kept, code);
        return code;
    }
}

/** Other processes may read or write the same file at the same time. */
function keep(file, code) {
    try {
        mkdirSync(directory, { recursive: true });
        writeFileSync(`${file}.${process.pid}`, code);
        renameSync(`${file}.${process.pid}`, file);
    } catch {
        // The folder is read-only: the next process transpiles the file again.
    }
}
