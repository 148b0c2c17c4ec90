// Loaded before anything else (by Pulumi.yaml, nodeargs, and by configure): keeps the compiled form of what is loaded,
// 900 files for the SDK alone, so that every start after the first is sooner. Node 22.1 and newer; does nothing on others.
const { join } = require("node:path");
require("node:module").enableCompileCache?.(join(__dirname, "node_modules", ".cache", "compile"));
