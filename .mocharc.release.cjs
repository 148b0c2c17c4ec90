// `npm run test:release`: the tests that `npm test` leaves out, in all files that have such tests.
const { readdirSync, readFileSync } = require("node:fs");
const options = require("./.mocharc.json");

const files = readdirSync("test", { recursive: true })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => `test/${file}`)
    .filter((file) => /from "\.(?:\.\/release|\/tools\/tool)"/.test(readFileSync(file, "utf8")));
// The heaviest ones first, as in `npm test`.
const first = options.spec.filter((file) => files.includes(file));

module.exports = { ...options, spec: [...new Set([...first, ...files])], invert: false };
