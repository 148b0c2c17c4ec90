import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { configure, undo } from "../../packages/configure/src/configure";
import { check } from "../../packages/configure/src/check/check";
import { cooldownIn, daysToWait } from "../../packages/configure/src/formats/cooldown";
import { formats } from "../../packages/configure/src/formats/formats";
import { revertEdits } from "../../packages/configure/src/journal/edits";
import type { Plan } from "../../packages/configure/src/journal/journal";
import type { ManagedEdit } from "../../packages/configure/src/journal/record";
import { type System, thisSystem } from "../../packages/configure/src/machine/system";
import type { TomlTable } from "../../packages/configure/src/formats/toml";
import { descriptors } from "../../packages/configure/src/tools/descriptors";
import { parseOutputs, type RegistryOutputs } from "../../packages/configure/src/registry/outputs";
import { warnIfUnrestricted } from "../../packages/configure/src/report";
import type { ConfigurableTool } from "../../packages/configure/src/tools/configurable";
import { getPlace } from "../../packages/configure/src/tools/places";
import { getFiles } from "../../packages/configure/src/tools/tool-plan";
import type { PythonIndex } from "../../packages/registry/src/clients/client";
import { tools } from "../../packages/registry/src/clients/tools";
import { indexNamed } from "./client-samples";

// What `configure` and `configure check` do about the cooldown. test/clients/tools/ asks the tools themselves.

/** How many days the registry wants; undefined for no cooldown. */
function index(days?: number, name = "python"): PythonIndex {
    const { indexUrl, uploadUrl, ...rest } = indexNamed(name);
    return {
        ...rest,
        indexUrl: indexUrl.replace("/python/", `/${name}/`),
        uploadUrl: uploadUrl.replace("/python/", `/${name}/`),
        internalPackages: ["acme-core"],
        ...(days !== undefined && { cooldown: { days } }),
    };
}

/** What `configure` adds to a tool's file. */
function edit(tool: ConfigurableTool, path: string, given: PythonIndex): ManagedEdit {
    const scope = path.startsWith("~") ? "user" : "project";
    const credential = { form: "keyring" } as const;
    const found = getFiles({ tool, clientOf: tools[tool].client, index: given, credential, scope });
    assert.ok("files" in found);
    const { file } = found.files.find((each) => each.file.path.linux === path)!;
    return { owner: { registry: given.name, tool, scope }, format: "toml", text: file.text, secret: false };
}

const merge = (existing: string, { text }: ManagedEdit) => formats.toml.merge(existing, text);

/** A tool's files, with the name of the setting, and a value of some days in the form of the tool. */
const places: [
    ConfigurableTool,
    path: string,
    table: string,
    key: string,
    value: (days: number) => string,
][] = [
    ["uv", "~/.config/uv/uv.toml", "", "exclude-newer", (days) => `"${days} days"`],
    ["uv", "pyproject.toml", "tool.uv", "exclude-newer", (days) => `"P${days}D"`],
    ["poetry", "~/.config/pypoetry/config.toml", "solver", "min-release-age", String],
    ["poetry", "poetry.toml", "solver", "min-release-age", String],
    ["pdm", "pyproject.toml", "tool.pdm.resolution", "exclude-newer", (days) => `"${days}d"`],
    // pipenv uses a project only if it has PyPI as its first source.
    ["pipenv", "Pipfile", "pipenv", "cool-down-period", (days) => `"${days}d"`],
];

