import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
    type Commands,
    KeyringProvider,
    PublicPackages,
    type PythonIndex,
} from "../../packages/registry/src/clients/client";
import type { Credential } from "../../packages/registry/src/clients/credential";
import { tomlArray, tomlKey, tomlString } from "../../packages/registry/src/clients/toml";
import { type Tool, tools } from "../../packages/registry/src/clients/tools";
import { credentials, indexNamed, indexUrl, uploadUrl } from "./client-samples";
import { needsToml, readToml } from "./python";

const index: PythonIndex = {
    ...indexNamed("acme-python"),
    internalPackages: ["acme-core", "acme-lib-*", "2acme"],
};

/** The files and commands of a tool, as text. */
function describeClient(
    tool: Tool,
    form: keyof typeof credentials,
    changes: Partial<Pick<PythonIndex, "keyring" | "publicPackages">>,
): string {
    const client = tools[tool].client({ ...index, ...changes }, credentials[form]);
    const changed = Object.entries(changes).map(([key, value]) => `, ${key}: ${value}`);
    const title = `==== ${tool}, ${form}${changed.join("")}`;
    if (client === undefined) return `${title}\nnot supported\n`;
    const files = new Map<string, string[]>();
    for (const purpose of ["install", "publish"] as const) {
        for (const { scope, path, text } of client[purpose]) {
            const file = `${scope}: ${[...new Set(Object.values(path))].join(" | ")}\n${text}`;
            files.set(file, [...(files.get(file) ?? []), purpose]);
        }
    }
    const commands = Object.entries(client.commands).flatMap(
        ([step, { posix, powershell }]: [string, Commands]) => [
            ...(posix.length === 0 ? [] : [`-- ${step}, sh`, ...posix]),
            ...(posix.join() === powershell.join() ? [] : [`-- ${step}, PowerShell`, ...powershell]),
        ],
    );
    return [
        title,
        ...[...files].map(([file, purposes]) => `-- ${purposes.join(" and ")}, ${file}`),
        ...commands,
        "",
    ].join("\n");
}

/** All tools in all forms. Only pip's file names the keyring provider. */
function describeClients(changes: Partial<Pick<PythonIndex, "publicPackages">> = {}): string {
    const keyrings = Object.values(KeyringProvider).map((keyring) => (keyring === "auto" ? {} : { keyring }));
    return (Object.keys(tools) as Tool[])
        .flatMap((tool) =>
            (Object.keys(credentials) as (keyof typeof credentials)[]).flatMap((form) =>
                (tool === "pip" && form === "keyring" ? keyrings : [{}]).map((keyring) =>
                    describeClient(tool, form, { ...changes, ...keyring }),
                ),
            ),
        )
        .join("\n");
}

