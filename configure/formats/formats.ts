import { iniSyntax } from "./ini";
import { mergeIni } from "./ini-merge";
import type { FileFormat, Format } from "./merge";
import { mergeNetrc, netrcSyntax } from "./netrc";
import { tomlSyntax } from "./toml";
import { mergeToml } from "./toml-merge";

/** The formats of client files: how to add our settings to a file, and how to read its lines. */
export const formats: Readonly<Record<Format, FileFormat>> = {
    ini: { merge: mergeIni, syntax: iniSyntax },
    toml: { merge: mergeToml, syntax: tomlSyntax },
    netrc: { merge: mergeNetrc, syntax: netrcSyntax },
};
