import { strict as assert } from "node:assert";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ProgramOptions, runProgram } from "../../packages/sandbox/src/engines/in-process-engine";
import { GoogleProvider } from "../../packages/sandbox/src/engines/google-provider";
import { startSandbox, type Sandbox } from "../../packages/sandbox/src/sandbox";
import { accountsPath, createRepository, ok, projectPath, recordCalls } from "./client";

const parent = "projects/sandbox-project/locations/global/workloadIdentityPools";
const types = {
    pool: "gcp:iam/workloadIdentityPool:WorkloadIdentityPool",
    provider: "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider",
    binding: "gcp:serviceaccount/iAMBinding:IAMBinding",
    member: "gcp:serviceaccount/iAMMember:IAMMember",
};
const pool = { project: "sandbox-project", workloadIdentityPoolId: "machines" };
const provider = {
    ...pool,
    workloadIdentityPoolProviderId: "github",
    attributeMapping: { "google.subject": "assertion.sub" },
    attributeCondition: "assertion.repository_owner_id == '1'",
    oidc: { issuerUri: "https://token.actions.githubusercontent.com" },
};

// The calls of the in-process engine for workload identity: the same as the real provider's, in its order.

describe("in-process engine: workload identity", () => {
    let sandbox: Sandbox;
    let engine: GoogleProvider;
    beforeEach(async () => {
        sandbox = await startSandbox();
        await createRepository(sandbox);
        engine = new GoogleProvider(sandbox.providerConfig);
    });
    afterEach(() => sandbox.close());

    const calls = async (action: () => Promise<unknown>) =>
        (await recordCalls(sandbox, action)).map((each) => each.replace(parent, "POOLS"));

    it("creates and reads pools and providers", async () => {
        assert.deepEqual(await calls(() => engine.create(types.pool, { ...pool, displayName: "Machines" })), [
            "POST POOLS?workloadIdentityPoolId=machines",
            "GET POOLS/machines",
            "GET POOLS/machines:listAttestationRules",
        ]);
        assert.deepEqual(await calls(() => engine.create(types.provider, provider)), [
            "POST POOLS/machines/providers?workloadIdentityPoolProviderId=github",
            "GET POOLS/machines/providers/github",
        ]);
        const { id, state } = await engine.read(types.pool, `${parent}/machines`);
        assert.equal(id, `${parent}/machines`);
        assert.deepEqual(state, {
            ...pool,
            name: `${parent.replace("sandbox-project", "123456789012")}/machines`,
            displayName: "Machines",
            state: "ACTIVE",
        });
        const read = await engine.read(types.provider, `${parent}/machines/providers/github`);
        assert.equal(read.state["workloadIdentityPoolProviderId"], "github");
        assert.deepEqual(read.state["oidc"], provider.oidc);
    });

    it("imports them, and updates only what differs", async () => {
        await engine.create(types.pool, pool);
        await engine.create(types.provider, provider);
        const [poolId, providerId] = [`${parent}/machines`, `${parent}/machines/providers/github`];
        const reads = ["GET POOLS/machines", "GET POOLS/machines:listAttestationRules"];
        assert.deepEqual(
            await calls(() => engine.import(types.pool, poolId, { ...pool, disabled: false })),
            reads,
        );
        assert.deepEqual(
            await calls(() => engine.import(types.pool, poolId, { ...pool, displayName: "M" })),
            [...reads, "PATCH POOLS/machines?updateMask=displayName", ...reads],
        );
        assert.deepEqual(await calls(() => engine.import(types.provider, providerId, provider)), [
            "GET POOLS/machines/providers/github",
        ]);
        const oidc = { issuerUri: "https://token.actions.githubusercontent.com/acme" };
        const imported = await engine.import(types.provider, providerId, { ...provider, oidc });
        assert.deepEqual(imported.state["oidc"], oidc);
        const now = await ok(sandbox, "GET", `/iam/v1/${providerId}`);
        assert.deepEqual(now["oidc"], oidc);
        assert.equal(now["attributeCondition"], provider.attributeCondition);
    });

    it("looks them up, and finds no deleted one", async () => {
        const functions = {
            pool: "gcp:iam/getWorkloadIdentityPool:getWorkloadIdentityPool",
            provider: "gcp:iam/getWorkloadIdentityPoolProvider:getWorkloadIdentityPoolProvider",
        };
        await assert.rejects(engine.call(functions.pool, pool), { message: `${parent}/machines not found` });
        await engine.create(types.pool, pool);
        await engine.create(types.provider, provider);
        assert.equal((await engine.call(functions.pool, pool))["state"], "ACTIVE");
        assert.deepEqual((await engine.call(functions.provider, provider))["oidcs"], [
            { allowedAudiences: [], jwksJson: "", ...provider.oidc },
        ]);
        await ok(sandbox, "DELETE", `/iam/v1/${parent}/machines/providers/github`);
        await assert.rejects(engine.call(functions.provider, provider), {
            message: `${parent}/machines/providers/github not found`,
        });
        await ok(sandbox, "DELETE", `/iam/v1/${parent}/machines`);
        await assert.rejects(engine.call(functions.pool, pool), { message: `${parent}/machines not found` });
        await assert.rejects(engine.read(types.pool, `${parent}/machines`), /not found/);
        await assert.rejects(engine.create(types.pool, pool), /409 Requested entity already exists/);
    });

    it("grants on an account alone", async () => {
        await ok(sandbox, "POST", accountsPath, { accountId: "robot-1" });
        const serviceAccountId =
            "projects/sandbox-project/serviceAccounts/robot-1@sandbox-project.iam.gserviceaccount.com";
        const role = "roles/iam.serviceAccountTokenCreator";
        const grants = await calls(async () => {
            await engine.create(types.binding, { serviceAccountId, role, members: ["user:a@example.com"] });
            await engine.create(types.member, { serviceAccountId, role, member: "user:b@example.com" });
        });
        assert.deepEqual(grants, [
            `POST ${serviceAccountId}:getIamPolicy`,
            `POST ${serviceAccountId}:setIamPolicy`,
            `POST ${serviceAccountId}:getIamPolicy`,
            `POST ${serviceAccountId}:setIamPolicy`,
        ]);
        const { bindings } = await ok(sandbox, "POST", `/iam/v1/${serviceAccountId}:getIamPolicy`);
        assert.deepEqual(bindings, [{ role, members: ["user:a@example.com", "user:b@example.com"] }]);
    });

    it("looks up the number of a project", async () => {
        const token = "gcp:organizations/getProject:getProject";
        const lookups = await calls(async () => {
            assert.equal(
                (await engine.call(token, { projectId: "sandbox-project" }))["number"],
                "123456789012",
            );
        });
        assert.deepEqual(lookups, [`GET ${projectPath.slice(1)}`, `GET ${projectPath.slice(1)}/billingInfo`]);
    });
});

