import type { AsyncFunc } from "mocha";

// `npm test` proves each tool once. `npm run test:release` runs the tests that it leaves out: .mocharc.json names this mark and
// inverts the selection, and --no-invert selects it.
const mark = "[release]";

/** Defines a test that only `npm run test:release` runs: a further case of what `npm test` proves once. */
export function itInRelease(title: string, body: AsyncFunc): void {
    it(`${title} ${mark}`, body);
}

/** Defines one case of several: `npm test` runs those for which `isProof` holds, and `npm run test:release` runs the others. */
export function itInReleaseUnless(isProof: boolean, title: string, body: AsyncFunc): void {
    if (isProof) it(title, body);
    else itInRelease(title, body);
}

/** Defines a suite that only `npm run test:release` runs. */
export function describeInRelease(title: string, body: () => void): void {
    describe(`${title} ${mark}`, body);
}
