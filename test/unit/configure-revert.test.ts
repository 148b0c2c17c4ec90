import { strict as assert } from "node:assert";
import fc from "fast-check";
import { formats } from "../../packages/configure/src/formats/formats";
import { lowerCase, parseIni, readIni } from "../../packages/configure/src/formats/ini";
import {
    type Format,
    NameConflictError,
    UnsupportedFileError,
} from "../../packages/configure/src/formats/merge";
import { readNetrc } from "../../packages/configure/src/formats/netrc";
import { readToml, type Toml, type TomlTable } from "../../packages/configure/src/formats/toml";
import { revertEdits } from "../../packages/configure/src/journal/edits";
import type { ManagedEdit } from "../../packages/configure/src/journal/record";
import { getFiles, formatOfFile } from "../../packages/configure/src/tools/tool-plan";
import type { PublicPackages } from "../../packages/registry/src/clients/client";
import type { Credential } from "../../packages/registry/src/clients/credential";
import { poetryPins } from "../../packages/registry/src/clients/poetry";
import { type Tool, tools } from "../../packages/registry/src/clients/tools";

// What `--undo` removes from a file that its user has edited, replaced, merged or taken from a different branch.

const token = { form: "token", token: "ya29.our-token" } as const;
const key = { form: "key", keyBase64: "b3VyLWtleQ==" } as const;
const keyring = { form: "keyring" } as const;

/** The text that `configure` adds to a tool's file. */
function ours(
    tool: Tool,
    file: string,
    credential: Credential = keyring,
    project = "acme",
    name = "python",
    publicPackages: PublicPackages = "pypi",
): ManagedEdit {
    const host = "europe-west1-python.pkg.dev";
    const index = {
        name,
        indexUrl: `https://${host}/${project}/python/simple/`,
        uploadUrl: `https://${host}/${project}/python/`,
        keyring: "subprocess" as const,
        publicPackages,
        internalPackages: ["acme-core", "acme-*"],
    };
    const scope = ["pyproject.toml", "Pipfile"].includes(file) ? "project" : "user";
    const found = getFiles({ tool, clientOf: tools[tool].client, index, credential, scope });
    assert.ok("files" in found);
    const { file: made } = found.files.find(({ file: { path } }) => path.linux.endsWith(file))!;
    const pins =
        tool === "poetry" && scope === "project"
            ? `\n${poetryPins(index, ["dependencies"], ["acme-core"])}`
            : "";
    return {
        owner: { registry: `${project} ${name}`, tool, scope },
        format: formatOfFile(made),
        text: made.text + pins,
        secret: credential.form !== "keyring",
    };
}

interface Configured {
    readonly base: string | null;
    readonly content: string;
    readonly edits: readonly ManagedEdit[];
}

/** What `configure` makes of a file; null for no file. */
function configured(base: string | null, ...edits: ManagedEdit[]): Configured {
    const content = edits.reduce(
        (text, edit) => formats[edit.format].merge(text, edit.text).text,
        base ?? "",
    );
    return { base, content, edits };
}

function undone({ base, content, edits }: Configured, current: string, encoding: BufferEncoding = "utf8") {
    const state = {
        base: base === null ? null : Buffer.from(base),
        content: Buffer.from(content),
        edits: [...edits],
    };
    const reverted = revertEdits(state, Buffer.from(current, encoding), (format) => formats[format]);
    return {
        text: reverted.base?.toString(encoding),
        found: edits.filter((edit) => reverted.found.has(edit)),
        notices: [...reverted.found.values()].flat(),
    };
}

/** Asserts what remains of a file that has our entry. */
function becomes(was: Configured, current: string, expected: string | undefined, ...notices: RegExp[]): void {
    const { text, found, notices: given } = undone(was, current);
    assert.equal(text, expected);
    assert.ok(found.length > 0);
    assert.equal(given.length, notices.length, given.join("\n"));
    for (const [n, notice] of notices.entries()) assert.match(given[n]!, notice);
}

/** Asserts that a file without our entry stays as it is. */
function isLeftAlone(was: Configured, current: string): void {
    const { text, found } = undone(was, current);
    assert.equal(text, current);
    assert.deepEqual(found, []);
}