describe("in-process engine: a program in a process that has run another", () => {
    let directory: string;
    before(async () => {
        directory = await mkdtemp(join(tmpdir(), "programs-"));
    });
    after(() => rm(directory, { recursive: true }));

    /** Runs a program with these statements in its main module. */
    async function run(name: string, statements: string, options: ProgramOptions = {}) {
        const program = join(directory, name);
        await mkdir(program);
        await writeFile(
            join(program, "index.js"),
            `const pulumi = require(${JSON.stringify(require.resolve("@pulumi/pulumi"))});\n${statements}`,
        );
        const lines: string[] = [];
        const config = { "python-registry:name": name };
        const result = await runProgram(
            { stack: name, config, onProgress: (line) => lines.push(line) },
            { program, ...options },
        );
        const outputs = Object.fromEntries(
            Object.entries(result.outputs).map(([key, { value }]) => [key, value]),
        );
        return { ...result, outputs, lines };
    }
    const report = `
        exports.pid = process.pid;
        exports.stack = pulumi.getStack();
        exports.name = new pulumi.Config("python-registry").get("name");
        exports.other = new pulumi.Config("python-registry").get("other") ?? "none";
        exports.variable = process.env.LEFT_BEHIND ?? "none";
        exports.directory = process.cwd();
        exports.knowsPackage = pulumi.runtime.getResourcePackage("acme", "1.0.0") !== undefined;`;

    it("finds nothing of it", async () => {
        const first = await run(
            "first",
            `${report}
            pulumi.runtime.setConfig("python-registry:other", "left behind");
            pulumi.runtime.registerResourcePackage("acme", { version: "1.0.0" });
            process.env.LEFT_BEHIND = "left behind";
            process.chdir("/");
            new pulumi.ComponentResource("test:index:First", "first");
            for (let line = 0; line < 5000; line += 1) console.error("first", line);`,
        );
        const second = await run("second", `${report}\nconsole.error("second");`);
        const clean = { pid: first.outputs["pid"], other: "none", variable: "none", knowsPackage: false };
        const { directory: begun } = first.outputs;
        assert.deepEqual(first.outputs, { ...clean, stack: "first", name: "first", directory: begun });
        assert.deepEqual(second.outputs, { ...clean, stack: "second", name: "second", directory: begun });
        assert.equal(first.lines.filter((line) => /^first \d+$/.test(line)).length, 5000);
        assert.deepEqual(second.lines, ["second"]);
        assert.deepEqual(second.resources, []);
        assert.deepEqual(second.modules, [join(directory, "second", "index.js")]);
    });

    it("runs in another one if that has failed, or is to have its own", async () => {
        const { outputs } = await run("working", report);
        await assert.rejects(run("failing", 'throw new Error("this program fails");'), /this program fails/);
        const next = await run("next", report);
        const own = await run("own", report, { ownProcess: true });
        const processes = [outputs, next.outputs, own.outputs].map(({ pid }) => pid);
        assert.equal(new Set(processes).size, 3);
    });
});
