import { execa } from "execa";
import assert from "node:assert/strict";
import { join } from "node:path";
import { readStackConfig, stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { analyze, type Finding, type Registration } from "./analyze";

// The whole pack, over what this project's program registers.

const root = join(__dirname, "..", "..");

/** What a preview of the program registers. */
async function preview(stack: string, config: Readonly<Record<string, string>>): Promise<Registration[]> {
    const { stdout } = await execa(
        process.execPath,
        ["--conditions=source", "--require", "./typescript.cjs", join(__dirname, "register.ts")],
        { cwd: root, input: JSON.stringify({ project: "python-registry", stack, config }) },
    );
    return JSON.parse(stdout) as Registration[];
}

const getRules = (findings: readonly Finding[]) => findings.map(({ rule, level }) => `${rule} ${level}`);

/** A stack in the location europe-west1. */
const team = (settings: object) =>
    stackConfig({ "gcp:project": "acme-dev", location: "europe-west1", ...settings });

const release = {
    type: "githubActions",
    access: "writer",
    owner: "acme",
    repository: "core",
    ownerId: 1,
    repositoryId: 2,
    ref: "refs/heads/main",
};

describe("the policy pack", () => {
    for (const stack of ["dev", "prod"]) {
        it(`accepts the example stack ${stack}, without advice`, async () => {
            const registrations = await preview(
                stack,
                await readStackConfig(join(root, `Pulumi.${stack}.yaml`)),
            );
            assert.ok(registrations.length > 5);
            assert.deepEqual(await analyze(registrations), []);
        });
    }

    it("accepts the example stack sandbox, and advises against its two keys", async () => {
        const registrations = await preview(
            "sandbox",
            await readStackConfig(join(root, "Pulumi.sandbox.yaml")),
        );
        assert.deepEqual(getRules(await analyze(registrations)), [
            "key-allow-list advisory",
            "key-allow-list advisory",
        ]);
    });

    it("accepts workloads, with and without an account", async () => {
        const registrations = await preview(
            "prod",
            team({
                projectNumber: 123,
                workloads: {
                    release,
                    build: { type: "gitlabCi", access: "writer", projectId: 7, via: "python-publisher" },
                    deploy: {
                        type: "oidc",
                        access: "writer",
                        issuer: "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
                        claims: { workspaceUuid: "{1}", deploymentEnvironmentUuid: ["{2}", "{3}"] },
                    },
                },
            }),
        );
        assert.ok(registrations.some(({ type }) => type.startsWith("gcp:iam/workloadIdentityPoolProvider:")));
        assert.ok(registrations.some(({ type }) => type.startsWith("gcp:serviceaccount/iAM")));
        assert.deepEqual(await analyze(registrations), []);
    });

    for (const [what, stack, settings, found] of [
        [
            "public readers, a domain of writers and a condition on names",
            "dev",
            {
                readers: ["allUsers"],
                allowPublic: true,
                writers: ["domain:acme.example"],
                projectNumber: 123,
                workloads: {
                    ci: {
                        type: "oidc",
                        access: "writer",
                        issuer: "https://ci.example.com",
                        claims: { sub: "acme/core" },
                    },
                },
            },
            ["federation-condition mandatory", "no-broad-writers mandatory", "no-public-access mandatory"],
        ],
        [
            "a domain of writers, added one by one",
            "dev",
            { writers: ["domain:acme.example"], access: "additive" },
            ["no-broad-writers mandatory"],
        ],
        [
            "no protection, and a key in production",
            "prod",
            { protect: false, serviceAccounts: { "python-ci": { access: "writer", keys: ["a"] } } },
            ["no-production-keys mandatory", "production-protection mandatory"],
        ],
    ] as const) {
        it(`refuses a stack with ${what}`, async () => {
            assert.deepEqual(getRules(await analyze(await preview(stack, team(settings)))).sort(), found);
        });
    }
});
