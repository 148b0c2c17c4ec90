import { strict as assert } from "node:assert";
import { type IniEntry, renderIni } from "../../packages/registry/src/clients/ini";
import { pipConfWithKey, pipConfWithKeyring } from "../../packages/registry/src/clients/pip";
import { pypircWithKey, pypircWithKeyring } from "../../packages/registry/src/clients/twine";
import { repositoryUrls } from "../../packages/registry/src/names/urls";
import type { ToolDefinition } from "../../packages/registry/src/clients/tool";
import { tools } from "../../packages/registry/src/clients/tools";
import { credentials, indexNamed, keyBase64 } from "./client-samples";
import { needsPython, readIni, type Sections } from "./python";

describe("repository addresses", () => {
    it("follow from location, project and repository", () => {
        assert.deepEqual(repositoryUrls({ location: "us", project: "acme-tools", repository: "python" }), {
            registryUri: "us-python.pkg.dev/acme-tools/python",
            indexUrl: "https://us-python.pkg.dev/acme-tools/python/simple/",
            uploadUrl: "https://us-python.pkg.dev/acme-tools/python/",
        });
    });

    it("have a domain-scoped project's id as it is", () => {
        const urls = repositoryUrls({ location: "us", project: "example.com:tools", repository: "python" });
        assert.equal(urls.indexUrl, "https://us-python.pkg.dev/example.com:tools/python/simple/");
        assert.equal(new URL(urls.indexUrl).host, "us-python.pkg.dev", "the colon starts no port");
    });
});

describe("the places of a tool's files", () => {
    for (const [tool, { client, places }] of Object.entries<ToolDefinition>(tools)) {
        if (places === undefined) continue;
        it(`are those of the files that are made: ${tool}`, () => {
            for (const use of ["install", "publish"] as const) {
                // Some are made only with a cooldown.
                const indexes = [indexNamed("python"), { ...indexNamed("python"), cooldown: { days: 7 } }];
                const made = Object.values(credentials).flatMap((credential) =>
                    indexes
                        .flatMap((index) => client(index, credential)?.[use] ?? [])
                        .map(({ text, ...place }) => ({
                            place,
                            hasPassword: /a-token|\+\+\/\/\+g==|%2B%2B%2F%2F%2Bg%3D%3D/.test(text),
                            isExpected: credential === credentials.token || credential === credentials.key,
                        })),
                );
                assert.deepEqual(
                    new Set(made.map(({ place }) => JSON.stringify(place))),
                    new Set(places[use].map((place) => JSON.stringify(place))),
                );
                for (const { place, hasPassword, isExpected } of made) {
                    const holds = place.scope !== "project" && place.isPublic !== true;
                    assert.equal(hasPassword, isExpected && holds, place.path.linux);
                }
            }
        });
    }
});

/** What `gcloud artifacts print-settings python` prints: a .pypirc and a pip.conf, each after a comment line. */
function gcloudPrints(location: string, project: string, repository: string, key?: string): string[] {
    const host = `${location}-python.pkg.dev`;
    const path = `${project}/${repository}`;
    const password = key === undefined ? "" : `username: _json_key_base64\npassword: ${key}\n`;
    const userInfo = key === undefined ? "" : `_json_key_base64:${key}@`;
    return [
        `# Insert the following snippet into your .pypirc

[distutils]
index-servers =
    ${repository}

[${repository}]
repository: https://${host}/${path}/
${password}`,
        `# Insert the following snippet into your pip.conf

[global]
extra-index-url = https://${userInfo}${host}/${path}/simple/
`,
    ];
}

describe("what Python reads is what it reads from gcloud's print-settings", () => {
    before(needsPython);

    for (const project of ["acme-tools", "example.com:tools"]) {
        for (const location of ["us", "europe-west1"]) {
            const urls = repositoryUrls({ location, project, repository: "team-python" });
            const index = { indexUrl: urls.indexUrl, publicPackages: "pypi" } as const;
            const place = `${project} in ${location}`;

            it(`keyring, ${place}: sections, keys and values are the same`, () => {
                const [pypirc, pipConf, ...theirs] = readIni([
                    pypircWithKeyring({ name: "team-python", uploadUrl: urls.uploadUrl }),
                    pipConfWithKeyring({ ...index, keyring: "auto" }),
                    ...gcloudPrints(location, project, "team-python"),
                ]);
                assert.deepEqual([pypirc, pipConf], theirs);
                assert.deepEqual(Object.keys(pypirc!), ["distutils", "team-python"]);
            });

            it(`key, ${place}: the same except for the key in the URL, which is percent-encoded`, () => {
                const [pypirc, pipConf, theirPypirc, theirPipConf] = readIni([
                    pypircWithKey({ name: "team-python", uploadUrl: urls.uploadUrl }, { keyBase64 }),
                    pipConfWithKey(index, { keyBase64 }),
                    ...gcloudPrints(location, project, "team-python", keyBase64),
                ]);
                assert.deepEqual(pypirc, theirPypirc);
                const encoded = encodeURIComponent(keyBase64);
                const theirUrl = theirPipConf!["global"]!["extra-index-url"]!;
                assert.ok(theirUrl.includes(keyBase64));
                assert.deepEqual(pipConf, {
                    global: { "extra-index-url": theirUrl.replace(keyBase64, encoded) },
                });
            });
        }
    }
});

