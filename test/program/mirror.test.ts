import assert from "node:assert/strict";
import { type ProgramOptions, runProgram } from "../../packages/sandbox/src/engines/in-process-engine";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";

// Public packages through the registry: what a stack with a mirror creates and grants, in which order, and nothing else.

const project = "sandbox-project";
const number = "123456789012";
const agent = `serviceAccount:service-${number}@gcp-sa-artifactregistry.iam.gserviceaccount.com`;
const publisher = `serviceAccount:python-publisher@${project}.iam.gserviceaccount.com`;
const repositories = `projects/${project}/locations/europe-west1/repositories`;
const reader = "roles/artifactregistry.reader";
const writer = "roles/artifactregistry.writer";
const admin = "roles/artifactregistry.repoAdmin";
const operator = "user:operator@example.com";
type Values = Readonly<Record<string, unknown>>;

describe("a mirror", () => {
    let sandbox: Sandbox;
    beforeEach(async () => {
        sandbox = await startSandbox({ project });
    });
    afterEach(() => sandbox.close());

    const run = (values: Values, options: ProgramOptions = {}) =>
        runProgram(
            {
                stack: "test",
                config: {
                    "gcp:project": project,
                    ...sandbox.providerConfig,
                    ...stackConfig({ location: "europe-west1", publicPackages: "mirror", ...values }),
                },
            },
            options,
        );
    const created = (collection: string) =>
        sandbox.requests.filter(
            ({ method, path, status }) =>
                method === "POST" && status === 200 && new RegExp(`/${collection}\\?`).test(path),
        );
    const settings = (id: string) =>
        created("repositories").find(({ path }) => path.endsWith(`repository_id=${id}`))?.body as Record<
            string,
            unknown
        >;
    const rules = () =>
        Object.fromEntries(
            created("rules").map(({ path, body }) => [
                path.replace(/^.*\/repositories\/(.*)\/rules\?ruleId=(.*)$/, "$1 $2"),
                body,
            ]),
        );
    const granted = (id: string) =>
        Object.fromEntries(
            [...sandbox.cloud.project(project).repositories.values()]
                .find((each) => each.id === id)!
                .policy.bindings.map(({ role, members }) => [role, [...members].sort()]),
        );
    /** The place of the first request that matches. */
    const at = (what: RegExp) => {
        const place = sandbox.requests.findIndex(({ method, path }) => what.test(`${method} ${path}`));
        assert.notEqual(place, -1, String(what));
        return place;
    };

    it("is a remote repository behind a virtual one, with a rule for each internal name", async () => {
        await run({ internalPackages: ["Acme_Core", "acme-models"], labels: { team: "data" } });
        assert.deepEqual([...sandbox.cloud.project(project).repositories.keys()].sort(), [
            "europe-west1/python",
            "europe-west1/python-all",
            "europe-west1/python-public",
        ]);
        const { mode, format, remoteRepositoryConfig, labels } = settings("python-public");
        assert.deepEqual(
            { mode, format, remoteRepositoryConfig },
            {
                mode: "REMOTE_REPOSITORY",
                format: "PYTHON",
                remoteRepositoryConfig: { pythonRepository: { publicRepository: "PYPI" } },
            },
        );
        assert.equal((labels as Record<string, string>)["team"], "data");
        const virtual = settings("python-all");
        assert.equal(virtual["mode"], "VIRTUAL_REPOSITORY");
        assert.deepEqual(virtual["virtualRepositoryConfig"], {
            upstreamPolicies: [
                { id: "private", repository: `${repositories}/python`, priority: 200 },
                { id: "public", repository: `${repositories}/python-public`, priority: 100 },
            ],
        });
        const deny = (packageId: string) => ({ action: "DENY", operation: "DOWNLOAD", packageId });
        assert.deepEqual(rules(), {
            "python-public package-acme-core": deny("acme-core"),
            "python-public package-acme-models": deny("acme-models"),
        });
    });

    it("never passes on a package before its rules are there", async () => {
        await run({ internalPackages: ["acme-core", "acme-models"] });
        const virtual = at(/^POST .*repository_id=python-all$/);
        for (const earlier of [
            /repository_id=python$/,
            /repository_id=python-public$/,
            /ruleId=package-acme-core$/,
            /ruleId=package-acme-models$/,
        ]) {
            assert.ok(at(earlier) < virtual, String(earlier));
        }
    });

    it("denies everything else if it allows some", async () => {
        await run({ internalPackages: ["acme-*"], mirror: { allow: ["Requests", "urllib3"] } });
        const allow = (packageId: string) => ({ action: "ALLOW", operation: "DOWNLOAD", packageId });
        assert.deepEqual(rules(), {
            "python-public other-packages": { action: "DENY", operation: "DOWNLOAD" },
            "python-public package-requests": allow("requests"),
            "python-public package-urllib3": allow("urllib3"),
        });
    });

    it("is read by everyone who has a role, through the virtual repository only", async () => {
        await run({
            readers: ["group:dev@example.com", "user:both@example.com"],
            writers: ["user:both@example.com"],
            admins: ["group:ops@example.com"],
        });
        assert.deepEqual(granted("python"), {
            [reader]: ["group:dev@example.com", "user:both@example.com"],
            [writer]: [publisher, "user:both@example.com"].sort(),
            [admin]: ["group:ops@example.com"],
        });
        assert.deepEqual(granted("python-all"), {
            [reader]: [
                "group:dev@example.com",
                "group:ops@example.com",
                publisher,
                "user:both@example.com",
            ].sort(),
        });
        assert.deepEqual(granted("python-public"), {});
    });

    it("is read by workloads, and with additive access by one grant for each", async () => {
        await run({
            access: "additive",
            serviceAccounts: {},
            readers: ["group:dev@example.com"],
            workloads: {
                vm: {
                    type: "computeEngine",
                    access: "writer",
                    serviceAccount: "vm@other.iam.gserviceaccount.com",
                },
            },
        });
        const members = ["group:dev@example.com", "serviceAccount:vm@other.iam.gserviceaccount.com"];
        assert.deepEqual(granted("python-all"), { [reader]: members });
        assert.deepEqual(granted("python-public"), {});
    });

    it("signs in to an index with a secret that only Google's service agent may read", async () => {
        const passwordSecret = "projects/vault-project/secrets/index-password/versions/3";
        sandbox.cloud.addProject("vault-project", "77", operator);
        await enable("vault-project", "secretmanager");
        sandbox.cloud.addSecret("projects/vault-project/secrets/index-password", ["old", "older", "hunter2"]);
        const { outputs } = await run({
            mirror: { upstream: "https://packages.acme.example/simple", username: "mirror", passwordSecret },
        });
        assert.deepEqual(settings("python-public")["remoteRepositoryConfig"], {
            commonRepository: { uri: "https://packages.acme.example/simple" },
            upstreamCredentials: {
                usernamePasswordCredentials: { username: "mirror", passwordSecretVersion: passwordSecret },
            },
        });
        const grant = at(/^POST .*secrets\/index-password:setIamPolicy/);
        const { policy } = sandbox.requests[grant]!.body as {
            policy: { bindings: { role: string; members: string[] }[] };
        };
        assert.deepEqual(policy.bindings, [{ role: "roles/secretmanager.secretAccessor", members: [agent] }]);
        assert.ok(grant < at(/repository_id=python-public$/));
        const access = outputs["access"]?.value as Record<string, unknown>;
        assert.deepEqual(access["serviceAgent"], {
            "roles/secretmanager.secretAccessor": ["projects/vault-project/secrets/index-password"],
        });
    });

    it("reads a repository of another project as Google's service agent", async () => {
        const upstream = "projects/central-project/locations/europe-west1/repositories/pypi";
        sandbox.cloud.addProject("central-project", "88", operator);
        await enable("central-project", "artifactregistry");
        await post(`artifactregistry/v1/${upstream.replace(/\/[^/]+$/, "")}?repository_id=pypi`, {
            format: "PYTHON",
        });
        const { outputs } = await run({ mirror: { upstream } });
        assert.deepEqual(settings("python-public")["remoteRepositoryConfig"], {
            commonRepository: { uri: upstream },
        });
        const { policy } = [...sandbox.cloud.project("central-project").repositories.values()][0]!;
        assert.deepEqual(
            policy.bindings.map(({ role, members }) => ({ role, members })),
            [{ role: reader, members: [agent] }],
        );
        const access = outputs["access"]?.value as Record<string, unknown>;
        assert.deepEqual(access["serviceAgent"], { [reader]: [upstream] });
    });

    it("is what the files ask, and they upload to the private repository", async () => {
        const { outputs } = await run({}, { preview: true });
        const host = `https://europe-west1-python.pkg.dev/${project}`;
        const repository = outputs["repository"]?.value as Record<string, unknown>;
        assert.equal(repository["id"], "python");
        assert.equal(repository["indexRepository"], "python-all");
        assert.equal(repository["indexUrl"], `${host}/python-all/simple/`);
        assert.equal(repository["uploadUrl"], `${host}/python/`);
        assert.equal(outputs["publicPackages"]?.value, "mirror");
        assert.equal(outputs["pipConf"]?.value, `[global]\nindex-url = ${host}/python-all/simple/\n`);
        assert.match(String(outputs["pypirc"]?.value), new RegExp(`^repository: ${host}/python/$`, "m"));
        const files = JSON.stringify(outputs["clients"]?.value);
        assert.doesNotMatch(files, /python\/simple/);
    });

    async function post(requests: string, body: object) {
        const response = await fetch(`${sandbox.apiUrl}/${requests}`, {
            method: "POST",
            headers: { authorization: `Bearer ${sandbox.accessToken}`, "content-type": "application/json" },
            body: JSON.stringify(body),
        });
        assert.equal(response.status, 200, await response.text());
    }
    const enable = (inProject: string, api: string) =>
        post(`serviceusage/v1/projects/${inProject}/services/${api}.googleapis.com:enable`, {});
});
