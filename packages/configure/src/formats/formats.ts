import { mergeIni } from "./ini-merge";
import { revertIni } from "./ini-revert";
import type { FileFormat, Format } from "./merge";
import { mergeNetrc, revertNetrc } from "./netrc";
import { mergeToml } from "./toml-merge";
import { revertToml } from "./toml-revert";

/** The formats of client files: how to add our settings to a file, and how to remove them. */
export const formats: Readonly<Record<Format, FileFormat>> = {
    ini: { merge: mergeIni, revert: revertIni },
    toml: { merge: mergeToml, revert: revertToml },
    netrc: { merge: mergeNetrc, revert: revertNetrc },
};
