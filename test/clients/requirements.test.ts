import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
    describeIndexOverride,
    findIndexOverrides,
    type IndexOverride,
} from "../../packages/configure/src/tools/requirements";
import { pipConfWithKeyring } from "../../packages/registry/src/clients/pip";
import { thisSystem } from "../../packages/configure/src/machine/system";
import { itInRelease } from "../release";
import { publicRequests, reader, useRegistry } from "./registry";
import { PinnedTool } from "./tools/tool";

// What `configure` finds in requirements files, compared with what the real pip does with them.

const pypi = "https://pypi.org/simple";
const ours = "https://europe-west1-python.pkg.dev/sandbox-project/python/simple/";

const index = { indexUrl: ours, publicPackages: "pypi" } as const;

/** Files by name, the first one for pip; the option that is found, as FILE:LINE, if pip does not ask the registry. */
const cases: readonly (readonly [files: Record<string, string>, found?: string, option?: "--no-index"])[] = [
    [{ "requirements.txt": "ready-made" }],
    [{ "requirements.txt": `--index-url ${pypi}\nready-made` }, "requirements.txt:1"],
    [{ "requirements.txt": `ready-made\n\n-i ${pypi}` }, "requirements.txt:3"],
    [{ "requirements-dev.txt": `# x \\\n-i${pypi}\nready-made` }, "requirements-dev.txt:2"],
    [{ "dev-requirements.in": `--index-url='${pypi}' # main\r\nready-made` }, "dev-requirements.in:1"],
    [{ "requirements.txt": `ready-made\n--index \\\n  ${pypi}` }, "requirements.txt:2"],
    [{ "requirements.txt": `--pypi-url ${pypi}\nready-made` }, "requirements.txt:1"],
    [{ "requirements/base.txt": "--index-url ${INDEX}\nready-made" }, "requirements/base.txt:1"],
    [{ "requirements.txt": "--no-index\nready-made" }, "requirements.txt:1", "--no-index"],
    [
        { "requirements.txt": `--no-index\n--extra-index-url ${ours}\nready-made` },
        "requirements.txt:1",
        "--no-index",
    ],
    // The index is added after the option, or in the same line.
    [{ "requirements.txt": `-i ${pypi}\n--extra-index-url ${ours}\nready-made` }],
    [{ "requirements.txt": `--extra-index-url ${ours} -i ${pypi}\nready-made` }],
    [{ "requirements.txt": `-i ${ours.replace("https://", "https://oauth2accesstoken@")}\nready-made` }],
    // An option after it drops the index again.
    [{ "requirements.txt": `--extra-index-url ${ours}\n-i ${pypi}\nready-made` }, "requirements.txt:2"],
    // Python ends a line at these characters too.
    [{ "requirements.txt": `ready-made\f-i ${pypi}` }, "requirements.txt:2"],
    [{ "requirements.txt": `ready-made\u2028-i ${pypi}` }, "requirements.txt:2"],
    [{ "requirements.txt": "-i ''\nready-made" }],
    [{ "requirements.txt": `-- -i ${pypi}\nready-made` }],
    // In files that others include.
    [{ "requirements.txt": "-r more.txt\nready-made", "more.txt": `-i ${pypi}` }, "more.txt:1"],
    [
        { "requirements.txt": "ready-made\n--constraint=c/all.txt", "c/all.txt": `\n-i ${pypi}` },
        "c/all.txt:2",
    ],
    [
        {
            "requirements.txt": `-r more.txt\n--extra-index-url ${ours}\nready-made`,
            "more.txt": `--index-url ${pypi}`,
        },
    ],
    // pip ignores the option in a line with a file or a path, and in comments.
    [{ "requirements.txt": `-r more.txt -i ${pypi}\nready-made`, "more.txt": "" }],
    [{ "requirements.txt": `# --index-url ${pypi}\nready-made # -i ${pypi}` }],
    [{ "requirements.txt": `\\\n# -i ${pypi}\nready-made` }],
    [{ "requirements.txt": `--trusted-host -i\n--extra-index-url ${pypi}\nready-made` }],
];

