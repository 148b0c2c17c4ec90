import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type EngineStack, openForEachTest } from "./engine-stack";

// The policy pack, run by the real CLI.

const pack = join(__dirname, "..", "..", "packages", "policy");

describe("the policy pack in the real engine", () => {
    let stack: EngineStack;
    openForEachTest((opened) => (stack = opened));

    /** The rules in what the CLI printed, each as `[LEVEL] RULE`. */
    const findings = (printed: string) =>
        [...printed.matchAll(/- (\[\w+\])(?: \[severity: \w+\])? +([a-z-]+) +\(/g)].map(
            ([, level = "", rule = ""]) => `${level} ${rule}`,
        );

    const run = (command: string, ...args: string[]) =>
        stack.pulumi(command, "--policy-pack", pack, "--color", "never", ...args);

    const failure = (running: Promise<string>) =>
        running.then(
            (printed) => assert.fail(`it did not fail:\n${printed}`),
            (error: unknown) => (error as Error).message,
        );

    it("accepts a stack, and a key with advice, in previews and updates", async () => {
        const release = { type: "gitlabCi", access: "writer", projectId: 7, via: "python-publisher" };
        await stack.init({
            readers: ["domain:example.com"],
            workloads: { release },
            serviceAccounts: { "python-publisher": { access: "writer", keys: ["first"] } },
        });
        const preview = await run("preview");
        assert.match(preview, /artifact-registry/);
        assert.deepEqual(findings(preview), ["[advisory] key-allow-list"]);
        assert.doesNotMatch(preview, /can't run policy/);
        assert.deepEqual(findings(await run("up", "--yes", "--skip-preview")), ["[advisory] key-allow-list"]);
        // The key exists now, so the rule on its age has a time to compare.
        assert.deepEqual(findings(await run("preview")), ["[advisory] key-allow-list"]);
    });

    it("refuses what breaks a rule before anything is created, unless the configuration says otherwise", async () => {
        await stack.init({ readers: ["allUsers"], allowPublic: true, writers: ["domain:example.com"] });
        const refused = await failure(run("preview"));
        assert.deepEqual(findings(refused).sort(), [
            "[mandatory] no-broad-writers",
            "[mandatory] no-public-access",
        ]);
        assert.match(
            refused,
            /allUsers has roles\/artifactregistry\.reader on the repository python, so everyone/,
        );
        await failure(run("up", "--yes", "--skip-preview"));
        const policy = [...stack.sandbox.requests].filter(({ path }) => path.includes(":setIamPolicy"));
        assert.deepEqual(policy, []);

        const config = join(stack.directory, "policies.json");
        await writeFile(
            config,
            JSON.stringify({
                "no-public-access": { publicRepositories: ["python"] },
                "no-broad-writers": "advisory",
                "allowed-locations": { locations: ["us"] },
            }),
        );
        assert.deepEqual(findings(await failure(run("preview", "--policy-pack-config", config))).sort(), [
            "[advisory] no-broad-writers",
            "[mandatory] allowed-locations",
        ]);
    });

    it("protects what is for production", async () => {
        await stack.init({ protect: false, labels: { environment: "prod" } });
        assert.deepEqual(findings(await failure(run("preview"))), ["[mandatory] production-protection"]);
        await stack.configure({ labels: { environment: "prod" } });
        assert.deepEqual(findings(await run("preview")), []);
    });
});