const pypirc = ours("twine", ".pypirc");
const pipConf = ours("pip", "pip.conf");
const uvToml = ours("uv", "uv.toml");
const uvProject = ours("uv", "pyproject.toml");
const poetryProject = ours("poetry", "pyproject.toml");
const other = (text: string) => text.replaceAll("/acme/", "/other/");

describe("undo in a file without our entry changes nothing", () => {
    for (const edit of [
        pypirc,
        pipConf,
        uvToml,
        uvProject,
        poetryProject,
        ours("pdm", "pyproject.toml"),
        ours("pdm", "config.toml", token),
        ours("hatch", "pyproject.toml"),
        ours("hatch", "config.toml", key),
        ours("pipenv", "Pipfile"),
        ours("poetry", "config.toml"),
    ]) {
        it(`the same file for a different registry with our name: ${edit.owner.tool}, ${edit.format}, ${edit.owner.scope}`, () => {
            const was = configured(edit.format === "ini" ? null : "# mine\n", edit);
            isLeftAlone(was, other(was.content));
            isLeftAlone(was, "");
            isLeftAlone(was, was.base ?? "# other\n");
            isLeftAlone(was, `${other(was.content)}\n# https://europe-west1-python.pkg.dev/acme/python/\n`);
        });
    }

    it("the same login with a different password, where no address is", () => {
        for (const edit of [ours("poetry", "auth.toml", token), ours("netrc", ".netrc", key)]) {
            const was = configured(null, edit);
            isLeftAlone(was, was.content.replace(/ya29[^"\s]*|b3Vy\S*/, "different"));
        }
    });

    it("our address under a different name, or in a different section", () => {
        const was = configured(null, pypirc);
        isLeftAlone(was, was.content.replaceAll("python\n", "work\n").replace("[python]", "[work]"));
        isLeftAlone(configured(null, pipConf), pipConf.text.replace("global", "install"));
        const uv = configured("", uvProject);
        isLeftAlone(uv, uv.content.replace('name = "python"', 'name = "work"'));
    });
});

describe("undo in a file with our entry", () => {
    it("takes settings that serve an entry only with it: each tool's in a shared file", () => {
        const was = configured('[project]\nname = "x"\n', uvProject, poetryProject);
        const withoutPoetry = was.content.replace(
            /\[\[tool\.poetry\.source\]\]\nname = "python"\n.*\n.*\n/,
            "",
        );
        const { text, found } = undone(was, withoutPoetry);
        assert.deepEqual(found, [uvProject]);
        assert.deepEqual(readToml(text!), {
            project: { name: "x" },
            tool: {
                poetry: {
                    source: [{ name: "PyPI", priority: "supplemental" }],
                    dependencies: { "acme-core": { source: "python" } },
                },
            },
        });
    });

    it("keeps settings that only have the same text in a different place", () => {
        const was = configured("", uvToml);
        const theirs =
            '[pip]\nkeyring-provider = "subprocess"\n\n[[index]]\nname = "x"\nauthenticate = "always"\n';
        becomes(was, was.content + theirs, theirs);
    });

    it("keeps what the user has added to it, with name and address, but no credential", () => {
        const twine = configured(null, ours("twine", ".pypirc", key));
        becomes(
            twine,
            `${twine.content}ca_cert = /x\n`,
            "\n[python]\nrepository: https://europe-west1-python.pkg.dev/acme/python/\nca_cert = /x\n",
            /^you have added settings to \[python\], so these stay/,
        );
        const uv = configured("", ours("uv", "uv.toml", key));
        becomes(
            uv,
            `${uv.content}explicit = true\n`,
            '[[index]]\nname = "python"\nurl = "https://europe-west1-python.pkg.dev/acme/python/simple/"\nexplicit = true\n',
            /^you have added settings to python/,
        );
        const netrc = configured(null, ours("netrc", ".netrc", key));
        becomes(
            netrc,
            netrc.content.replace("\n", " account me\n"),
            "machine europe-west1-python.pkg.dev login _json_key_base64 account me\n",
            /^you have added settings to the entry for europe/,
        );
        // Sections that are no entry lose only ours.
        const pip = configured(null, pipConf);
        becomes(pip, `${pip.content}timeout = 3\n`, "[global]\ntimeout = 3\n");
    });

    it("keeps settings that the user has changed, and names them", () => {
        const was = configured('[project]\nname = "x"\n', uvProject);
        const changed = was.content.replace('"subprocess"', '"disabled"').replace(">=0", ">=2");
        becomes(
            was,
            changed,
            '[project]\nname = "x"\n\n[tool.uv]\nkeyring-provider = "disabled"\nconstraint-dependencies = ["acme-core>=2"]\n',
            /^you have changed these settings, so they stay: tool\.uv\.keyring-provider$/,
        );
    });

    it("removes its own entry, not a copy of it", () => {
        const twine = configured(null, pypirc);
        const copy = pypirc.text.slice(pypirc.text.indexOf("[python]")).replace("[python]", "[copy]");
        becomes(
            twine,
            twine.content.replace("    python\n", "    python\n    copy\n") + copy,
            `[distutils]\nindex-servers =\n    copy\n\n${copy}`.replace("\n\n", "\n"),
        );
        const uv = configured("", uvToml);
        const second = uvToml.text.slice(uvToml.text.indexOf("[[index]]")).replace('"python"', '"copy"');
        becomes(uv, `${uv.content}${second}`, second);
    });

    it("removes one of two equal items and entries", () => {
        const pip = configured(null, pipConf);
        const [, url = ""] = /extra-index-url = (.*)/.exec(pipConf.text)!;
        becomes(
            pip,
            pip.content.replace(url, `${url}\n    ${url}`),
            `[global]\nextra-index-url =\n    ${url}\n`,
        );
        const netrc = ours("netrc", ".netrc", key);
        becomes(configured("", netrc), netrc.text + netrc.text, netrc.text);
    });

    it("keeps the servers that twine used without a list", () => {
        const was = configured("[pypi]\nusername = me\n", pypirc);
        const more = was.content.replace("    python\n", "    python\n    mine\n");
        const { text } = undone(was, more);
        assert.deepEqual(
            readIni(text!).get("distutils")?.get("index-servers")?.split(/\s+/).filter(Boolean).sort(),
            ["mine", "pypi"],
        );
        becomes(was, `# new\n${was.content}`, "# new\n[pypi]\nusername = me\n");
    });

    it("restores what it replaced or removed, in its place", () => {
        const theirs =
            "[python]\nusername: me\nrepository: https://europe-west1-python.pkg.dev/acme/python\n# why\npassword = p\n  q\nca_cert = x\n";
        const was = configured(theirs, pypirc);
        becomes(was, `# new\n${was.content}`, `# new\n${theirs}`);
        const line =
            "[global]\nextra-index-url = https://a/ https://u:p@europe-west1-python.pkg.dev/acme/python/simple/\n";
        const pip = configured(line, pipConf);
        becomes(pip, `${pip.content}timeout = 3\n`, `${line}timeout = 3\n`);
        const login = 'machine europe-west1-python.pkg.dev\n  login _json_key_base64\n  password "old"\n';
        const netrc = configured(login, ours("netrc", ".netrc", key));
        becomes(
            netrc,
            `${netrc.content}machine b login c password d\n`,
            `${login}machine b login c password d\n`,
        );
    });

    it("leaves a dependency the version that its user now requires", () => {
        const project = '[tool.poetry.dependencies]\nacme-core = "^1"\n';
        const was = configured(project, poetryProject);
        becomes(was, `# new\n${was.content}`, `# new\n${project}`);
        becomes(was, was.content.replace("^1", "^2"), project.replace('"^1"', '{ version = "^2" }'));
    });

    it("leaves a dependency with several constraints each of them, in any notation", () => {
        for (const [list, changed] of [
            ['acme-core = [{ version = "1", python = "<3" }, { version = "2" }]', '"2"'],
            ['acme-core = ["<2", ">3"]', undefined],
            [
                '[[tool.poetry.dependencies.acme-core]]\nversion = "1"\n\n[[tool.poetry.dependencies.acme-core]]\nversion = "2"',
                '"2"',
            ],
        ] as const) {
            const base = `# mine\n[tool.poetry.dependencies]\n${list}\n`;
            const was = configured(base, poetryProject);
            assert.equal(
                was.content.match(/version = .*\s*source = "python"/g)?.length,
                list.includes("[[") ? 2 : 1,
            );
            becomes(was, was.content.replace("# mine", "# yours"), base.replace("# mine", "# yours"));
            if (changed === undefined) continue;
            const edit = (text: string) => text.replace(changed, '"5"');
            becomes(was, edit(was.content), edit(base));
        }
        const base = '[tool.poetry.dependencies]\nacme-core = ["<2", ">3"]\n';
        const was = configured(base, poetryProject);
        becomes(
            was,
            was.content.replace("<2", "<1"),
            was.content.slice(0, was.content.indexOf("\n\n") + 1).replace("<2", "<1"),
            /^you have changed these settings, so they stay: tool\.poetry\.dependencies\.acme-core$/,
            /^these settings still name python, .* Remove them$/,
        );
    });

    it("finds ours after a tool has written the file in its own way", () => {
        const was = configured("[pypi]\nusername: me\n", pypirc);
        // As Python's configparser does.
        const rewritten =
            "[pypi]\nusername = me\n\n[distutils]\nindex-servers = \n\tpypi\n\tpython\n\n[python]\nrepository = https://europe-west1-python.pkg.dev/acme/python/\n\n[other]\na = b\n\n";
        const { text } = undone(was, rewritten);
        assert.deepEqual([...readIni(text!).keys()], ["pypi", "other"]);
        const uv = configured('[project]\nname = "x"\n', uvProject);
        const inline =
            'tool.uv = { index = [{ authenticate = "always", name = "python", url = "https://europe-west1-python.pkg.dev/acme/python/simple/", publish-url = "https://europe-west1-python.pkg.dev/acme/python/" }], keyring-provider = "subprocess", sources.acme-core.index = "python", constraint-dependencies = [\n  "acme-core>=0", # ours\n  "b",\n] }\nproject.name = "x"\n';
        assert.deepEqual(readToml(undone(uv, inline).text!), {
            tool: { uv: { "constraint-dependencies": ["b"] } },
            project: { name: "x" },
        });
    });

    it("reads other line ends and encodings, and refuses what it cannot read", () => {
        for (const edit of [pypirc, uvToml]) {
            const was = configured("# mine\n", edit);
            const converted = was.content.replaceAll("\n", "\r\n");
            becomes(was, converted, "# mine\r\n");
            becomes(was, `\ufeff${was.content}`, "\ufeff# mine\n");
            becomes(configured(null, edit), `\ufeff${edit.text}`, undefined);
            assert.throws(() => undone(was, was.content, "utf16le"), UnsupportedFileError);
        }
        const was = configured("# é\n", pypirc);
        const { text } = undone(was, was.content, "latin1");
        assert.equal(text, "# é\n");
        assert.throws(
            () => undone(configured("# é\n", uvToml), configured("# é\n", uvToml).content, "latin1"),
            /UTF-8/,
        );
        assert.throws(() => undone(was, `what is this\n${was.content}`), UnsupportedFileError);
    });

    it("with a record of a version that merged differently", () => {
        const was = { base: "# mine\n", content: `${pypirc.text}# mine\n`, edits: [pypirc] };
        becomes(was, `${pypirc.text}# mine\n# new\n`, "# mine\n# new\n");
        const second = ours("netrc", ".netrc", token);
        const first = ours("netrc", ".netrc", key);
        const shared = { base: "#\n", content: `${second.text}#\n`, edits: [first, second] };
        const { text } = undone(shared, `${second.text}#\n#\n`);
        assert.equal(text, "#\n#\n");
    });
});

describe("undo, for any replacement of the file", () => {
    /** Every setting of a file, by its place; a list by its items. */
    function settingsIn(text: string, format: Format): string[] {
        if (format === "netrc") {
            readNetrc(text);
            const words = text
                .replace(/^\s*#.*/gm, "")
                .split(/\s+/)
                .filter(Boolean)
                .join(" ");
            return words.split(/ ?(?=\b(?:machine|default)\b)/).filter(Boolean);
        }
        if (format === "ini") {
            return [...parseIni(text.replace(/^\ufeff/, ""), lowerCase).sections.values()].flatMap(
                (section) =>
                    [...section.entries.values()].flatMap(({ key, value }) =>
                        (/index-servers|extra-index-url/.test(key) ? value.split(/\s+/) : [value])
                            .filter((each) => each !== "")
                            .map((each) => JSON.stringify([section.name, key, each])),
                    ),
            );
        }
        const walk = (value: Toml, path: string): string[] =>
            Array.isArray(value)
                ? (value as Toml[]).flatMap((each) => {
                      const { name = "", url = "" } = (typeof each === "object" ? each : {}) as Record<
                          string,
                          string
                      >;
                      // An entry of ours named pypi replaces the address of PyPI.
                      const address = name === "pypi" ? "" : url.replace(/\/\/[^/@]*@/, "//");
                      return walk(each, `${path}[${JSON.stringify([name, address])}]`);
                  })
                : typeof value === "object" && !(value instanceof Date)
                  ? Object.entries(value as TomlTable).flatMap(([name, each]) =>
                        walk(each, `${path}.${name}`),
                    )
                  : [`${path} = ${String(value)}`];
        return walk(readToml(text), "");
    }
    function without(items: readonly string[], others: readonly string[]): string[] {
        const left = [...others];
        return items.filter((item) => {
            const at = left.indexOf(item);
            if (at !== -1) left.splice(at, 1);
            return at === -1;
        });
    }
    const rows = (text: string) => text.split(/\r?\n/).filter((line) => line.trim() !== "");
    const isValid = (text: string, format: Format) => {
        try {
            settingsIn(text, format);
            return true;
        } catch {
            return false;
        }
    };

    /** The text for the registry as the only index. */
    const only = (...[tool, file, credential = keyring, at = "acme"]: Parameters<typeof ours>) =>
        ours(tool, file, credential, at, "python", "none");
    const project = '[project]\nname = "x"\ndependencies = ["acme-core"] # all\n';
    const kinds: readonly {
        readonly edits: readonly ManagedEdit[];
        readonly bases: readonly (string | null)[];
    }[] = [
        {
            edits: [pipConf, ours("pip", "pip.conf", token), ours("pip", "pip.conf", key, "other")],
            bases: [
                null,
                "",
                "# mine",
                "[global]\ntimeout = 60\nextra-index-url = https://a/simple/\n\n[install]\nextra-index-url =\n    https://b/\n",
                "[DEFAULT]\nextra-index-url = https://c/\n[global]\nkeyring-provider = import",
            ],
        },
        {
            edits: [only("pip", "pip.conf"), only("pip", "pip.conf", key, "other"), pipConf],
            bases: [
                null,
                "[global]\ntimeout = 60\nindex-url = https://me:x@a/simple/\n\n[install]\nindex-url = https://b/\nextra-index-url =\n    https://c/\n",
                "[DEFAULT]\nindex-url = https://c/\n[global]\nkeyring-provider = import",
            ],
        },
        {
            edits: [only("uv", "uv.toml"), only("uv", "uv.toml", key), uvToml],
            bases: [null, '[[index]]\nname = "a"\nurl = "https://a/"\ndefault = true\n'],
        },
        {
            edits: [
                only("uv", "pyproject.toml"),
                only("poetry", "pyproject.toml"),
                only("pdm", "pyproject.toml"),
                uvProject,
            ],
            bases: [
                project,
                `${project}\n[[tool.pdm.source]]\nname = "pypi"\nurl = "https://pypi.org/simple"\nverify_ssl = true\n`,
            ],
        },
        {
            edits: [only("pdm", "config.toml", key), only("pdm", "config.toml", token)],
            bases: [
                null,
                '[pypi]\nurl = "https://pypi.org/simple"\n',
                '[pypi.other]\nurl = "https://other/"\n\n[a]\nb = 1\n',
            ],
        },
        {
            edits: [only("pipenv", "Pipfile")],
            bases: [
                "# mine\n",
                '[[source]]\nurl = "https://pypi.org/simple"\nverify_ssl = true\nname = "pypi"\n\n[packages]\na = "*"\n',
            ],
        },
        {
            edits: [
                pypirc,
                ours("twine", ".pypirc", token),
                ours("twine", ".pypirc", key, "other", "other-python"),
            ],
            bases: [
                null,
                "[pypi]\nusername: me\npassword: x\n",
                "[distutils]\nindex-servers = pypi\n\n[pypi]\nusername = __token__",
                "[python]\nusername = me\nrepository = https://u@europe-west1-python.pkg.dev/acme/python/\n\n",
            ],
        },
        {
            edits: [
                uvToml,
                ours("uv", "uv.toml", key),
                ours("hatch", "uv.toml"),
                ours("uv", "uv.toml", keyring, "other", "b"),
            ],
            bases: [
                null,
                '# mine\nindex-strategy = "first-index"',
                '[[index]]\nname = "a"\nurl = "https://a/"\n\n[pip]\nkeyring-provider = "subprocess"\n',
                'index = [{ name = "a", url = "https://a/" }]\nkeyring-provider = "disabled"\n',
            ],
        },
        {
            edits: [uvProject, poetryProject, ours("pdm", "pyproject.toml"), ours("hatch", "pyproject.toml")],
            bases: [
                project,
                `${project}\n[tool.uv]\nconstraint-dependencies = [\n    "b",\n]\n\n[tool.poetry.dependencies]\nacme-core = "^1"\n`,
                `[tool.poetry]\nname = "x"\nrepository = "https://x/"\n\n[[tool.poetry.source]]\nname = "pypi"\n\n${project}`,
                `${project}\n[tool]\nuv = { sources = { acme-core = { index = "a" } } }`,
            ],
        },
        {
            edits: [ours("pdm", "config.toml", token), ours("pdm", "config.toml", keyring, "other", "b")],
            bases: [
                null,
                '[pypi]\nurl = "https://mirror/"\n',
                '[pypi.python]\nverify_ssl = true\n\n[a]\nb = """\n[pypi.b]\n"""',
            ],
        },
        {
            edits: [ours("poetry", "auth.toml", key), ours("poetry", "auth.toml", token, "other", "b")],
            bases: [null, '[http-basic.a]\nusername = "oauth2accesstoken"\npassword = "x"\n'],
        },
        {
            edits: [ours("pipenv", "Pipfile")],
            bases: [
                '[[source]]\nname = "pypi"\nurl = "https://pypi.org/simple"\nverify_ssl = true\n\n[packages]\n',
            ],
        },
        {
            edits: [ours("netrc", ".netrc", key), ours("netrc", ".netrc", token, "other")],
            bases: [
                null,
                "machine a login b password c\n\ndefault login x password y",
                "# mine\nmachine a\n login b\n",
            ],
        },
    ];
    const anyKind = fc.constantFrom(...kinds);
    const anyConfigured = anyKind.chain(({ edits, bases }) =>
        fc
            .tuple(
                fc.shuffledSubarray([...edits], { minLength: 1, maxLength: Math.min(2, edits.length) }),
                fc.constantFrom(...bases),
            )
            .map(([chosen, base]) => {
                try {
                    // A registry has one edit of a tool in a file.
                    const owners = new Set(chosen.map(({ owner }) => owner.registry + owner.tool));
                    const forms = new Set(chosen.map(({ secret, owner }) => `${secret} ${owner.registry}`));
                    const registries = new Set(chosen.map(({ owner }) => owner.registry));
                    if (owners.size < chosen.length || forms.size > registries.size) return undefined;
                    return { was: configured(base, ...chosen), edits, bases };
                } catch (error) {
                    if (error instanceof NameConflictError || error instanceof UnsupportedFileError)
                        return undefined;
                    throw error;
                }
            })
            .filter((each) => each !== undefined),
    );
    const nat = fc.nat(1000);
    const anyChange = fc.tuple(
        fc.constantFrom("delete", "move", "copy", "insert", "paste", "word", "blank"),
        nat,
        nat,
        nat,
    );
    /** A file that was edited, or another one with lines of ours. */
    const anyReplacement = anyConfigured.chain(({ was, edits, bases }) =>
        fc
            .record({
                start: fc.constantFrom("content", "content", "content", "other", "base"),
                base: fc.constantFrom(...bases),
                edit: fc.constantFrom(...edits),
                changes: fc.array(anyChange, { maxLength: 6 }),
                ending: fc.constantFrom("\n", "\n", "\r\n"),
            })
            .map(({ start, base, edit, changes, ending }) => {
                let text = was.content;
                if (start === "base") text = was.base ?? "";
                if (start === "other") {
                    try {
                        text = configured(base, { ...edit, text: other(edit.text) }).content;
                    } catch {
                        text = base ?? "";
                    }
                }
                let lines = text.split(/\r?\n/);
                const pool = [
                    ...was.content.split("\n"),
                    ...edits.flatMap((each) => other(each.text).split("\n")),
                ];
                for (const [what, a, b, c] of changes) {
                    const from = a % (lines.length + 1);
                    const block = lines.slice(from, from + 1 + (b % 4));
                    const to = c % (lines.length + 1);
                    if (what === "delete" || what === "move") lines = lines.toSpliced(from, block.length);
                    if (what === "move" || what === "copy") lines = lines.toSpliced(to, 0, ...block);
                    if (what === "insert")
                        lines = lines.toSpliced(to, 0, ["mine = 1", "# mine", "[mine]"][a % 3]!);
                    if (what === "paste")
                        lines = lines.toSpliced(
                            to,
                            0,
                            ...pool.slice(a % pool.length, (a % pool.length) + 1 + (b % 4)),
                        );
                    if (what === "blank") lines = lines.toSpliced(to, 0, "");
                    if (what === "word")
                        lines = lines.map((line, n) => (n === from ? line.replace("python", "mine") : line));
                }
                return { was, current: lines.join(ending) };
            }),
    );

    it("removes a subset of what it inserted there, and keeps every other line and a valid file", function () {
        let valid = 0;
        let gone = 0;
        fc.assert(
            fc.property(anyReplacement, ({ was, current }) => {
                const { format } = was.edits[0]!;
                if (!isValid(current, format)) return;
                let result: ReturnType<typeof undone>;
                try {
                    result = undone(was, current);
                } catch (error) {
                    assert.ok(error instanceof UnsupportedFileError, String(error));
                    return;
                }
                valid++;
                const text = result.text ?? "";
                if (result.found.length === 0) {
                    gone++;
                    assert.equal(text, current);
                }
                const [original, written, now, left] = [was.base ?? "", was.content, current, text].map(
                    (each) => settingsIn(each, format),
                ) as [string[], string[], string[], string[]];
                // The second of two registries can have taken the place of the first one's entries.
                const first = settingsIn(configured(was.base, was.edits[0]!).content, format);
                const inserted = [
                    ...without(written, original),
                    ...without(first, original),
                    ...was.edits.flatMap((each) => settingsIn(each.text, format)),
                ];
                const secretless = (each: string) => each.replace(/\/\/[^/@]*@/, "//");
                const removed = without(now, left).filter((each) => !left.includes(secretless(each)));
                assert.deepEqual(without(removed, inserted), [], "removed");
                const appeared = without(left, now).filter(
                    (each) => !now.some((one) => secretless(one) === each),
                );
                if (!/version = /.test(was.content))
                    assert.deepEqual(without(appeared, original), [], "appeared");
                const ownLines = without(rows(was.content), rows(was.base ?? ""));
                // The same setting can be on a line of a different form: above, as a setting.
                const ownText = was.edits.flatMap((each) => rows(each.text));
                const theirs = without(rows(current), ownLines).filter(
                    (line) =>
                        !ownText.includes(line) && !/[[{].*[\]}]|pkg\.dev|index-servers|acme-core/.test(line),
                );
                assert.deepEqual(without(theirs, rows(text)), [], "lines");
            }),
            { numRuns: 800 },
        );
        assert.ok(valid > 300 && gone > 50, `${valid} valid files, ${gone} without our entry`);
    });

    it("restores the bytes without a change, and the lines if there are only new comments", () => {
        fc.assert(
            fc.property(anyConfigured, fc.array(nat, { maxLength: 3 }), ({ was }, places) => {
                const { text, found } = undone(was, was.content);
                assert.equal(text, was.base ?? undefined);
                assert.equal(found.length, was.edits.length);
                const lines = was.content.split("\n");
                for (const place of places) lines.splice(place % lines.length, 0, "# new");
                const current = lines.join("\n");
                fc.pre(!current.includes('"""') && isValid(current, was.edits[0]!.format));
                const isOwn = (line: string) => line !== "# new";
                assert.deepEqual(rows(undone(was, current).text ?? "").filter(isOwn), rows(was.base ?? ""));
            }),
            { numRuns: 500 },
        );
    });
});
