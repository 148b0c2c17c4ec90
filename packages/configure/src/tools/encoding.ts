import { isUtf8 } from "node:buffer";
import { UnsupportedFileError } from "../formats/merge";
import { type System, variable } from "../machine/system";

/**
 * Reads the bytes of a file that Python reads in the encoding of the locale, such as pip.conf and .pypirc.
 *
 * @throws UnsupportedFileError with the line, if Python would stop there
 * @see https://docs.python.org/3/using/cmdline.html#envvar-PYTHONUTF8
 */
export function decodeText(content: Buffer, system: System): string {
    if (isUtf8(content) || !readsUtf8(system)) return content.toString(isUtf8(content) ? "utf8" : "latin1");
    const lines = content.toString("latin1").split("\n");
    const wrong = lines.findIndex((line) => !isUtf8(Buffer.from(line, "latin1")));
    throw new UnsupportedFileError(
        wrong + 1,
        "not encoded in UTF-8, as Python expects here. Save the file as UTF-8",
    );
}

/** Whether Python opens text files as UTF-8: in the C locale too, and on Windows only if it is told to. */
function readsUtf8(system: System): boolean {
    if (variable(system, "PYTHONUTF8") === "1" || system.kind === "macos") return true;
    if (system.kind === "windows") return false;
    const locale =
        variable(system, "LC_ALL") ?? variable(system, "LC_CTYPE") ?? variable(system, "LANG") ?? "C";
    return /^(C|POSIX)$|utf-?8/i.test(locale);
}
