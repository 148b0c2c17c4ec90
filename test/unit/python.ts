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

let found: string | undefined;

/** The path of Python. The command on PATH may be the launcher of a version manager, which takes longer than a test. */
export function findPython(): string {
    return (found ??= execFileSync("python3", ["-c", "import sys; print(sys.executable)"], {
        encoding: "utf8",
    }).trim());
}

/** Reads many texts in one Python process. A text that Python refuses gives `{ error: … }`. */
export function readIni(texts: readonly string[]): Sections[] {
    const output = execFileSync(findPython(), [join(__dirname, "read-ini.py")], {
        input: JSON.stringify(texts),
        encoding: "utf8",
        maxBuffer: 1 << 28,
    });
    return JSON.parse(output) as Sections[];
}

/** Skips what needs Python's TOML parser where there is none, and says so. */
export function needsToml(this: Context): void {
    if (spawnSync("python3", ["-c", "import tomllib"]).status !== 0) {
        console.log(
            "    skipped: python3 with tomllib (3.11) is missing, which reads the generated files back",
        );
        this.skip();
    }
}

/** Reads many texts with Python's TOML parser, in one process; one that is not TOML fails. */
export function readToml(texts: readonly string[]): unknown[] {
    const code =
        "import json, sys, tomllib; print(json.dumps([tomllib.loads(text) for text in json.load(sys.stdin)]))";
    const output = execFileSync(findPython(), ["-c", code], {
        input: JSON.stringify(texts),
        encoding: "utf8",
    });
    return JSON.parse(output) as unknown[];
}
