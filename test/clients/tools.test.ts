import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { provedCooldowns } from "./tools/cooldown";
import { dockerfile } from "./tools/dockerfile";
import { environment } from "./tools/environment";
import { hatch } from "./tools/hatch";
import { netrc } from "./tools/netrc";
import { page } from "./tools/page";
import { pdm } from "./tools/pdm";
import { pip } from "./tools/pip";
import { pipenv } from "./tools/pipenv";
import { poetry } from "./tools/poetry";
import { closeFixture, proved } from "./tools/tool";
import { twine } from "./tools/twine";
import { uv } from "./tools/uv";

// Every tool in a released version, with its generated files unmodified, and the page about what these tests prove.

const written = join(__dirname, "..", "..", "docs", "clients.md");

describe("client files", () => {
    after(closeFixture);

    for (const tool of [pip, twine, uv, poetry, pdm, hatch, pipenv, netrc, environment, dockerfile]) {
        describe(tool.name, tool);
    }

    it("are proved as docs/clients.md says", async () => {
        const expected = await page(proved.operations, proved.attacks, proved.mirrors, provedCooldowns);
        if (process.env["WRITE_DOCS"] !== undefined) await writeFile(written, expected);
        assert.equal(
            await readFile(written, "utf8"),
            expected,
            "docs/clients.md is out of date. Run: npm run docs",
        );
    });
});
