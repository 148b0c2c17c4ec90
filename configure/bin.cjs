#!/usr/bin/env node
// What npx runs, from any directory: TypeScript as it stands, by this package's own settings.
require("../typescript.cjs");
require("./main.ts");
