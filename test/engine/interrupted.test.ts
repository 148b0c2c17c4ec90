import assert from "node:assert/strict";
import { within } from "../deadline";
import { type ControlPlaneProxy, startControlPlaneProxy } from "../program/control-plane-proxy";
import { type EngineStack, openForEachTest, project } from "./engine-stack";

// An update that is killed while Google works for it, and what docs/interrupted-updates.md says to do then.

const settings = {
    readers: ["group:developers@example.com"],
    serviceAccounts: { "python-publisher": { access: "writer", keys: ["first"] } },
};

/** The calls during which the update is killed. */
const moments: Readonly<Record<string, RegExp>> = {
    "an API is enabled": /^POST .*:enable(\?|$)/,
    "an account is created": /^POST .*\/serviceAccounts(\?|$)/,
    "the repository is created": /^POST .*\/repositories\?/,
    "a grant is made": /^POST .*:setIamPolicy(\?|$)/,
    "a key is created": /^POST .*\/keys(\?|$)/,
};

describe("an update that was killed", () => {
    let stack: EngineStack;
    let proxy: ControlPlaneProxy | undefined;
    // Before the sandbox behind it.
    afterEach(() => proxy?.[Symbol.asyncDispose]());
    openForEachTest((opened) => (stack = opened));

    /** Kills an update when it sends a call, which then arrives at Google or gets lost. */
    async function killAt(moment: RegExp, arrives: boolean): Promise<void> {
        const { promise: killed, resolve: kill } = Promise.withResolvers<undefined>();
        const { promise: dead, resolve: reportDead } = Promise.withResolvers<undefined>();
        const { promise: answered, resolve: answer } = Promise.withResolvers<undefined>();
        let armed = true;
        // It must keep running, because the state contains the endpoints of the provider.
        proxy = await startControlPlaneProxy(stack.sandbox, {
            before: async (call) => {
                if (!armed || !moment.test(call)) return;
                kill(undefined);
                await dead;
                if (!arrives) throw new Error("lost");
            },
            answer: (call, body) => {
                if (moment.test(call)) answer(undefined);
                return body;
            },
        });
        stack.endpoints = proxy.providerConfig;
        await stack.init(settings);
        try {
            await stack.upKilledAt(killed, `a call like ${String(moment)}`);
        } finally {
            reportDead(undefined);
        }
        // Google carries out the call, although nobody waits for the response.
        if (arrives) await within(`the answer to a call like ${String(moment)}`, answered);
        armed = false;
    }

    for (const [name, moment] of Object.entries(moments)) {
        it(`while ${name} goes on after cancel, recover and up`, async () => {
            await killAt(moment, true);
            await stack.pulumi("cancel", "--yes");
            const { exitCode, output } = await stack.recover();
            assert.equal(exitCode, 0, output);
            assert.match(output, /The state is up to date\. Run: pulumi up --stack engine/);
            await stack.up();
            await stack.up("--refresh", "--expect-no-changes");
            const { repositories, serviceAccounts } = stack.sandbox.cloud.project(project);
            assert.deepEqual([repositories.size, serviceAccounts.size], [1, 1]);
        });
    }

    it("before its calls arrive goes on in the same way", async () => {
        await killAt(/^POST .*\/(serviceAccounts(\?|$)|repositories\?)/, false);
        await stack.pulumi("cancel", "--yes");
        const { exitCode, output } = await stack.recover();
        assert.equal(exitCode, 0, output);
        assert.match(output, /does not exist yet: the next update creates it/);
        await stack.up();
    });

    it("does not change an account that somebody else created meanwhile", async () => {
        const { cloud } = stack.sandbox;
        await killAt(/^POST .*\/serviceAccounts(\?|$)/, false);
        cloud.addServiceAccount(cloud.project(project), "python-publisher", "", "Owned by another team");
        await stack.pulumi("cancel", "--yes");
        const { exitCode, output } = await stack.recover();
        assert.equal(exitCode, 1, output);
        assert.match(output, /service account python-publisher exists, but this stack did not create it/);
        await assert.rejects(stack.up(), /already exists/);
        const [account] = cloud.project(project).serviceAccounts.values();
        assert.equal(account?.description, "Owned by another team");
        assert.equal(account.keys.size, 0);
    });
});