describe("the client files", () => {
    for (const [golden, changes] of [
        ["client-files.golden", {}],
        ["client-files-none.golden", { publicPackages: PublicPackages.none }],
    ] as const) {
        it(`are those of ${golden}, byte for byte, and so are the commands`, async () => {
            const file = join(__dirname, golden);
            const text = describeClients(changes);
            if (process.env["WRITE_DOCS"] !== undefined) await writeFile(file, text);
            assert.equal(await readFile(file, "utf8"), text, "To accept the change: npm run docs");
        });
    }

    it("name no other index, no pins and no internal packages if the registry is the only index", () => {
        for (const tool of Object.keys(tools) as Tool[]) {
            for (const credential of Object.values(credentials)) {
                const client = tools[tool].client({ ...index, publicPackages: "none" }, credential);
                for (const { text } of [...(client?.install ?? []), ...(client?.publish ?? [])]) {
                    // A step of a Dockerfile gets the keyring from PyPI.
                    const own = text.replace("--index-url https://pypi.org/simple/ keyring", "");
                    const hosts = own
                        .replace(/:\$\(.*?\)@/g, "@")
                        .matchAll(/https:\/\/(?:[^\s"'/]*@)?([^\s"'/]+)/g);
                    for (const [, host] of hosts) assert.equal(host, "europe-west1-python.pkg.dev");
                    assert.doesNotMatch(own, /extra|EXTRA|PyPI|acme-core|acme-lib|supplemental|2acme/);
                }
            }
        }
    });

    describe("with a cooldown", () => {
        /** The lines that a cooldown adds to a tool's files, by file; it removes none. */
        function addedLines(tool: Tool, form: keyof typeof credentials, internalPackages = ["acme-core"]) {
            const given = { ...index, internalPackages };
            const [without, waiting] = [given, { ...given, cooldown: { days: 7 } }].map((each) => {
                const client = tools[tool].client(each, credentials[form]);
                const files = [...(client?.install ?? []), ...(client?.publish ?? [])];
                return new Map(files.map(({ path, text }) => [path.linux, text.split("\n")]));
            });
            const added = [...waiting!].map(([path, lines]) => {
                const before = [...(without!.get(path) ?? [])];
                const more = lines.filter((line) => {
                    if (line !== before[0]) return true;
                    before.shift();
                    return false;
                });
                assert.deepEqual(before, []);
                return [path, more.filter((line) => line !== "" && line !== "[tool.uv]")] as const;
            });
            return Object.fromEntries(added.filter(([, lines]) => lines.length > 0));
        }

        const uvLines = ['exclude-newer = "7 days"', "exclude-newer = false"];
        const poetryLines = [
            "[solver]",
            "min-release-age = 7",
            `min-release-age-exclude-source = ["${indexUrl}"]`,
        ];
        const pdmLines = (name: string) => [
            "[tool.pdm.resolution]",
            'exclude-newer = "7d"',
            "[tool.pdm.resolution.exclude-newer-override]",
            `${name} = false`,
        ];
        const expected: Partial<Record<Tool, Record<string, string[]>>> = {
            uv: { "~/.config/uv/uv.toml": uvLines, "pyproject.toml": uvLines },
            hatch: { "~/.config/uv/uv.toml": uvLines, "pyproject.toml": uvLines },
            poetry: {
                "~/.config/pypoetry/config.toml": poetryLines,
                "poetry.toml": ["[repositories.acme-python]", `url = "${uploadUrl}"`, ...poetryLines],
            },
            pdm: { "pyproject.toml": pdmLines("acme-core") },
            pipenv: { Pipfile: ["[pipenv]", 'cool-down-period = "7d"'] },
        };
        for (const tool of Object.keys(tools) as Tool[]) {
            it(`have these lines more for ${tool}: ${JSON.stringify(expected[tool] ?? "none")}`, () => {
                for (const form of Object.keys(credentials) as (keyof typeof credentials)[])
                    if (tools[tool].client(index, credentials[form]) !== undefined)
                        assert.deepEqual(addedLines(tool, form), expected[tool] ?? {}, form);
            });
        }

        it("have none for pdm without internal packages, or with a prefix: pdm would not find them", () => {
            for (const names of [[], ["acme-*"], ["acme-core", "acme-*"]])
                assert.deepEqual(addedLines("pdm", "keyring", names), {});
            assert.deepEqual(addedLines("pdm", "keyring", ["2acme"])["pyproject.toml"], pdmLines("2acme"));
        });
    });

    for (const [tool, names] of [
        ["hatch", ["main", "test"]],
        ["pdm", ["pypi", "url", "username", "password"]],
        ["poetry", ["pypi"]],
    ] as const) {
        it(`of ${tool} have another name for uploads where the tool has a meaning for it: ${names.join(", ")}`, () => {
            for (const name of names) {
                for (const credential of Object.values(credentials)) {
                    const [client, prefixed] = [name, `private-${name}`].map((each) =>
                        tools[tool].client({ ...index, name: each }, credential),
                    );
                    assert.deepEqual(client!.publish, prefixed!.publish);
                    assert.deepEqual(client!.commands.publish, prefixed!.commands.publish);
                }
            }
        });
    }

    it("have no names and no pins without internal packages", () => {
        const texts = (tool: Tool, internalPackages: readonly string[]) =>
            tools[tool]
                .client({ ...index, internalPackages }, credentials.keyring)!
                .install.map(({ text }) => text);
        for (const text of texts("pdm", [])) assert.doesNotMatch(text, /packages/);
        for (const names of [[], ["acme-*"]])
            for (const text of texts("uv", names))
                assert.doesNotMatch(text, /constraint-dependencies|sources/);
    });

    for (const [tool, changes] of Object.entries({
        uv: [
            ...["secret b", "python; secret", "", "-secret"].map((name) => ({ name })),
            { indexUrl: "https://secret\n/" },
            { uploadUrl: "https://secret\u0000/" },
            { internalPackages: ["secret\r"] },
        ],
        poetry: [
            { name: "secret]\n[x" },
            { name: "secret.b" },
            { indexUrl: "https://secret.example/\nx = 1" },
        ],
        pdm: [
            ...["secret.b", "", "secret]\n[x"].map((name) => ({ name })),
            { indexUrl: "https://secret\n" },
            { uploadUrl: "https://secret\n" },
            { internalPackages: ["secret\n"] },
        ],
        hatch: [
            ...["secret.b", "", "secret]\n[x"].map((name) => ({ name })),
            { indexUrl: "https://secret\n" },
            { uploadUrl: "https://secret\n" },
        ],
        pipenv: [{ name: "secret\n[x]" }],
        twine: [{ name: "distutils" }],
    } satisfies Partial<Record<Tool, readonly Partial<PythonIndex>[]>>)) {
        it(`of ${tool} are refused for values that cannot be written safely, and the message does not repeat them`, () => {
            const refuses = (change: Partial<PythonIndex>, credential: Credential) => {
                assert.throws(
                    () => tools[tool as Tool].client({ ...index, ...change }, credential),
                    (error: Error) => error instanceof RangeError && !error.message.includes("secret"),
                    JSON.stringify([change, credential]),
                );
            };
            for (const change of changes) refuses(change, credentials.key);
            // uv has it encoded in a URL.
            if (tool !== "uv") refuses({}, { form: "key", keyBase64: "secret\n" });
        });
    }
});

describe("TOML", () => {
    it("has strings that Python reads back, and refuses those that it would not", function () {
        for (const text of ["a\nb", "\t", "\u007f", "\u0085", "\u2028", "\ud800"]) {
            assert.throws(() => tomlString(text), RangeError);
        }
        needsToml.call(this);
        const texts = ["", 'a"b', "a\\nb", "'", "#", "ä€😀", " x ", "a.b"];
        assert.deepEqual(readToml([`all = ${tomlArray(texts)}\n`]), [{ all: texts }]);
        assert.deepEqual(
            readToml([texts.map((text) => `${tomlKey(text)} = 1\n`).join("")])[0],
            Object.fromEntries(texts.map((text) => [text, 1])),
        );
    });
});
