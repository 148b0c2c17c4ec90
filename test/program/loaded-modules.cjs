// Preloaded into the process of a program: at its end, writes the modules that it loaded to the file in LOADED_MODULES.
const { writeFileSync } = require("node:fs");
const process = require("node:process");

process.on("exit", () => writeFileSync(process.env.LOADED_MODULES, Object.keys(require.cache).join("\n")));
