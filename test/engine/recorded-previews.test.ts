import assert from "node:assert/strict";
import { execa } from "execa";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { preview, type PreviewOptions } from "../../packages/operations/src/review/preview";
import type { PulumiCli } from "../../packages/operations/src/pulumi-cli";
import { PulumiEngine } from "../../packages/sandbox/src/engines/pulumi-engine";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";
import { commentOn, golden, recordingFile, sanitize } from "../unit/recorded-previews";
import { needCli } from "./engine-stack";

// The previews in test/unit/reviews/, made again with the real engine: it still prints what the comments are made from.
// WRITE_DOCS=1 records them again.

const root = join(__dirname, "..", "..");
const write = process.env["WRITE_DOCS"] === "1";

const release = {
    type: "githubActions",
    access: "writer",
    owner: "acme",
    repository: "core",
    ownerId: 11,
    repositoryId: 12,
    ref: "refs/heads/main",
};
const build = { type: "gitlabCi", access: "writer", projectId: 7, via: "python-publisher" };
const machine = { type: "computeEngine", access: "reader" };

const publisher = { access: "writer", displayName: "Uploads" };
const deployer = { access: "reader", keys: ["2026-08"] };
const first = {
    readers: ["group:developers@acme.example", "user:contractor@partner.example"],
    serviceAccounts: { "python-publisher": publisher, "python-deployer": deployer },
};
const moreReaders = { ...first, readers: [...first.readers, "group:data-science@acme.example"] };
const unprotected = { ...first, protect: false };
const withWorkloads = {
    ...unprotected,
    serviceAccounts: {
        ...first.serviceAccounts,
        "python-publisher": { ...publisher, impersonators: ["user:ada@acme.example"] },
    },
    workloads: { release, build, machine },
};

/** What is previewed, in this order: name, settings, and whether the settings are deployed afterwards. */
const scenarios: readonly (readonly [name: string, settings: object, then?: "deploy"])[] = [
    ["created", first, "deploy"],
    ["unchanged", first],
    ["readers", { ...first, readers: ["group:developers@acme.example", "group:data-science@acme.example"] }],
    [
        "role",
        {
            ...first,
            readers: ["user:contractor@partner.example"],
            writers: ["group:developers@acme.example"],
        },
    ],
    ["account-deleted", { ...first, serviceAccounts: { "python-publisher": publisher } }],
    [
        "key-rotated",
        {
            ...first,
            serviceAccounts: {
                ...first.serviceAccounts,
                "python-deployer": { ...deployer, keys: ["2026-11"] },
            },
        },
    ],
    ["additive", { ...first, access: "additive" }],
    ["keyring", { ...first, keyring: "import" }],
    ["described", { ...first, description: "Python packages", labels: { team: "platform" } }],
    ["protected", { ...first, repository: "packages" }],
    ["invalid", { ...first, readers: ["nobody"] }],
    ["unprotected", unprotected, "deploy"],
    ["replaced", { ...unprotected, repository: "packages" }],
    ["workloads-added", withWorkloads, "deploy"],
    [
        "workloads-changed",
        {
            ...withWorkloads,
            workloads: {
                release: { ...release, ref: "refs/heads/release" },
                machine: { ...machine, access: "writer" },
            },
        },
    ],
];