describe("configure: the cooldown", () => {
    it("of a setting is a number of days", () => {
        for (const [value, days] of [
            [7, 7],
            ["7", 7],
            ["7 days", 7],
            ["1 day", 1],
            ["7d", 7],
            ["2w", 14],
            ["1 week", 7],
            ["1 week 3 days", 10],
            ["36h", 1.5],
            ["24 hours", 1],
            ["90 minutes", 0.0625],
            ["P7D", 7],
            ["P2W", 14],
            ["PT36H", 1.5],
            ["P1DT12H", 1.5],
            ["PT90M", 0.0625],
            [false, 0],
            ["2999-01-01", 0],
            // No tool takes these.
            ["P1M", undefined],
            ["3 months", undefined],
            ["soon", undefined],
            ["", undefined],
            [true, undefined],
            [["7 days"], undefined],
        ] as const) {
            assert.equal(daysToWait(value), days, JSON.stringify(value));
        }
        const weekAgo = new Date(Date.now() - 7 * 24 * 3600 * 1000);
        for (const value of [weekAgo, weekAgo.toISOString()])
            assert.ok(Math.abs(daysToWait(value)! - 7) < 0.01);
    });

    for (const [tool, path, table, key, value] of places) {
        const file = (days: string) => `# mine\n${table === "" ? "" : `[${table}]\n`}${key} = ${days}\n`;
        const ours = edit(tool, path, index(7));

        describe(`in ${path} of ${tool}`, () => {
            it("is added, and replaces a shorter one, with a notice", () => {
                assert.equal(cooldownIn(merge("", ours).text), 7);
                assert.deepEqual(merge("", ours).notices, []);
                for (const shorter of [
                    value(6),
                    ...(tool === "poetry" ? ["0"] : ['"6 days 23 hours"', "false"]),
                ]) {
                    const { text, notices } = merge(file(shorter), ours);
                    assert.equal(cooldownIn(text), 7, shorter);
                    assert.equal(notices.length, 1);
                    assert.match(notices[0]!, new RegExp(`${key} had a different value; it is now `));
                }
            });

            it("keeps a longer one, a fixed time in the past, and what it cannot compare, and says so", () => {
                for (const [theirs, notice] of [
                    [
                        value(8),
                        /makes the tool wait longer than the cooldown of this registry, "?7.*It was kept/,
                    ],
                    ['"2020-01-01T00:00:00Z"', /longer than/],
                    [
                        '"a while"',
                        /cannot be compared with the cooldown of this registry.*It was kept: set it to that, or more/,
                    ],
                ] as const) {
                    const { text, notices } = merge(file(theirs), ours);
                    assert.match(text, new RegExp(`^${key} = ${theirs}$`, "m"));
                    assert.equal(notices.length, 1, notices.join("\n"));
                    assert.match(notices[0]!, notice);
                }
                const same = [value(7), ...(tool === "poetry" ? [] : ['"1 week"', '"168 hours"'])];
                for (const theirs of same) {
                    const { text, notices } = merge(file(theirs), ours);
                    assert.match(text, new RegExp(`^${key} = ${theirs}$`, "m"));
                    assert.deepEqual(notices, []);
                }
            });

            it("is removed by --undo, also after the user has changed the file, and theirs is back", () => {
                const more = "\n[tool.other]\nmine = true\n";
                for (const before of ["", file(value(3)), file(value(30)), "# only a comment\n"]) {
                    const content = merge(before, ours).text;
                    const state = { base: Buffer.from(before), content: Buffer.from(content), edits: [ours] };
                    const { base, found } = revertEdits(
                        state,
                        Buffer.from(content + more),
                        () => formats.toml,
                    );
                    assert.equal(base?.toString().trimStart(), (before + more).trimStart());
                    assert.equal(found.size, 1);
                }
            });

            it("is taken back and made longer or shorter by a later run", () => {
                const base = "# only a comment\n";
                for (const [from, to] of [
                    [7, 14],
                    [14, 7],
                    [7, undefined],
                    [undefined, 7],
                ]) {
                    if (
                        tool === "poetry" &&
                        path === "poetry.toml" &&
                        (from === undefined || to === undefined)
                    )
                        continue;
                    const [first, second] = [from, to].map((days) => edit(tool, path, index(days)));
                    const content = merge(base, first!).text;
                    const state = { base: Buffer.from(base), content: Buffer.from(content), edits: [first!] };
                    const reverted = revertEdits(
                        state,
                        Buffer.from(content),
                        () => formats.toml,
                    ).base!.toString();
                    assert.equal(reverted, base);
                    assert.equal(cooldownIn(merge(reverted, second!).text), to);
                }
            });
        });
    }

    it("is not for the registry itself: uv refuses nothing there, whatever its entry said before", () => {
        const path = "~/.config/uv/uv.toml";
        const before = merge("", edit("uv", path, index())).text;
        const { text, notices } = merge(`${before}exclude-newer = "30 days"\n`, edit("uv", path, index(7)));
        assert.match(text, /^exclude-newer = "7 days"\n[^]*^exclude-newer = false\n/m);
        assert.doesNotMatch(text, /30 days/);
        assert.match(notices.join(), /index.*exclude-newer had a different value; it is now false/);
    });

    it("of two registries is the longer one, and goes with the last of them", () => {
        const path = "~/.config/pypoetry/config.toml";
        const [one, other] = [
            edit("poetry", path, index(14, "one")),
            edit("poetry", path, index(7, "other")),
        ];
        for (const edits of [
            [one, other],
            [other, one],
        ]) {
            const text = edits.reduce((all, each) => merge(all, each).text, "");
            assert.equal(cooldownIn(text), 14);
            // Both are left out.
            assert.match(
                text,
                /^min-release-age-exclude-source = \["[^"]*\/one\/simple\/", "[^"]*\/other\/simple\/"\]$|^min-release-age-exclude-source = \["[^"]*\/other\/simple\/", "[^"]*\/one\/simple\/"\]$/m,
            );
        }
    });

    it("in a project of uv makes its lock file out of date: uv writes it there", () => {
        const isStale = (before: object, after: object) =>
            descriptors.uv.lock!.isStale({
                before: { uv: before as TomlTable },
                after: { uv: after as TomlTable },
                locked: ["six"],
            });
        assert.equal(isStale({}, { "exclude-newer": "7 days" }), true);
        assert.equal(isStale({ "exclude-newer": "7 days" }, {}), true);
        assert.equal(isStale({ "exclude-newer": "7 days" }, { "exclude-newer": "7 days", index: [] }), false);
    });

    it("is added to each file of a project, changed, and removed, in runs of configure", async () => {
        const home = await mkdtemp(join(tmpdir(), "python-registry-project-"));
        const { log, error } = console;
        try {
            const project = join(home, "project");
            const own: Record<string, string> = {
                "pyproject.toml":
                    '[project]\nname = "demo"\nversion = "1"\ndependencies = ["acme-core"]\n\n[tool.poetry]\npackage-mode = false\n',
                Pipfile:
                    '[[source]]\nurl = "https://pypi.org/simple"\nverify_ssl = true\nname = "pypi"\n\n[packages]\nacme-core = "*"\n',
            };
            await mkdir(project);
            for (const [name, text] of Object.entries(own)) await writeFile(join(project, name), text);
            const system: System = { ...thisSystem(), environment: {}, home, workingDirectory: project };
            const readProject = async () => {
                const names = (await readdir(project)).toSorted();
                const texts = names.map(
                    async (name) => [name, await readFile(join(project, name), "utf8")] as const,
                );
                return Object.fromEntries(await Promise.all(texts));
            };
            const run = async (days?: number) => {
                const { indexUrl, uploadUrl } = index();
                const name = "projects/acme-tools/locations/europe-west1/repositories/python";
                const outputs = join(home, "outputs.json");
                const repository = {
                    id: "python",
                    name,
                    project: "acme-tools",
                    location: "europe-west1",
                    indexUrl,
                    uploadUrl,
                };
                const cooldown = days === undefined ? {} : { cooldown: { days } };
                await writeFile(
                    outputs,
                    JSON.stringify({ repository, internalPackages: ["acme-core"], ...cooldown }),
                );
                const options = {
                    outputs,
                    tool: ["uv", "poetry", "pdm", "pipenv"],
                    auth: "keyring",
                    scope: "project",
                    dryRun: false,
                } as const;
                assert.ok(await configure(options, system), printed.join("\n"));
                return readProject();
            };
            const printed: string[] = [];
            console.log = console.error = (text: string) => printed.push(text);
            const cooldowns = (files: Record<string, string>) =>
                Object.fromEntries(
                    Object.entries(files).map(([file, text]) => [
                        file,
                        [
                            ...text.matchAll(
                                /^(?:exclude-newer|min-release-age|cool-down-period) = "?(\d+)/gm,
                            ),
                        ].map(([, days]) => Number(days)),
                    ]),
                );
            for (const days of [7, 14]) {
                const both = [days, days];
                assert.deepEqual(cooldowns(await run(days)), {
                    Pipfile: [days],
                    "poetry.toml": [days],
                    "pyproject.toml": both,
                });
            }
            assert.deepEqual(cooldowns(await run()), { Pipfile: [], "pyproject.toml": [] });
            // uv, pdm and pipenv; of poetry, the whole file goes.
            assert.equal(printed.filter((text) => /no longer waits before/.test(text)).length, 3);
            assert.ok(printed.some((text) => /^removed .*poetry\.toml$/.test(text)));
            await run(7);
            assert.ok(await undo({ dryRun: false }, system));
            assert.deepEqual(await readProject(), own);
        } finally {
            Object.assign(console, { log, error });
            await rm(home, { recursive: true });
        }
    });

    it("of uv concerns other indexes and lock files, which a note says", async () => {
        const directory = await mkdtemp(join(tmpdir(), "python-registry-uv-"));
        try {
            const notes = async (path: string, given: PythonIndex, theirs = "") => {
                const file = join(directory, path.split("/").at(-1)!);
                await writeFile(file, merge(theirs, edit("uv", path, given)).text);
                return descriptors.uv.noticesAfter!(file, given, thisSystem());
            };
            const user = "~/.config/uv/uv.toml";
            const other = '[[index]]\nname = "other"\nurl = "https://me:s3cret@packages.example/simple/"\n';
            const pypi = '[[index]]\nname = "pypi"\nurl = "https://pypi.org/simple/"\n';
            assert.deepEqual(await notes(user, index(), other), []);
            const [ofIndex, ofLock, ...none] = await notes(user, index(7), `${other}${pypi}`);
            assert.match(ofIndex!, /From the index "other", it takes nothing if/);
            assert.match(ofLock!, /`uv sync --locked` then fails where it is not set.*--scope project/);
            assert.deepEqual(none, []);
            // The same if the cooldown is that of another registry.
            const [ofOurs, ...more] = await notes(
                user,
                index(undefined, "second"),
                'exclude-newer = "7 days"\n',
            );
            assert.match(ofOurs!, /From the index "second"/);
            assert.deepEqual(more, []);
            assert.deepEqual(await notes("pyproject.toml", index(7)), []);
            for (const note of [ofIndex, ofLock, ofOurs]) assert.doesNotMatch(note!, /s3cret/);
        } finally {
            await rm(directory, { recursive: true });
        }
    });

    it("that becomes shorter or goes away with other outputs is a warning", () => {
        const path = "~/.config/uv/uv.toml";
        const warnings = (from: number | undefined, to: number | undefined): string[] => {
            const printed: string[] = [];
            const original = console.error;
            console.error = (text: string) => printed.push(text);
            try {
                const [before, after] = [from, to].map((days) => edit("uv", path, index(days)));
                warnIfUnrestricted({ path, previousEdits: [before!], edits: [after!] } as unknown as Plan);
            } finally {
                console.error = original;
            }
            return printed;
        };
        assert.match(
            warnings(14, 7).join(),
            /uv with .*uv\.toml waits 7 days instead of 14 before it takes new versions.*check cooldown in the outputs/,
        );
        assert.match(warnings(14, undefined).join(), /no longer waits before it takes new versions/);
        for (const [from, to] of [
            [7, 14],
            [7, 7],
            [undefined, 7],
            [undefined, undefined],
        ] as const)
            assert.deepEqual(warnings(from, to), []);
    });

    it("is read from the outputs, and refused in any other form", () => {
        const { indexUrl, uploadUrl } = index();
        const [project, location, id] = ["acme-tools", "europe-west1", "python"];
        const name = `projects/${project}/locations/${location}/repositories/${id}`;
        const repository = { id, name, project, location, indexUrl, uploadUrl };
        const parse = (more: object) =>
            parseOutputs(JSON.stringify({ repository, ...more }), "the test").index.cooldown;
        assert.deepEqual(parse({ cooldown: { days: 7 } }), { days: 7 });
        assert.equal(parse({}), undefined);
        for (const cooldown of [7, { days: "7" }, { days: 0 }, { days: 1e9 }, { days: 1.5 }, {}, null])
            assert.throws(() => parse({ cooldown }), /missing or unexpected: cooldown/);
    });

    it("of a project of poetry is in poetry.toml beside its pyproject.toml, not above it", () => {
        const files = ["/src/app/pyproject.toml", "/src/poetry.toml"];
        const system: System = {
            kind: "linux",
            environment: {},
            home: "/home/dev",
            workingDirectory: "/src/app/src",
            exists: (file) => files.includes(file),
        };
        const [place] = tools.poetry.places.publish.filter(({ scope }) => scope === "project");
        assert.deepEqual(getPlace(place!, system, "poetry"), { path: "/src/app/poetry.toml" });
        assert.ok("problem" in getPlace(place!, { ...system, exists: () => false }, "poetry"));
    });
});

