import assert from "node:assert/strict";
import { type ProgramOptions, runProgram } from "../../packages/sandbox/src/engines/in-process-engine";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";
import { createRepository, ok } from "../sandbox/client";
import { createForeignMirror, createRemote, createRule, createVirtual } from "../sandbox/foreign-mirror";

// A mirror whose repositories and rules exist before the stack does, with settings that this program never makes.

const project = "sandbox-project";
const location = `projects/${project}/locations/europe-west1`;
const named = (id: string) => `${location}/repositories/${id}`;
const reader = "roles/artifactregistry.reader";
const owner = "group:owner@example.com";
type Values = Readonly<Record<string, unknown>>;

describe("a mirror that exists already", () => {
    let sandbox: Sandbox;
    beforeEach(async () => {
        sandbox = await startSandbox({ project });
    });
    afterEach(() => sandbox.close());

    const registry = "/artifactregistry/v1";
    const create = (id: string) => createRepository(sandbox, { id });
    const remote = (id: string) => createRemote(sandbox, id);
    const virtual = (id: string, upstreams: Readonly<Record<string, number>>) =>
        createVirtual(sandbox, id, upstreams);
    const rule = (id: string, body: Values) => createRule(sandbox, "outside", id, body);
    const grant = (id: string) =>
        ok(sandbox, "POST", `${registry}/${named(id)}:setIamPolicy`, {
            policy: { bindings: [{ role: reader, members: [owner] }] },
        });

    /** The foreign mirror, with rules and grants. */
    async function createOdd(): Promise<void> {
        await createForeignMirror(sandbox, "outside", "everything");
        await rule("block-core", { action: "DENY", packageId: "acme-core" });
        await rule("package-acme-models", { action: "DENY", packageId: "acme-models" });
        await grant("everything");
        await grant("outside");
    }
    const odd = {
        existing: "use",
        access: "additive",
        readers: ["group:dev@example.com"],
        serviceAccounts: {},
        internalPackages: ["acme-core", "acme-models"],
    };
    const mirror = {
        upstream: "https://pypi.example/simple",
        repository: "outside",
        virtualRepository: "everything",
    };

    /** Runs the program. Returns its log, its outputs, and its API calls that change something. */
    async function run(own: Values, options: ProgramOptions = {}) {
        const lines: string[] = [];
        const before = sandbox.requests.length;
        const config = {
            "gcp:project": project,
            ...sandbox.providerConfig,
            ...stackConfig({ location: "europe-west1", publicPackages: "mirror", enableApis: false, ...own }),
        };
        const result = await runProgram(
            { stack: "test", config, onProgress: (line) => lines.push(line) },
            options,
        );
        return { ...result, log: lines.join("\n"), changes: changesSince(before) };
    }
    const changesSince = (before: number) =>
        sandbox.requests
            .slice(before)
            .filter(({ method }) => method !== "GET")
            .map(({ method, path }) => `${method} ${path.replace(/^.*\/repositories\//, "")}`)
            .sort();
    const refusal = async (own: Values): Promise<string> => {
        const before = sandbox.requests.length;
        const error: unknown = await run(own).then(
            () => assert.fail("it should be refused"),
            (reason: unknown) => reason,
        );
        assert.deepEqual(changesSince(before), []);
        return (error as Error).message;
    };
    const found = (id: string) =>
        [...sandbox.cloud.project(project).repositories.values()].find((each) => each.id === id)!;
    const readersOf = (id: string) => found(id).policy.bindings.map(({ role, members }) => [role, members]);

    it("is only read and granted on if it is used, also with authoritative access", async () => {
        await createOdd();
        const before = ["outside", "everything"].map((id) => structuredClone(found(id).settings));
        const settings = {
            ...odd,
            access: "authoritative",
            mirror: { ...mirror, existing: "use", existingRules: { acme_core: "block-core" } },
        };
        const { changes, log, outputs } = await run(settings);
        assert.deepEqual([...new Set(changes)], ["POST everything:setIamPolicy", "POST python:setIamPolicy"]);
        assert.deepEqual(
            ["outside", "everything"].map((id) => found(id).settings),
            before,
        );
        assert.deepEqual(readersOf("everything"), [
            [reader, [owner, "group:dev@example.com"].sort().reverse()],
        ]);
        assert.deepEqual(readersOf("outside"), [[reader, [owner]]]);
        assert.match(log, /outside keeps no packages \(noCache\)/);
        assert.match(
            log,
            /everything also has the packages of \S+\/shared\. Everyone who can upload there can serve a package with an internal name/,
        );
        assert.equal((outputs["access"]?.value as Values)["serviceAgent"], undefined);
        assert.match(String(outputs["pipConf"]?.value), /\/everything\/simple\//);
    });

    it("keeps everything that is not configured if it is adopted, and says what changes", async () => {
        await createOdd();
        await rule("theirs", { action: "ALLOW", packageId: "acme-tools" });
        const settings = {
            ...odd,
            access: "authoritative",
            labels: { team: "platform" },
            existing: "adopt",
            internalPackages: ["acme-core", "acme-tools", "acme-new"],
            mirror: {
                ...mirror,
                existing: "adopt",
                existingRules: { "acme-core": "block-core", "acme-tools": "theirs" },
            },
        };
        const preview = await run(settings, { preview: true });
        assert.deepEqual(preview.changes, []);
        for (const message of [
            /outside differs from the configuration:\s+labels\.team: "data" becomes "platform"/,
            /everything differs from the configuration:\s+labels\.team: not set becomes "platform"/,
            /outside keeps settings that this stack does not manage: cleanupPolicies, cleanupPolicyDryRun, vulnerabilityScanningConfig\./,
            /rules\/theirs differs from the configuration:\s+action: "ALLOW" becomes "DENY"/,
            /these principals lose their role on the repository \S+everything\. .*\n\s+roles\/artifactregistry\.reader: group:owner@example\.com/,
        ]) {
            assert.match(preview.log, message);
        }
        const before = ["outside", "everything"].map((id) => structuredClone(found(id).settings));

        const { changes } = await run({ ...settings, access: "additive" });
        assert.deepEqual(changes, [
            "PATCH everything?updateMask=labels",
            "PATCH outside/rules/theirs?updateMask=action",
            "PATCH outside?updateMask=labels",
            "PATCH python?updateMask=labels",
            "POST everything:setIamPolicy",
            "POST outside/rules?ruleId=package-acme-new",
            "POST python:setIamPolicy",
        ]);
        assert.deepEqual(
            ["outside", "everything"].map((id) => found(id).settings),
            before.map((each) => ({ ...each, labels: { team: "platform" } })),
        );
        const rules = [...found("outside").rules].map(([id, { action, packageId }]) => [
            id,
            action,
            packageId,
        ]);
        assert.deepEqual(rules, [
            ["block-core", "DENY", "acme-core"],
            ["package-acme-models", "DENY", "acme-models"],
            ["theirs", "DENY", "acme-tools"],
            ["package-acme-new", "DENY", "acme-new"],
        ]);
        assert.deepEqual(readersOf("outside"), [[reader, [owner]]]);
    });

    it("is refused with every reason before anything is changed", async () => {
        await create("python");
        await remote("outside");
        await remote("conda");
        await virtual("everything", { python: 5, outside: 5, conda: 1 });
        await rule("block", { action: "DENY", packageId: "acme-core" });
        await rule("package-acme-models", {
            action: "DENY",
            packageId: "acme-models",
            condition: { expression: "pkg.version.id > '2'" },
        });
        const settings = {
            ...odd,
            internalPackages: ["acme-models", "acme-tools"],
            mirror: { ...mirror, existing: "use", existingRules: { "acme-tools": "block" } },
        };
        const message = await refusal(settings);
        assert.equal(
            message,
            [
                "5 existing resources cannot be used; nothing was changed.",
                `existing: use: the repository ${named("outside")} gets its packages from pypi, not from https://pypi.example/simple. The upstream of a repository cannot be changed. Set mirror.upstream to pypi, or mirror.repository to a different repository.`,
                `existing: use: the repository ${named("everything")} prefers ${named("outside")} (priority 5) to ${named("python")} (priority 5). A mirror needs both as upstreams, ${named("python")} with the higher priority. Change its upstream policies: gcloud artifacts repositories update --upstream-policy-file.`,
                `existing: use: the repository ${named("everything")} also has the packages of ${named("conda")}, a remote repository. This registry has no download rules there: a public package with an internal name would come in. Remove it from the upstream policies.`,
                `existing: use: the rule ${named("outside")}/rules/package-acme-models applies only under a condition. The mirror needs the action DENY without a condition: ask the owner to change the rule, or set mirror.existing: adopt.`,
                `existing: use: the rule ${named("outside")}/rules/block is for the package acme-core, not for the package acme-tools. Set mirror.existingRules to the ids that this command prints: gcloud artifacts rules list --repository=outside --location=europe-west1 --project=${project}`,
            ].join("\n  - "),
        );
    });

    it("is refused if its repositories are of another mode, have another key, or do not know each other", async () => {
        const kmsKey = `projects/${project}/locations/europe-west1/keyRings/r/cryptoKeys/k`;
        await create("python");
        await remote("outside");
        await virtual("everything", { outside: 1 });
        await create("plain");
        const adopted = (ids: Values) => ({
            ...odd,
            existing: undefined,
            internalPackages: [],
            mirror: { upstream: "pypi", existing: "adopt", ...ids },
        });
        const encrypted = { encryption: { kmsKey }, projectNumber: 123456789012 };
        const wrong = await refusal({
            ...adopted({ repository: "outside", virtualRepository: "everything" }),
            ...encrypted,
        });
        assert.match(
            wrong,
            /outside is encrypted with a Google-managed key, not with \S+\/k\. .*Remove encryption/,
        );
        assert.match(wrong, /everything does not have the packages of \S+\/python\. A mirror needs both/);
        const swapped = await refusal({
            ...adopted({ repository: "plain", virtualRepository: "outside" }),
            repository: "everything",
            existing: "use",
        });
        assert.match(
            swapped,
            /plain is PYTHON, STANDARD_REPOSITORY\. A mirror needs PYTHON, REMOTE_REPOSITORY\. Set mirror\.repository/,
        );
        assert.match(
            swapped,
            /outside is PYTHON, REMOTE_REPOSITORY\. A mirror needs PYTHON, VIRTUAL_REPOSITORY\. Set mirror\.virtualRepository/,
        );
        assert.match(
            swapped,
            /everything is PYTHON, VIRTUAL_REPOSITORY\. .* This one can be mirror\.virtualRepository, with publicPackages: mirror and mirror\.existing: use\./,
        );
    });
});
