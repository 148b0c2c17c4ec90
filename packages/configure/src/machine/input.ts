import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import type { System } from "./system";

/**
 * Reads a file that the command line or the environment names, `-` for standard input. PowerShell may have written it in
 * UTF-16.
 *
 * @throws Error that names the file and never contains its content
 */
export async function readInput(file: string, { workingDirectory }: System): Promise<string> {
    const bytes =
        file === "-" ? await buffer(process.stdin) : await readContent(resolve(workingDirectory, file), file);
    const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
    return new TextDecoder(utf16 ? "utf-16le" : "utf-8").decode(bytes);
}

async function readContent(path: string, name: string): Promise<Buffer> {
    try {
        return await readFile(path);
    } catch (error) {
        const { code = "unknown error" } = error as NodeJS.ErrnoException;
        throw new Error(`${name} cannot be read: ${code}`, { cause: error });
    }
}

/** Asks a question on the terminal; undefined if there is none. */
export async function askYesNo(question: string): Promise<boolean | undefined> {
    if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
    const { createInterface } = await import("node:readline/promises");
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
        return /^y(?:es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
    } finally {
        terminal.close();
    }
}
