import { execFileSync } from "node:child_process";
import fc from "fast-check";

// Generated .netrc files, and how Python reads them.

/** A host that the generated files have entries for, and others. */
export const host = "europe-west1-python.pkg.dev";

const gap = fc.constantFrom(" ", " ", "\t", "\n", "\n    ", "  ", "\n\n");
const word = fc.oneof(
    { weight: 3, arbitrary: fc.stringMatching(/^[a-z0-9.@%=+/_-]{1,8}$/) },
    fc.constantFrom(
        "#c",
        '"two words"',
        '"q\\"uote"',
        "back\\ slash",
        "größe",
        '"#"',
        "machine",
        "default",
        '"\\\\"',
        "a\\\nb",
    ),
);
const name = fc.oneof(fc.constantFrom("a", "b.example", '"c"'), word);
const attribute = fc
    .tuple(fc.constantFrom("login", "user", "account", "password"), gap, word)
    .map((parts) => parts.join(""));
const comment = fc.constantFrom(
    "# a comment\n",
    "#\n",
    "#word\n",
    "# default\n",
    "#two words\n",
    '# "\n',
    "\n# a b\n",
);
const attributes = fc
    .array(fc.tuple(gap, fc.oneof({ weight: 4, arbitrary: attribute }, comment)), { maxLength: 4 })
    .map((all) => all.flat().join(""));
const entry = fc.oneof(
    {
        weight: 4,
        arbitrary: fc.tuple(fc.constant("machine"), gap, name, attributes).map((parts) => parts.join("")),
    },
    { weight: 1, arbitrary: attributes.map((all) => `default${all}`) },
    {
        weight: 2,
        arbitrary: fc
            .constantFrom("oauth2accesstoken", '"oauth2accesstoken"', "me")
            .map((login) => `machine ${host}\n login ${login} password "old one"`),
    },
    fc.constantFrom("macdef init\ncd /x\nmachine y\n\n", "macdef m \n", "macdef open\nx"),
    comment,
    fc.constantFrom('""', "junk", "login x"),
);
/** A .netrc with everything that Python treats in its own way, valid or not. */
export const netrcFile = fc
    .tuple(
        fc.array(fc.tuple(entry, fc.constantFrom("\n", "\n", "\n", " ", "", "\n\n")), { maxLength: 6 }),
        fc.constantFrom("\n", "\n", "\r\n", "\r"),
    )
    .map(([parts, end]) => parts.flat().join("").replaceAll("\n", end));

/** Python's netrc reads each file, given as base64, and prints its hosts and macros, or nothing if it refuses the file. */
const reader = `
import base64, io, json, netrc, sys
def read(content):
    # Opened as a file is, but for the disk.
    netrc.open = lambda file, encoding: io.TextIOWrapper(io.BytesIO(base64.b64decode(content)), encoding)
    try:
        found = netrc.netrc("file")
    except netrc.NetrcParseError:
        return None
    return {"hosts": found.hosts, "macros": found.macros}
json.dump([read(content) for content in json.load(sys.stdin)], sys.stdout)
`;

/** What Python reads from a .netrc. */
export interface PythonNetrc {
    readonly hosts: Record<string, [login: string | null, account: string | null, password: string | null]>;
    readonly macros: Record<string, string[]>;
}

/** What Python reads from each text; null for a text that it refuses. */
export function readByPython(texts: readonly string[]): (PythonNetrc | null)[] {
    const output = execFileSync("python3", ["-c", reader], {
        input: JSON.stringify(texts.map((text) => Buffer.from(text).toString("base64"))),
        encoding: "utf8",
        maxBuffer: 1 << 28,
    });
    return JSON.parse(output) as (PythonNetrc | null)[];
}

/** Whether this Python reads .netrc as 3.11 does: 3.10 requires a password in each entry. */
export function readsLikePython311(): boolean {
    return readByPython(["machine a login b\n"])[0] !== null;
}