describe("recorded previews", () => {
    let cli: PulumiCli;
    let sandbox: Sandbox;
    let directory: string;
    let engine: PulumiEngine;
    const opened: (() => Promise<unknown>)[] = [];
    before(async function () {
        cli = await needCli(this);
        directory = await mkdtemp(join(tmpdir(), "python-registry-review-"));
        opened.unshift(() => rm(directory, { recursive: true }));
        sandbox = await startSandbox({ project: "acme-dev" });
        opened.unshift(() => sandbox.close());
        sandbox.cloud.addProject("acme-staging", "210987654321", sandbox.cloud.project("acme-dev").owner);
        engine = new PulumiEngine(cli, directory);
    });
    after(async () => {
        for (const close of opened) await close();
    });

    const configuration = (stack: string, settings: object) => ({
        stack,
        config: {
            ...sandbox.providerConfig,
            "gcp:project": `acme-${stack}`,
            ...stackConfig({ location: "europe-west1", ...settings }),
        },
    });
    const up = (stack: string) => engine.run(["up", "--yes", "--skip-preview", "--stack", stack]);
    const record = async (name: string, options: Omit<PreviewOptions, "directory" | "environment">) => {
        const printed = await preview(cli, { ...options, directory, environment: engine.environment });
        const events = sanitize(printed.events, { directory, sandbox });
        if (write) await writeFile(recordingFile(name), events);
        const comment = commentOn([events]);
        if (!name.includes(".")) assert.equal(comment, await golden(name, comment, write), name);
        return printed;
    };

    it("lead to the same comments again", async () => {
        for (const stack of ["dev", "staging"]) {
            await engine.init(configuration(stack, first));
        }
        for (const [name, settings, then] of scenarios) {
            await engine.configure(configuration("dev", settings));
            const { exitCode } = await record(name, { stack: "dev" });
            assert.equal(exitCode, name === "protected" || name === "invalid" ? 1 : 0, name);
            if (then === "deploy") await up("dev");
            if (name === "created") {
                await up("staging");
                for (const stack of ["dev", "staging"]) {
                    await engine.configure(configuration(stack, { ...moreReaders, keyring: "import" }));
                    await record(`same.${stack}`, { stack });
                }
            }
        }
    });

    it("are made by the command", async () => {
        const review = async (...args: string[]) => {
            const main = join(root, "packages/operations/src/review/main.ts");
            const options = ["--conditions=source", "--require", join(root, "typescript.cjs"), main, ...args];
            const environment = { ...cli.environment, ...engine.environment };
            return execa(process.execPath, options, {
                cwd: directory,
                env: environment,
                reject: false,
                stdin: "ignore",
            });
        };
        await engine.configure(configuration("staging", { ...first, readers: ["nobody"] }));
        const both = await review("--stack", "dev", "--stack", "staging");
        assert.equal(both.exitCode, 1);
        assert.match(both.stdout, /### Failed\n\n- `staging`: The preview failed/);
        assert.match(both.stdout, /`dev`: .*workload `build`/);
        assert.equal(both.stderr, "Previewing dev…\nPreviewing staging…");

        const unknown = await review("--stack", "nothing");
        assert.deepEqual([unknown.exitCode, unknown.stdout], [1, ""]);
        assert.equal(unknown.stderr, "Previewing nothing…\nerror: no stack named 'nothing' found");
    });

    it("have the findings of policies", async function () {
        const pack = await policyPack();
        if (pack === undefined) {
            console.log("    skipped: @pulumi/policy is not installed");
            return this.skip();
        }
        const settings = { ...withWorkloads, readers: ["allUsers"], allowPublic: true };
        await engine.configure(configuration("dev", settings));
        const { exitCode } = await record("policies", { stack: "dev", policyPacks: [pack] });
        assert.equal(exitCode, 1);
    });

    /** A small policy pack; undefined if the SDK for policies is not installed. */
    async function policyPack(): Promise<string | undefined> {
        const sdks = new Map<string, string>();
        for (const name of ["@pulumi/policy", "@pulumi/pulumi"]) {
            try {
                sdks.set(
                    name,
                    dirname(
                        createRequire(join(root, "packages", "policy", "index.cjs")).resolve(
                            `${name}/package.json`,
                        ),
                    ),
                );
            } catch {
                return undefined;
            }
        }
        const pack = join(directory, "policies");
        await mkdir(join(pack, "node_modules", "@pulumi"), { recursive: true });
        for (const [name, at] of sdks) await symlink(at, join(pack, "node_modules", name));
        await writeFile(join(pack, "PulumiPolicy.yaml"), "runtime: nodejs\n");
        await writeFile(
            join(pack, "package.json"),
            '{"name":"acme-policies","version":"0.1.0","main":"index.js"}',
        );
        await writeFile(join(pack, "index.js"), policies);
        return pack;
    }
});

const policies = `
const { PolicyPack } = require("@pulumi/policy");
const is = (args, name) => args.type.endsWith(":" + name);
new PolicyPack("acme-policies", {
    policies: [
        {
            name: "no-public-access",
            description: "Nobody downloads without signing in.",
            enforcementLevel: "mandatory",
            validateResource: (args, report) => {
                if (is(args, "RepositoryIamBinding") && args.props.members.includes("allUsers")) {
                    report("allUsers is a reader.");
                }
            },
        },
        {
            name: "cost-center",
            description: "Every repository has the label cost-center.",
            enforcementLevel: "advisory",
            validateResource: (args, report) => {
                if (is(args, "Repository") && !args.props.labels["cost-center"]) report("The label is missing.");
            },
        },
    ],
});
`;