describe("an INI file is refused, without repeating the text, when", () => {
    const entry = (key: string, value: IniEntry[1]) => () =>
        renderIni([{ name: "section", entries: [[key, value]] }], " = ");
    const section = (name: string) => () => renderIni([{ name, entries: [["key", "value"]] }], " = ");

    /** Characters at which Python, an editor or a terminal may end a line. */
    const breaks = ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"];
    for (const character of breaks) {
        const name = JSON.stringify(character).replace("\x85", "\\x85");
        const secret = `s3cret${character}injected = 1`;
        for (const [where, render] of [
            ["a value", entry("key", secret)],
            ["a line of a list", entry("key", [secret])],
            ["a section name", section(secret)],
            ["a key", entry(secret, "value")],
        ] as const) {
            it(`${where} has ${name.replace(/[\u2028\u2029]/, (c) => `\\u${c.charCodeAt(0).toString(16)}`)}`, () => {
                refuses(render);
            });
        }
    }

    for (const [why, render] of [
        ["a value starts with a blank, which Python strips", entry("key", " s3cret")],
        ["a value ends with a blank", entry("key", "s3cret ")],
        ["a value ends with a tab", entry("key", "s3cret\t")],
        ["a value ends with a no-break space", entry("key", "s3cret\u00a0")],
        ["a value is a blank", entry("key", " ")],
        ["a value has a NUL", entry("key", "s3cret\0s3cret")],
        ["a value has half a surrogate pair, which no file can hold", entry("key", "s3cret\ud800")],
        ["a value starts with a byte order mark", entry("key", "\ufeffs3cret")],
        ["a line of a list starts with #, a comment", entry("key", ["#s3cret"])],
        ["a line of a list starts with ;, a comment", entry("key", [";s3cret"])],
        ["a line of a list is empty", entry("key", ["s3cret", "", "s3cret"])],
        ["a line of a list starts with a blank", entry("key", [" s3cret"])],
        ["a key has an equals sign", entry("s3cret=", "value")],
        ["a key has a colon", entry("s3cret:", "value")],
        ["a key has a blank", entry("s3cret s3cret", "value")],
        ["a key has a capital, which Python lowers", entry("Secret", "value")],
        ["a key starts with [", entry("[s3cret]", "value")],
        ["a key is a comment", entry("#s3cret", "value")],
        ["a key is empty", entry("", "value")],
        ["a section name has a bracket", section("s3cret]x[")],
        ["a section name is empty", section("")],
        ["a section is named DEFAULT, which Python reads into every section", section("DEFAULT")],
        [
            "a section is there twice",
            () =>
                renderIni(
                    ["s3cret", "s3cret"].map((name) => ({ name, entries: [] })),
                    ": ",
                ),
        ],
        [
            "a key is there twice",
            () =>
                renderIni(
                    [
                        {
                            name: "section",
                            entries: [
                                ["secret", "1"],
                                ["secret", "2"],
                            ],
                        },
                    ],
                    ": ",
                ),
        ],
    ] as const) {
        it(why, () => {
            refuses(render);
        });
    }

    function refuses(render: () => string): void {
        assert.throws(render, (error: unknown) => {
            assert.ok(error instanceof RangeError);
            assert.match(error.message, /^this (section|key|value) cannot be written to an INI file/);
            assert.doesNotMatch(error.message, /s[3e]cret|injected|DEFAULT/);
            return true;
        });
    }
});

describe("an INI file keeps as it is", () => {
    before(needsPython);

    for (const [what, value] of [
        ["a comment sign", "#not ; a comment # at all"],
        ["a semicolon in front", ";value"],
        ["delimiters", "= a = b : c"],
        ["a section header", "[section]"],
        ["percent signs, with no interpolation", "%(key)s %% %2B ${key}"],
        ["quotes and backslashes", `"a" 'b' \\n`],
        ["nothing", ""],
    ] as const) {
        it(`${what} in a value`, () => {
            const meant: Sections = { section: { key: value, next: "1" } };
            const sections = [{ name: "section", entries: Object.entries(meant["section"]!) }];
            assert.deepEqual(readIni([renderIni(sections, " = "), renderIni(sections, ": ")]), [
                meant,
                meant,
            ]);
        });
    }

    it("what looks like a section or a key in a line of a list", () => {
        const entries: IniEntry[] = [
            ["list", ["[section]", "key = value", "last"]],
            ["next", "1"],
        ];
        assert.deepEqual(readIni([renderIni([{ name: "section", entries }], ": ")]), [
            { section: { list: "\n[section]\nkey = value\nlast", next: "1" } },
        ]);
    });
});
