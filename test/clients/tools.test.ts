import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { dockerfile } from "./tools/dockerfile";
import { environment } from "./tools/environment";
import { hatch } from "./tools/hatch";
import { netrc } from "./tools/netrc";
import { page } from "./tools/page";
import { pdm } from "./tools/pdm";
import { pip } from "./tools/pip";
import { pipenv } from "./tools/pipenv";
import { poetry } from "./tools/poetry";
import { closeFixture, results } from "./tools/tool";
import { twine } from "./tools/twine";
import { uv } from "./tools/uv";

// Every tool in a released version, with its generated files unmodified, and the page about what these tests prove.

const written = join(__dirname, "..", "..", "docs", "clients.md");

describe("client files", () => {
    after(closeFixture);

    for (const tool of [pip, twine, uv, poetry, pdm, hatch, pipenv, netrc, environment, dockerfile]) {
        describe(tool.name, tool);
    }

    // A suite of its own: a test beside the suites would run before them.
    describe("all of them", () => {
        it("are proved as docs/clients.md says", async function () {
            const all = results();
            if (all === undefined) {
                console.log(
                    "      skipped: docs/clients.md is compared only after a run of all these tests (npm run test:all)",
                );
                return this.skip();
            }
            const expected = await page(all.operations, all.attacks);
            if (process.env["WRITE_DOCS"] !== undefined) {
                await mkdir(dirname(written), { recursive: true });
                await writeFile(written, expected);
            }
            assert.equal(
                await readFile(written, "utf8"),
                expected,
                "docs/clients.md is out of date. Run: npm run docs",
            );
        });
    });
});
