import assert from "node:assert/strict";
import { pipConfWithKey } from "../../packages/registry/src/clients/pip";
import { pypircWithKey } from "../../packages/registry/src/clients/twine";
import type { ToolEnvironmentOptions } from "../../packages/sandbox/src/python/tool-environment";
import { createKey, accountsPath, ok } from "../sandbox/client";
import { itInRelease } from "../release";
import { keyMaterial } from "./key-material";
import {
    answers,
    assertInstalled,
    assertNotInstalled,
    type Form,
    forms,
    project,
    reader,
    type ToolRun,
    tokenAnswers,
    useRegistry,
    writer,
} from "./registry";

// Real pip and twine are refused what they have no permission for. pip reports 401 and 403 as "No matching
// distribution", so the tests look at the responses of the sandbox.

/** The calls of the IAM API after which a key no longer works, by the paths of the account and the key. */
const losses: Record<string, (account: string, key: string) => readonly [string, string]> = {
    "deleted key": (_, key) => ["DELETE", key],
    "disabled key": (_, key) => ["POST", `${key}:disable`],
    "deleted account": (account) => ["DELETE", account],
    "disabled account": (account) => ["POST", `${account}:disable`],
};
/** The account to which a test does this: one for each form. */
const loser = (loss: string, form: Form) => `${loss.replace(" ", "-")}-${form}`;

