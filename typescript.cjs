// Runs TypeScript files directly: the program under Pulumi, our own commands, the tests, the plugin and the policy pack. Types are not
// checked, that is for `npm test`. The result is kept, so a file that has not changed is only read, and the TypeScript compiler, which
// takes longer to load than most commands take, is loaded only if a file has changed.
const { createHash } = require("node:crypto");
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require("node:fs");
const nodeModule = require("node:module");
const { join } = require("node:path");
const process = require("node:process");

const cache = join(__dirname, "node_modules", ".cache");
const directory = join(cache, "typescript");
// Every start after the first is faster: the Pulumi SDK alone loads 900 files.
nodeModule.enableCompileCache?.(join(cache, "compile"));

/** Of typescript.transpileModule, which ignores tsconfig.json. */
const compilerOptions = {
    module: "CommonJS",
    target: "ES2022",
    esModuleInterop: true,
    inlineSourceMap: true,
};
const version = JSON.stringify([compilerOptions, require("typescript/package.json").version]);

// Of our files only, where Node can tell them apart: reading those of the Pulumi SDK takes a third of its start.
if (nodeModule.setSourceMapsSupport) nodeModule.setSourceMapsSupport(true, { nodeModules: false });
else process.setSourceMapsEnabled(true);
require.extensions[".ts"] = (module, filename) => {
    module._compile(transpiled(filename, readFileSync(filename, "utf8")), filename);
};

function transpiled(fileName, source) {
    const key = createHash("sha256").update(`${version}\n${fileName}\n${source}`).digest("hex");
    const kept = join(directory, `${key}.js`);
    try {
        return readFileSync(kept, "utf8");
    } catch {
        const { outputText } = require("typescript").transpileModule(source, { fileName, compilerOptions });
        keep(kept, outputText);
        return outputText;
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
