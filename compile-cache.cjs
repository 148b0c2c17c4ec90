// Enables the compile cache of Node.js, so that every start after the first is faster: the Pulumi SDK alone loads 900 files.
// Must be loaded first; Pulumi.yaml (nodeargs), typescript.cjs and configure do so. Needs Node.js 22.1 or newer, and does
// nothing on older versions.
const { join } = require("node:path");
require("node:module").enableCompileCache?.(join(__dirname, "node_modules", ".cache", "compile"));