describe("what is refused", () => {
    const serviceAccounts = Object.fromEntries(
        Object.keys(losses).flatMap((loss) =>
            forms.map((form) => [loser(loss, form), { access: "reader", keys: ["first"] }]),
        ),
    );
    // With the provider import, pip asks the keyring even with --no-input, and never prompts.
    const registry = useRegistry({ serviceAccounts, keyring: "import" });

    /** The files, in either form, for a key that the program did not create. */
    function filesWith(form: Form, keyFile: string): Partial<ToolEnvironmentOptions> {
        const { pipConf, pypirc } = registry().outputs;
        const uploadUrl = `https://europe-west1-python.pkg.dev/${project}/python/`;
        const keyBase64 = Buffer.from(keyFile).toString("base64");
        return form === "keyring"
            ? { pipConf, pypirc, keyFile }
            : {
                  pipConf: pipConfWithKey(
                      { indexUrl: `${uploadUrl}simple/`, publicPackages: "pypi" },
                      { keyBase64 },
                  ),
                  pypirc: pypircWithKey({ name: "python", uploadUrl }, { keyBase64 }),
              };
    }
    const getKey = (id: string) =>
        JSON.parse(registry().outputs.credentials[id]!.keyFile) as Record<string, string>;

    it("a stranger's install (401)", async () => {
        await using toolEnvironment = await registry().at({ pipConf: registry().outputs.pipConf });
        const run = await registry().install(toolEnvironment, "--no-input");
        assertNotInstalled(run);
        assert.match(run.output, /Failed to find credentials, Please run: `gcloud auth/);
        assert.deepEqual(answers(run), ["GET 401 nobody"]);
    });

    it("a stranger's upload, which twine does not even send", async () => {
        const files = await registry().build({ name: "by-stranger", version: "1.0.0" });
        await using toolEnvironment = await registry().at({ pypirc: registry().outputs.pypirc });
        const run = await registry().upload(toolEnvironment, files, "--non-interactive");
        assert.notEqual(run.exitCode, 0);
        assert.match(run.output, /Credential not found/);
        assert.deepEqual(answers(run), []);
    });

    it("a reader's upload (403)", async () => {
        const files = await registry().build({ name: "by-reader", version: "1.0.0" });
        await using toolEnvironment = await registry().at(registry().files("keyring", reader));
        const run = await registry().upload(toolEnvironment, files, "--non-interactive", "--verbose");
        assert.notEqual(run.exitCode, 0);
        assert.match(run.output, /HTTPError: 403 Forbidden/);
        assert.match(
            run.output.replace(/\s+/g, " "),
            /"artifactregistry\.repositories\.uploadArtifacts" denied/,
        );
        assert.deepEqual(answers(run), [`POST 403 ${reader}`]);
        assert.ok([...registry().repository.files.values()].every((file) => file.package !== "by-reader"));
    });

    it("the same file twice (400)", async () => {
        const files = await registry().build({ name: "twice", version: "1.0.0" });
        await using toolEnvironment = await registry().at(registry().files("keyring", writer));
        assert.equal((await registry().upload(toolEnvironment, files, "--non-interactive")).exitCode, 0);
        const run = await registry().upload(toolEnvironment, files, "--non-interactive", "--verbose");
        assert.notEqual(run.exitCode, 0);
        assert.match(run.output, /HTTPError: 400 Bad Request/);
        assert.match(run.output, /Requested entity already exists/);
        assert.deepEqual(answers(run), [`POST 400 ${writer}`]);
    });

    for (const form of forms) {
        describe(`${form} form`, () => {
            const test = form === "keyring" ? it : itInRelease;

            test("an account without a grant (403)", async () => {
                const id = `ungranted-${form}`;
                const { file } = await createKey(registry().sandbox, id);
                await using toolEnvironment = await registry().at(filesWith(form, JSON.stringify(file)));
                const run = await registry().install(toolEnvironment, "--no-input");
                assertNotInstalled(run);
                assert.deepEqual(
                    answers(run),
                    ["GET 401 nobody", `GET 403 ${id}`].slice(form === "keyring" ? 0 : 1),
                );
            });

            test("a key file with another account's private key (401)", async () => {
                const forged = { ...getKey(writer), private_key: getKey(reader)["private_key"] };
                await using toolEnvironment = await registry().at(filesWith(form, JSON.stringify(forged)));
                const run = await registry().install(toolEnvironment, "--no-input");
                assertRefusedAsNobody(run, form);
            });

            itInRelease("a key file in another account's name (401)", async () => {
                const forged = { ...getKey(reader), client_email: getKey(writer)["client_email"] };
                await using toolEnvironment = await registry().at(filesWith(form, JSON.stringify(forged)));
                const run = await registry().install(toolEnvironment, "--no-input");
                assertRefusedAsNobody(run, form);
            });

            for (const [loss, call] of Object.entries(losses)) {
                (loss === "deleted key" ? test : itInRelease)(
                    `a ${loss}'s files, which worked before (401)`,
                    async () => {
                        const id = loser(loss, form);
                        await using toolEnvironment = await registry().at(registry().files(form, id));
                        assertInstalled(await registry().install(toolEnvironment, "--no-input"), id);

                        const { client_email: email, private_key_id: key } = getKey(id);
                        const account = `${accountsPath}/${email!}`;
                        const [method, path] = call(account, `${account}/keys/${key!}`);
                        await ok(registry().sandbox, method, path, method === "POST" ? {} : undefined);
                        assertRefusedAsNobody(
                            await registry().install(toolEnvironment, "--upgrade", "--no-input"),
                            form,
                        );
                    },
                );
            }
        });
    }

    it("without a part of the key in verbose output", async () => {
        const [, password] = /:([^:@]+)@/.exec(registry().files("password", reader).pipConf!)!;
        const keyFiles = [registry().outputs.credentials[reader]!.keyFile];
        // The search below would find the key.
        assert.notDeepEqual(keyMaterial(password!.slice(100, 200), keyFiles), []);
        assert.notDeepEqual(keyMaterial(decodeURIComponent(password!).slice(500, 600), keyFiles), []);
        assert.notDeepEqual(keyMaterial(getKey(reader)["private_key"]!.slice(200, 400), keyFiles), []);

        const files = await registry().build({ name: "talkative", version: "1.0.0" });
        await using toolEnvironment = await registry().at(registry().files("password", reader));
        for (const run of [
            await registry().install(toolEnvironment, "-vvv", "no-such-package"),
            await registry().upload(toolEnvironment, files, "--verbose", "--non-interactive"),
        ]) {
            assert.notEqual(run.exitCode, 0);
            assert.match(run.output, /_json_key_base64|python\.pkg\.dev/);
            assert.deepEqual(keyMaterial(run.output, keyFiles), []);
        }
    });
});

/** Asserts that the key was refused: by the index as a password, and by the token endpoint, which the keyring uses. */
function assertRefusedAsNobody(run: ToolRun, form: Form): void {
    assertNotInstalled(run);
    assert.deepEqual([...new Set(answers(run))], ["GET 401 nobody"]);
    assert.deepEqual(tokenAnswers(run), form === "keyring" ? [400] : []);
    assert.equal(/invalid_grant/.test(run.output), form === "keyring", run.output);
}