describe("configure check: the cooldown in the files", () => {
    let home: string;
    beforeEach(async () => {
        home = await mkdtemp(join(tmpdir(), "python-registry-cooldown-"));
    });
    afterEach(() => rm(home, { recursive: true }));

    /** What the check says about the cooldown of a tool, from its files alone. */
    async function findings(
        tool: ConfigurableTool,
        given: PythonIndex,
        files: Readonly<Record<string, string>>,
        environment: Readonly<Record<string, string>> = {},
    ): Promise<string[]> {
        for (const [path, text] of Object.entries(files)) {
            const file = join(home, path.replace(/^~\//, ""));
            await mkdir(dirname(file), { recursive: true });
            await writeFile(file, text);
        }
        const registry = {
            name: "",
            from: "",
            index: given,
            accounts: {},
            keyFiles: undefined,
            principals: [],
        };
        const system: System = {
            kind: "linux",
            environment,
            home,
            workingDirectory: home,
            exists: existsSync,
        };
        const all = await check({
            registry: registry satisfies RegistryOutputs,
            tools: [tool],
            offline: true,
            system,
        });
        return all.flatMap(({ subject, status, message }) =>
            subject === "cooldown" ? [`${status}: ${message}`] : [],
        );
    }

    const config = "~/.config/pypoetry/config.toml";
    const pyproject = edit("poetry", "pyproject.toml", index(7)).text;
    const settings = (days?: number) => edit("poetry", config, index(days)).text;

    it("is well if it is long enough; only the tool can say more", async () => {
        for (const days of [7, 30]) {
            const files = { "pyproject.toml": pyproject, [config]: settings(days) };
            assert.deepEqual(await findings("poetry", index(7), files), [
                "skipped: Set to 7 days. Not tried: --offline",
            ]);
        }
        const { text } = edit("uv", "~/.config/uv/uv.toml", index(7));
        assert.deepEqual(await findings("uv", index(7), { "~/.config/uv/uv.toml": text }), [
            "skipped: Set to 7 days. Not tried: --offline",
        ]);
    });

    it("is a problem if it is missing, too short, or overridden", async () => {
        const end = "before it takes new versions of public packages; this registry wants 7 days";
        const files = { "pyproject.toml": pyproject, [config]: settings() };
        assert.deepEqual(await findings("poetry", index(7), files), [`problem: poetry does not wait ${end}`]);
        const short = { ...files, [config]: settings(6) };
        assert.deepEqual(await findings("poetry", index(7), short), [
            `problem: poetry waits only 6 days ${end}`,
        ]);
        // The project's file overrides the user's, and a variable overrides both.
        const both = { ...files, [config]: settings(30), "poetry.toml": "[solver]\nmin-release-age = 1\n" };
        assert.deepEqual(await findings("poetry", index(7), both), [
            `problem: poetry waits only 1 days ${end}`,
        ]);
        const fine = { ...files, [config]: settings(30), "poetry.toml": "" };
        for (const value of ["0", "whatever"]) {
            const environment = { POETRY_SOLVER_MIN_RELEASE_AGE: value };
            assert.deepEqual(await findings("poetry", index(7), fine, environment), [
                `problem: poetry does not wait ${end}`,
            ]);
        }
    });

    it("is said to be impossible with pip, and with pdm for prefixes", async () => {
        const impossible = (tool: string) =>
            `skipped: ${tool} cannot wait beside this registry: it takes new versions of public packages`;
        const pdm = edit("pdm", "pyproject.toml", index(7)).text;
        const prefixes = { ...index(7), internalPackages: ["acme-*"] };
        assert.deepEqual(await findings("pdm", prefixes, { "pyproject.toml": pdm }), [impossible("pdm")]);
        const pipConf = tools.pip.client(index(7), { form: "keyring" }).install[0]!.text;
        assert.deepEqual(await findings("pip", index(7), { ".config/pip/pip.conf": pipConf }), [
            impossible("pip"),
        ]);
    });

    it("does not make the registry an index of poetry: config.toml only leaves it out", async () => {
        const text = settings(7);
        assert.deepEqual(await findings("poetry", index(7), { [config]: text }), []);
    });

    it("is not mentioned without a cooldown, or for a tool that has not the registry", async () => {
        const files = { "pyproject.toml": pyproject, [config]: settings(7) };
        assert.deepEqual(await findings("poetry", index(), files), []);
        assert.deepEqual(await findings("uv", index(7), {}), []);
    });
});
