// Bundles the command into one file, which needs nothing beside it: dist/python-registry-configure.cjs.
const { buildSync } = require("esbuild");
const { renameSync } = require("node:fs");
const { join } = require("node:path");
const process = require("node:process");

const file = join(__dirname, "dist", "python-registry-configure.cjs");

/** @returns the path of the file */
function build() {
    // Other processes may run the file.
    const temporary = `${file}.${process.pid}`;
    buildSync({
        entryPoints: [join(__dirname, "src", "main.ts")],
        outfile: temporary,
        bundle: true,
        platform: "node",
        target: "node20.19",
        conditions: ["source"],
        banner: { js: "#!/usr/bin/env node" },
        legalComments: "inline",
        logLevel: "warning",
    });
    renameSync(temporary, file);
    return file;
}

module.exports = { build };
if (require.main === module) build();
