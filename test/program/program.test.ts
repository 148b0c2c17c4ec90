import assert from "node:assert/strict";
import { type FilesByTool, filesByTool } from "../../packages/registry/src/clients/tools";
import { join } from "node:path";
import { type ProgramResult, runProgram } from "../../packages/sandbox/src/engines/in-process-engine";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { type LoggedRequest, type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";
import { within } from "../deadline";
import { startControlPlaneProxy } from "./control-plane-proxy";
import { assertKeepRole, policiesSet } from "./policies";

const project = "sandbox-project";
const repositoryPath = `projects/${project}/locations/europe-west1/repositories/python`;

/** The least configuration, and what a test adds to it. */
function configuration(
    sandbox: Pick<Sandbox, "providerConfig">,
    more: Record<string, unknown> = {},
): Record<string, string> {
    return {
        "gcp:project": project,
        ...sandbox.providerConfig,
        ...stackConfig({ location: "europe-west1", ...more }),
    };
}

const up = (config: Record<string, string>) => runProgram({ stack: "test", config });
const calls = (requests: readonly LoggedRequest[]) => requests.map(({ method, path }) => `${method} ${path}`);
const principals = (count: number) => Array.from({ length: count }, (_, n) => `user:reader-${n}@example.com`);

/** Role → members, from the policy in the sandbox. */
async function policy(sandbox: Sandbox, repository = repositoryPath): Promise<Record<string, string[]>> {
    const response = await fetch(`${sandbox.apiUrl}/artifactregistry/v1/${repository}:getIamPolicy`, {
        headers: { authorization: `Bearer ${sandbox.accessToken}` },
    });
    const { bindings = [] } = (await response.json()) as { bindings?: { role: string; members: string[] }[] };
    return Object.fromEntries(bindings.map(({ role, members }) => [role, members]));
}

/** Runs the program, and grants roles on the repository just before the program does. */
async function upAfterOtherGrants(
    sandbox: Sandbox,
    others: { role: string; members: string[] }[],
    more: Record<string, unknown>,
): Promise<Record<string, string[]>> {
    let granted = false;
    await using proxy = await startControlPlaneProxy(sandbox, {
        before: async (call) => {
            if (call.includes(":getIamPolicy") && !granted) {
                granted = true;
                const made = await fetch(
                    `${sandbox.apiUrl}/artifactregistry/v1/${repositoryPath}:setIamPolicy`,
                    {
                        method: "POST",
                        headers: {
                            authorization: `Bearer ${sandbox.accessToken}`,
                            "content-type": "application/json",
                        },
                        body: JSON.stringify({ policy: { bindings: others } }),
                    },
                );
                assert.equal(made.status, 200);
            }
        },
    });
    await up(configuration(proxy, more));
    assert.ok(granted);
    return await policy(sandbox);
}

describe("the program", () => {
    let sandbox: Sandbox;
    /** Delay calls until a test resolves them; resolved at the end of the test, or a failed test would never end. */
    let accountAsked: PromiseWithResolvers<undefined>;
    let granted: PromiseWithResolvers<undefined>;
    beforeEach(async () => {
        accountAsked = Promise.withResolvers();
        granted = Promise.withResolvers();
        sandbox = await startSandbox({ project });
    });
    afterEach(async () => {
        accountAsked.resolve(undefined);
        granted.resolve(undefined);
        await sandbox.close();
    });

    describe("with a group of readers", () => {
        let created: Sandbox;
        let callsForOne: number;
        let resources: ProgramResult["resources"];
        before(async () => {
            created = await startSandbox({ project });
            ({ resources } = await up(configuration(created, { readers: ["group:developers@example.com"] })));
            callsForOne = created.requests.length;
        });
        after(() => created.close());

        it("makes a repository, an account and two grants, and nothing else", async () => {
            assert.deepEqual(
                new Set(calls(created.requests).filter((call) => call.startsWith("POST "))),
                new Set([
                    `POST /serviceusage/v1/projects/${project}/services/artifactregistry.googleapis.com:enable`,
                    `POST /serviceusage/v1/projects/${project}/services/iam.googleapis.com:enable`,
                    `POST /artifactregistry/v1/projects/${project}/locations/europe-west1/repositories?repository_id=python`,
                    `POST /iam/v1/projects/${project}/serviceAccounts`,
                    `POST /artifactregistry/v1/${repositoryPath}:setIamPolicy`,
                ]),
            );
            assert.deepEqual(await policy(created), {
                "roles/artifactregistry.reader": ["group:developers@example.com"],
                "roles/artifactregistry.writer": [
                    `serviceAccount:python-publisher@${project}.iam.gserviceaccount.com`,
                ],
            });
        });

        it("labels what it creates with its stack", () => {
            const [account] = created.cloud.project(project).serviceAccounts.values();
            assert.equal(account?.description, "Created by Pulumi stack organization/python-registry/test");
        });

        it("lets each resource depend on what it needs and on nothing else", () => {
            const named = (urn: string) =>
                urn
                    .split("::")
                    .slice(2)
                    .join(" ")
                    .replace(/^.*[$:]/, "");
            const waits = resources
                .filter(({ type }) => type.startsWith("gcp:"))
                .map(({ type, name, dependencies }) => [
                    `${type.replace(/^.*:/, "")} ${name}`,
                    dependencies.map(named).sort(),
                ]);
            assert.deepEqual(Object.fromEntries(waits), {
                "Service registry-iam": [],
                "Service registry-artifactregistry": [],
                "Account registry-python-publisher": ["Service registry-iam"],
                "Repository registry": ["Service registry-artifactregistry"],
                "RepositoryIamBinding registry-reader": ["Repository registry"],
                "RepositoryIamBinding registry-writer": [
                    "Account registry-python-publisher",
                    "Repository registry",
                ],
            });
        });

        it("makes as many calls as for a thousand readers", async () => {
            await up(configuration(sandbox, { readers: principals(1000) }));
            assert.equal(sandbox.requests.length, callsForOne);
            assert.equal((await policy(sandbox))["roles/artifactregistry.reader"]?.length, 1000);
        });
    });

    it("sends the settings of the repository, also in a region that is newer than the list of locations", async () => {
        const { outputs } = await up(
            configuration(sandbox, {
                location: "olympus-mons7",
                "gcp:skipRegionValidation": true,
                description: "Ours",
                labels: { team: "platform" },
                repository: "wheels",
            }),
        );
        assert.deepEqual([...sandbox.cloud.project(project).repositories.keys()], ["olympus-mons7/wheels"]);
        assert.equal(
            outputs["pipConf"]?.value,
            `[global]\nextra-index-url = https://olympus-mons7-python.pkg.dev/${project}/wheels/simple/\n`,
        );
        const creation = sandbox.requests.find(({ path }) => path.includes("repository_id=wheels"));
        assert.deepEqual(creation?.body, {
            format: "PYTHON",
            mode: "STANDARD_REPOSITORY",
            description: "Ours",
            labels: { team: "platform", "python-registry-stack": "organization_python-registry_test" },
        });
    });

    it("enables no API with enableApis: false", async () => {
        await assert.rejects(
            up(configuration(sandbox, { enableApis: false })),
            /has not been used in project .* before or it is disabled/,
        );
        assert.deepEqual(
            calls(sandbox.requests).filter((call) => call.includes(":enable")),
            [],
        );
    });

    const others = [
        { role: "roles/artifactregistry.reader", members: ["user:stray@example.com"] },
        { role: "roles/artifactregistry.repoAdmin", members: ["user:stray@example.com"] },
    ];

    it("owns the members of the roles it grants when access is authoritative", async () => {
        const readers = ["user:reader@example.com"];
        assert.deepEqual(await upAfterOtherGrants(sandbox, others, { readers, serviceAccounts: {} }), {
            "roles/artifactregistry.reader": ["user:reader@example.com"],
            "roles/artifactregistry.repoAdmin": ["user:stray@example.com"],
        });
    });

    it("leaves everybody else's grants alone when access is additive", async () => {
        const more = { access: "additive", readers: ["user:reader@example.com"], serviceAccounts: {} };
        assert.deepEqual(await upAfterOtherGrants(sandbox, others, more), {
            "roles/artifactregistry.reader": ["user:stray@example.com", "user:reader@example.com"],
            "roles/artifactregistry.repoAdmin": ["user:stray@example.com"],
        });
        for (const { role, members } of others) assertKeepRole(sandbox.requests, role, members);
    });

    it("takes nobody's access away when access or members change", async () => {
        const readers = ["group:a@example.com", "group:b@example.com"];
        await up(configuration(sandbox, { readers }));
        const existing = "use";
        for (const changed of [
            { access: "additive", readers: [...readers, "user:c@example.com"] },
            { access: "authoritative", readers: [...readers, "user:d@example.com"] },
        ]) {
            const seen = sandbox.requests.length;
            await up(configuration(sandbox, { ...changed, existing, serviceAccounts: {} }));
            const since = sandbox.requests.slice(seen);
            assert.notEqual(policiesSet(since).length, 0);
            assertKeepRole(since, "roles/artifactregistry.reader", readers);
        }
    });

    it("reports every mistake at once and sends nothing", async () => {
        const mistaken = configuration(sandbox, {
            location: "europe-west11",
            readers: ["developers@example.com", "allUsers"],
            writers: ["allUsers"],
            repozitory: "x",
        });
        delete mistaken["gcp:project"];

        await assert.rejects(up(mistaken), ({ message }: Error) => {
            for (const said of [
                /gcp:project: is not set/,
                /python-registry:location: "europe-west11" .*Did you mean "europe-west1/,
                /readers\[0\]: "developers@example\.com" .*"user:developers@example\.com" or "group:developers@example\.com"/,
                /readers: "allUsers" .*allowPublic/,
                /writers\[0\]: "allUsers"/,
                /python-registry:repozitory: "repozitory" is an unknown key.*Did you mean "repository"/,
            ]) {
                assert.match(message, said);
            }
            return true;
        });
        assert.deepEqual(sandbox.requests, []);
    });

    it("lets neither the account wait for the Artifact Registry API, nor the readers' grant for the account", async () => {
        await using proxy = await startControlPlaneProxy(sandbox, {
            before: async (call) => {
                if (call.endsWith("/serviceAccounts")) {
                    accountAsked.resolve(undefined);
                    await granted.promise;
                }
                if (call.includes("artifactregistry.googleapis.com:enable")) await accountAsked.promise;
            },
            answer: (call, body) => {
                if (call.endsWith(":setIamPolicy")) granted.resolve(undefined);
                return body;
            },
        });
        await within(
            "the account's creation while the Artifact Registry API is being enabled, and the readers' grant meanwhile",
            up(configuration(proxy, { readers: ["group:developers@example.com"] })),
        );
    });

    it("fails with both values when the service's address is not the derived one", async () => {
        await using proxy = await startControlPlaneProxy(sandbox, {
            answer: (_, body) => body.replace("europe-west1-python.pkg.dev", "elsewhere-python.pkg.dev"),
        });
        await assert.rejects(
            up(configuration(proxy)),
            /"europe-west1-python\.pkg\.dev\/sandbox-project\/python".*"elsewhere-python\.pkg\.dev\/sandbox-project\/python"/,
        );
    });

    it("accepts a service that reports no address", async () => {
        await using proxy = await startControlPlaneProxy(sandbox, {
            answer: (_, body) => body.replace(/"registryUri":"[^"]*"/, '"sizeBytes":"0"'),
        });
        await up(configuration(proxy));
    });

    it("has publicPackages and cooldown among its outputs only if they are set", async () => {
        const preview = (own: Record<string, unknown>) =>
            runProgram({ stack: "test", config: configuration(sandbox, own) }, { preview: true });
        const { outputs, resources } = await preview({});
        assert.ok(!("publicPackages" in outputs || "cooldown" in outputs));
        const waiting = await preview({ cooldown: { days: 7 } });
        assert.deepEqual(waiting.outputs["cooldown"], { value: { days: 7 }, secret: false });
        assert.match(
            (waiting.outputs["clients"]?.value as FilesByTool)["uv"]?.["uv.toml"] ?? "",
            /^exclude-newer = "7 days"$/m,
        );
        assert.match(String(waiting.outputs["readme"]?.value), /^## Which versions can be new$/m);
        // It concerns only files: no resource has it.
        assert.deepEqual(waiting.resources, resources);
        const { outputs: only } = await preview({ publicPackages: "none" });
        assert.deepEqual(only["publicPackages"], { value: "none", secret: false });
        assert.match(String(only["pipConf"]?.value), /^\[global\]\nindex-url = https:\/\/[^@\n]+\n$/);
        assert.doesNotMatch(JSON.stringify(only["clients"]?.value), /extra-index|supplemental|constraint/);
    });

    describe("with keys and internal packages", () => {
        let keyed: Sandbox;
        let preview: ProgramResult;
        let outputs: ProgramResult["outputs"];
        before(async () => {
            keyed = await startSandbox({ project });
            const config = configuration(keyed, {
                serviceAccounts: { "python-publisher": { access: "writer", keys: ["2026-08", "2026-11"] } },
                internalPackages: ["acme-core", "Acme_Util"],
            });
            preview = await runProgram({ stack: "test", config }, { preview: true });
            assert.deepEqual(keyed.requests, []);
            ({ outputs } = await up(config));
        });
        after(() => keyed.close());

        it("knows every output except the credentials in a preview, which sends nothing", () => {
            assert.deepEqual(preview.unknown, ["credentials"]);
            for (const [name, output] of Object.entries(preview.outputs)) {
                assert.deepEqual(output, outputs[name], name);
            }
        });

        it("keeps keys secret, and gives the current generation", () => {
            const credentials = outputs["credentials"]?.value as Record<
                string,
                { generation: string; keyFile: string }
            >;
            const { generation, keyFile } = credentials["python-publisher"]!;
            assert.equal(generation, "2026-11");
            const key = JSON.parse(keyFile) as { private_key: string; client_email: string };
            assert.equal(key.client_email, `python-publisher@${project}.iam.gserviceaccount.com`);
            const secretOutputs = Object.entries(outputs).filter(([, { secret }]) => secret);
            assert.deepEqual(
                secretOutputs.map(([name]) => name),
                ["credentials"],
            );
            const { credentials: _, ...rest } = outputs;
            assert.doesNotMatch(JSON.stringify(rest), /PRIVATE KEY|private_key|_json_key/);
        });

        it("has every tool's files without a credential in clients, and with a key in credentials", () => {
            const { indexUrl } = outputs["repository"]?.value as { indexUrl: string };
            const index = {
                name: "python",
                indexUrl,
                uploadUrl: indexUrl.replace("simple/", ""),
                keyring: "auto" as const,
                publicPackages: "pypi" as const,
                internalPackages: ["acme-core", "acme-util"],
            };
            const names = (files: unknown) =>
                Object.fromEntries(
                    Object.entries(files as FilesByTool).map(([tool, texts]) => [tool, Object.keys(texts)]),
                );
            const clients = outputs["clients"]?.value as FilesByTool;
            assert.deepEqual(clients, filesByTool(index, { form: "keyring" }));
            assert.deepEqual(names(clients), {
                uv: ["uv.toml", "pyproject.toml"],
                poetry: ["pyproject.toml", "config.toml"],
                pdm: ["config.toml", "pyproject.toml"],
                hatch: ["pyproject.toml", "config.toml"],
                pipenv: ["Pipfile"],
                environment: [".env"],
                dockerfile: ["Dockerfile"],
            });
            assert.deepEqual(outputs["internalPackages"]?.value, ["acme-core", "acme-util"]);
            assert.match(clients["uv"]?.["pyproject.toml"] ?? "", /^acme-util = \{ index = "python" \}$/m);
            assert.match(
                clients["pdm"]?.["config.toml"] ?? "",
                /^\[pypi\.python\]$[^]*^\[repository\.python\]$/m,
            );

            const credentials = outputs["credentials"]?.value as Record<
                string,
                { keyFile: string; clients: FilesByTool }
            >;
            const withKey = credentials["python-publisher"]!;
            const keyBase64 = Buffer.from(withKey.keyFile).toString("base64");
            assert.deepEqual(withKey.clients, filesByTool(index, { form: "key", keyBase64 }));
            assert.deepEqual(names(withKey.clients), {
                ...names(clients),
                poetry: ["pyproject.toml", "auth.toml", "config.toml"],
                pipenv: ["Pipfile", ".netrc"],
                netrc: [".netrc"],
                environment: ["python.env"],
            });
            const readme = String(outputs["readme"]?.value);
            for (const text of [
                indexUrl,
                "`acme-core`, `acme-util`",
                "%APPDATA%\\pip\\pip.ini",
                "twine upload -r python",
            ]) {
                assert.ok(readme.includes(text), text);
            }
        });
    });

    it("works in a domain-scoped project", async () => {
        await using scoped = await startSandbox({ project: "example.com:tools-1" });
        const { outputs } = await up(configuration(scoped, { "gcp:project": "example.com:tools-1" }));

        assert.deepEqual(outputs["access"]?.value, {
            reader: [],
            writer: ["serviceAccount:python-publisher@tools-1.example.com.iam.gserviceaccount.com"],
            admin: [],
        });
        assert.match(String(outputs["pipConf"]?.value), /pkg\.dev\/example\.com:tools-1\/python\/simple\/$/m);
    });

    it("is made of components that another program can use", async () => {
        const { outputs, resources } = await runProgram(
            { stack: "other", config: { ...sandbox.providerConfig } },
            { program: join(__dirname, "other-program") },
        );
        assert.deepEqual(outputs["indexUrls"]?.value, [
            "https://us-python.pkg.dev/sandbox-project/tools/simple/",
            "https://europe-west4-python.pkg.dev/sandbox-project/models/simple/",
        ]);
        assert.deepEqual(
            await policy(sandbox, `projects/${project}/locations/europe-west4/repositories/models`),
            {
                "roles/artifactregistry.writer": ["group:scientists@sandbox.example"],
            },
        );
        const models = resources.find(({ type, name }) => type.endsWith(":Repository") && name === "models");
        assert.ok(
            models?.dependencies.some((urn) => urn.includes("$gcp:projects/service:Service::")),
            "it waits for what its component was told to wait for",
        );
    });
});
