// Loaded before anything else (Pulumi.yaml, nodeargs): keeps the compiled form of the SDK's 900 files, so that every
// preview after the first starts sooner. Node 22.1 and newer; does nothing on others.
const { join } = require("node:path");
require("node:module").enableCompileCache?.(join(__dirname, "node_modules", ".cache", "compile"));
