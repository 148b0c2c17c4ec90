import assert from "node:assert/strict";
import { join } from "node:path";
import { pipConfWithKeyring } from "../../packages/registry/src/clients/pip";
import type { ToolEnvironmentOptions } from "../../packages/sandbox/src/python/tool-environment";
import { forms, project, reader, useRegistry, writer } from "./registry";

// What Python reads in the generated files, at the places where the tools find them.

const uploadUrl = `https://europe-west1-python.pkg.dev/${project}/python/`;
/** As pip and twine read their files. */
const script = `
import configparser, json, os, sys
parser = configparser.RawConfigParser()
assert parser.read(os.path.expanduser(sys.argv[1]))
json.dump({"": dict(parser.defaults()), **{name: dict(parser.items(name)) for name in parser.sections()}}, sys.stdout)
`;

describe("the generated files, read back by Python", () => {
    const registry = useRegistry();

    async function read(files: Partial<ToolEnvironmentOptions>, path: string): Promise<unknown> {
        await using toolEnvironment = await registry().at(files);
        // Not through run(): the password form is a key, and shows here.
        const { exitCode, output } = await toolEnvironment.run("python", "-c", script, path);
        assert.equal(exitCode, 0, output);
        return JSON.parse(output);
    }
    const getKey = (id: string) =>
        Buffer.from(registry().outputs.credentials[id]!.keyFile).toString("base64");

    it("pip.conf, keyring form", async () => {
        assert.deepEqual(await read(registry().files("keyring", reader), "~/.config/pip/pip.conf"), {
            "": {},
            global: { "extra-index-url": `${uploadUrl}simple/` },
        });
    });

    it(".pypirc, keyring form", async () => {
        assert.deepEqual(await read(registry().files("keyring", writer), "~/.pypirc"), {
            "": {},
            distutils: { "index-servers": "\npython" },
            python: { repository: uploadUrl },
        });
    });

    it("pip.conf, password form", async () => {
        assert.deepEqual(await read(registry().files("password", reader), "~/.config/pip/pip.conf"), {
            "": {},
            global: {
                "extra-index-url": `${uploadUrl}simple/`.replace(
                    "https://",
                    `https://_json_key_base64:${encodeURIComponent(getKey(reader))}@`,
                ),
            },
        });
    });

    it(".pypirc, password form", async () => {
        assert.deepEqual(await read(registry().files("password", writer), "~/.pypirc"), {
            "": {},
            distutils: { "index-servers": "\npython" },
            python: { repository: uploadUrl, username: "_json_key_base64", password: getKey(writer) },
        });
    });

    for (const [keyring, global] of [
        ["import", (url: string) => ({ "extra-index-url": url, "keyring-provider": "import" })],
        [
            "subprocess",
            (url: string) => ({
                "extra-index-url": url.replace("https://", "https://oauth2accesstoken@"),
                "keyring-provider": "subprocess",
            }),
        ],
    ] as const) {
        it(`pip.conf with keyring: ${keyring}`, async () => {
            const indexUrl = `${uploadUrl}simple/`;
            const pipConf = pipConfWithKeyring({ indexUrl, publicPackages: "pypi", keyring });
            assert.deepEqual(await read({ pipConf }, "~/.config/pip/pip.conf"), {
                "": {},
                global: global(`${uploadUrl}simple/`),
            });
        });
    }

    for (const form of forms) {
        it(`are where pip looks for them (${form} form)`, async () => {
            await using toolEnvironment = await registry().at(registry().files(form, reader));
            const { exitCode, output } = await toolEnvironment.run("pip", "config", "debug");
            // Of the password form, pip prints the key here: it stays out of the failure's message.
            assert.equal(exitCode, 0);
            const file = join(toolEnvironment.home, ".config", "pip", "pip.conf");
            assert.ok(output.includes(`${file}, exists: True\n    global.extra-index-url: https://`));
        });
    }
});
