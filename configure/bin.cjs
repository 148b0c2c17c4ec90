#!/usr/bin/env node
// What npx runs, from any directory: TypeScript as it stands, by this package's own settings.
require("../compile-cache.cjs");
require("ts-node").register({ cwd: require("node:path").join(__dirname, "..") });
require("./main.ts");