describe("requirements files with an index of their own", () => {
    const registry = useRegistry();

    for (const [at, [files, found, option = "--index-url"]] of cases.entries()) {
        const [first = "", text = ""] = Object.entries(files)[0] ?? [];
        // The first cases are a file without, and with, such an index.
        (at < 2 ? it : itInRelease)(
            `${first}: ${JSON.stringify(text.replaceAll(ours, "OURS").replaceAll(pypi, "PYPI"))}`,
            async () => {
                await using machine = await registry().at({
                    ...registry().files("keyring", reader),
                    files,
                    environment: { ...registry().sandbox.clientEnvironment, INDEX: pypi },
                });
                const run = await registry().run(machine, "pip", "install", "--dry-run", "-r", first);
                assert.equal(
                    /^Would install ready-made-1\.0\.0$/m.test(run.output),
                    found === undefined,
                    run.output,
                );

                const system = {
                    ...thisSystem(),
                    environment: { INDEX: pypi },
                    workingDirectory: machine.home,
                };
                const overrides = findIndexOverrides(system, index);
                assert.deepEqual(
                    overrides.map(({ file, line, option: its }) => [`${file}:${line}`, its]),
                    found === undefined ? [] : [[join(machine.home, found), option]],
                );
            },
        );
    }

    itInRelease("that make pip ask another index beside the only one are found", async () => {
        const only = { ...index, publicPackages: "none" } as const;
        for (const [text, option] of [
            ["ready-made", undefined],
            [`--extra-index-url ${pypi}\nready-made`, "--extra-index-url"],
            [`-i ${pypi}\n--extra-index-url ${ours}\nready-made`, "--index-url"],
            [`--extra-index-url ${ours}\nready-made`, undefined],
            [`--extra-index-url ${pypi}\n-i ${ours}\nready-made`, undefined],
            [`-i ${ours}\n--extra-index-url ${pypi}\nready-made`, "--extra-index-url"],
        ] as const) {
            await using machine = await registry().at({
                ...registry().files("keyring", reader),
                pipConf: pipConfWithKeyring({ ...only, keyring: "auto" }),
                files: { "requirements.txt": text },
            });
            const run = await registry().run(
                machine,
                "pip",
                "install",
                "--dry-run",
                "-r",
                "requirements.txt",
            );
            assert.match(run.output, /^Would install ready-made-1\.0\.0$/m);
            assert.equal(publicRequests(run).length > 0, option !== undefined, text);
            const system = { ...thisSystem(), workingDirectory: machine.home };
            const found = findIndexOverrides(system, only).map((each) => each.option);
            assert.deepEqual(found, option === undefined ? [] : [option]);
        }
    });

    it("can be read in each encoding that pip accepts", async () => {
        await using machine = await registry().at({ files: { "requirements.txt": "" } });
        const text = `\u{feff}-i ${pypi}\n`;
        const system = { ...thisSystem(), workingDirectory: machine.home };
        const utf16 = Buffer.from(text, "utf16le");
        for (const encoded of [Buffer.from(text), utf16, Buffer.from(utf16).swap16()]) {
            await writeFile(join(machine.home, "requirements.txt"), encoded);
            assert.equal(findIndexOverrides(system, index)[0]?.line, 1);
        }
    });

    it("end in no endless loop if they include each other", async () => {
        const files = {
            "requirements.txt": "-r constraints.txt",
            "constraints.txt": "-c requirements.txt\n-i x",
        };
        await using machine = await registry().at({ files });
        const found = findIndexOverrides({ ...thisSystem(), workingDirectory: machine.home }, index);
        assert.deepEqual(
            found.map(({ line }) => line),
            [2],
        );
    });

    it("do not matter to uv", async () => {
        await using machine = await registry().at({
            path: [(await PinnedTool.install("uv")).bin],
            keyFile: registry().files("keyring", reader).keyFile ?? "",
            files: {
                "requirements.txt": `--index-url ${pypi}\nready-made\n`,
                ".config/uv/uv.toml": registry().outputs.clients["uv"]?.["uv.toml"] ?? "",
            },
        });
        const install = ["pip", "install", "--target", "site", "-r", "requirements.txt"];
        const run = await registry().run(machine, "uv", ...install);
        assert.match(run.output, /ready-made==1\.0\.0/);
    });

    it("get a cure that works", async () => {
        const cure = (text: string): string => {
            const override: IndexOverride = { file: "requirements.txt", line: 1, option: "--index-url" };
            const { fix } = describeIndexOverride(override, index);
            const [, line = ""] = /(--extra-index-url \S+)$/.exec(fix) ?? [];
            return `${text}\n${line}`;
        };
        await using machine = await registry().at({
            ...registry().files("keyring", reader),
            files: { "requirements.txt": cure(`--index-url ${pypi}\nready-made`) },
        });
        const run = await registry().run(machine, "pip", "install", "--dry-run", "-r", "requirements.txt");
        assert.match(run.output, /^Would install ready-made-1\.0\.0$/m);
    });
});
