import assert from "node:assert/strict";
import { PinnedTool } from "../clients/tools/tool";
import { needTools } from "../clients/registry";
import { itInRelease } from "../release";
import { AccessStack, getEmail, type StackOutputs } from "./access-stack";
import { project } from "./identities";
import { InstallLoop } from "./install-loop";
import { installable, publishInstallable } from "./real-clients";

// The rotation of a key as docs/keys.md describes it, while real tools install all the time.
//
// The program creates each key and its files. It has no state in process, so it cannot update or delete: the second run uses
// the account that exists, and the test itself sends the request that deletes the old key. test/engine/rotation.test.ts has
// the same rotation with the real engine.

const account = "python-installer";
const configuration = (keys: readonly string[]) => ({
    location: "europe-west1",
    serviceAccounts: { [account]: { access: "reader", keys } },
});

describe("the rotation of a key", () => {
    itInRelease("interrupts no installation, and the old key is refused after it", async function () {
        const tools = await needTools(this);
        const { bin: uv } = await PinnedTool.install("uv");
        await using stack = await AccessStack.up(configuration(["first"]));
        const { sandbox } = stack;
        await publishInstallable(stack, tools);
        const { keys } = sandbox.cloud.findServiceAccount(getEmail(account)) ?? {};
        assert.equal(keys?.size, 1);

        const environment = sandbox.clientEnvironment;
        const old = getFiles(stack.outputs);
        await using byPassword = await InstallLoop.start({
            path: [tools.bin],
            environment,
            files: old.password,
            script: `pip install --no-input --upgrade --target site ${installable.name}`,
        });
        await using byKeyFile = await InstallLoop.start({
            path: [uv],
            environment: { ...environment, GOOGLE_APPLICATION_CREDENTIALS: "key.json", UV_NO_CACHE: "1" },
            files: old.keyFile,
            script: `rm -rf site && uv pip install --target site ${installable.name}`,
        });
        const loops = [byPassword, byKeyFile];
        const installMore = () => Promise.all(loops.map((loop) => loop.more(1)));
        await installMore();

        // 1. A second generation. Both keys work.
        const outputs = await stack.upAgain({
            ...configuration([]),
            existing: "use",
            access: "authoritative",
            serviceAccounts: { [account]: { access: "reader", keys: ["second"], existing: "use" } },
        });
        assert.equal(keys.size, 2);
        await installMore();

        // 2. The new files, on one machine after the other.
        const fresh = getFiles(outputs);
        assert.notDeepEqual(fresh, old);
        await byPassword.replace(fresh.password);
        await installMore();
        await byKeyFile.replace(fresh.keyFile);
        await installMore();

        // 3. The old generation is removed.
        const { private_key_id: oldKey } = JSON.parse(old.keyFile["key.json"]) as Record<string, string>;
        await stack.asOperator(
            "DELETE",
            `https://iam.googleapis.com/v1/projects/${project}/serviceAccounts/${getEmail(account)}/keys/${oldKey ?? ""}`,
        );
        assert.equal(keys.size, 1);
        await installMore();
        await Promise.all(loops.map((loop) => loop.end()));
        for (const { runs, failures } of loops) {
            assert.deepEqual(failures, []);
            assert.ok(runs >= 5, String(runs));
        }

        // The old files are refused.
        await byPassword.replace(old.password);
        assert.notEqual((await byPassword.once()).exitCode, 0);
        assert.equal(sandbox.requests.findLast(({ plane }) => plane === "data")?.status, 401);
        await byKeyFile.replace(old.keyFile);
        assert.notEqual((await byKeyFile.once()).exitCode, 0);
        assert.equal(sandbox.requests.findLast(({ plane }) => plane === "token")?.status, 400);
    });
});

/** The client files of the account: with the key as the password, and with the key file. */
function getFiles({ credentials, clients }: StackOutputs) {
    const credential = credentials[account];
    assert.ok(credential !== undefined);
    return {
        password: { ".config/pip/pip.conf": credential.pipConf },
        keyFile: { ".config/uv/uv.toml": clients["uv"]?.["uv.toml"] ?? "", "key.json": credential.keyFile },
    };
}
