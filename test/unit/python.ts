import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Context } from "mocha";

/** The sections of a file, each with its keys and values, as Python's RawConfigParser reads them. */
export type Sections = Record<string, Record<string, string>>;

/** Skips what needs Python where there is none, and says so. */
export function needsPython(this: Context): void {
    if (spawnSync("python3", ["--version"]).status !== 0) {
        console.log("    skipped: python3 is missing, with which the generated files are read back");
        this.skip();
    }
}

/** Reads many texts in one Python process. A text that Python refuses gives `{ error: … }`. */
export function readIni(texts: readonly string[]): Sections[] {
    const output = execFileSync("python3", [join(__dirname, "read-ini.py")], {
        input: JSON.stringify(texts),
        encoding: "utf8",
        maxBuffer: 1 << 28,
    });
    return JSON.parse(output) as Sections[];
}
