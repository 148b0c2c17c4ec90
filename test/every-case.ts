import type { AsyncFunc } from "mocha";

// `npm test` runs a few cases of each kind that takes seconds with a real tool. `npm run test:all` runs every case.

/** Whether every case runs: pages about results need all of them. */
export const everyCase = process.env["EVERY_CASE"] === "1" || process.env["WRITE_DOCS"] === "1";

/** Defines a test that only `npm run test:all` runs. Otherwise it is reported as pending. */
export function itInAll(title: string, body: AsyncFunc): void {
    if (everyCase) it(title, body);
    else it.skip(`${title} (npm run test:all)`, body);
}
