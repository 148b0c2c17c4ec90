import assert from "node:assert/strict";
import type { ClientFileOutputs } from "../../packages/sandbox/src/client-files";
import type { PulumiCli } from "../../packages/operations/src/pulumi-cli";
import { InstallLoop } from "../access/install-loop";
import { installable, publishInstallable } from "../access/real-clients";
import { needTools } from "../clients/registry";
import { EngineStack, needCli, project } from "./engine-stack";

// The rotation of a key with the real CLI and the real Google provider, while the real pip installs all the time.

const account = "python-installer";
const configuration = (...keys: string[]) => ({
    serviceAccounts: { [account]: { access: "reader", keys } },
});

describe("the rotation of a key in the real engine", () => {
    let cli: PulumiCli;
    before(async function () {
        cli = await needCli(this);
    });

    it("interrupts no installation, and the old key is refused after it", async function () {
        const tools = await needTools(this);
        await using stack = await EngineStack.open(cli);
        await stack.init(configuration("first"));
        await stack.up();
        const { cloud, clientEnvironment, requests } = stack.sandbox;
        await publishInstallable(
            { repository: cloud.repository(cloud.project(project), "europe-west1", "python") },
            tools,
        );
        const pipConf = async () => {
            const { value } = (await stack.outputs())["credentials"] ?? {};
            const credential = (value as ClientFileOutputs["credentials"])[account];
            assert.ok(credential !== undefined);
            return { ".config/pip/pip.conf": credential.pipConf };
        };
        const old = await pipConf();
        await using loop = await InstallLoop.start({
            path: [tools.bin],
            environment: clientEnvironment,
            files: old,
            script: `pip install --no-input --upgrade --target site ${installable.name}`,
        });
        await loop.more(2);

        await stack.configure(configuration("first", "second"));
        await stack.up();
        await loop.more(2);
        const fresh = await pipConf();
        assert.notDeepEqual(fresh, old);
        await loop.replace(fresh);
        await loop.more(2);

        await stack.configure(configuration("second"));
        await stack.up();
        assert.deepEqual(await pipConf(), fresh);
        await loop.more(2);
        await loop.end();
        assert.deepEqual(loop.failures, []);
        assert.ok(loop.runs >= 10, String(loop.runs));

        await loop.replace(old);
        assert.notEqual((await loop.once()).exitCode, 0);
        assert.equal(requests.findLast(({ plane }) => plane === "data")?.status, 401);
    });
});
