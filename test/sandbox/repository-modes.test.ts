import { strict as assert } from "node:assert";
import { startSandbox, type Sandbox } from "../../packages/sandbox/src/sandbox";
import { basic, call, createRepository, ok, packages, repositoryPath, through, upload } from "./client";

// What clients see in remote and virtual repositories, and what rules take away.

const parent = "projects/sandbox-project/locations/europe-west1/repositories";
const host = "https://europe-west1-python.pkg.dev/sandbox-project";
const agent = "serviceAccount:service-123456789012@gcp-sa-artifactregistry.iam.gserviceaccount.com";
const pypi = { pythonRepository: { publicRepository: "PYPI" } };

type Options = NonNullable<Parameters<typeof startSandbox>[0]>;

describe("sandbox: repository modes", () => {
    let sandbox: Sandbox;
    let owner: { Authorization: string };

    /** A sandbox with a private repository `python`, a mirror `pypi`, and `all` in front of both. */
    async function open(options: Options = {}) {
        sandbox = await startSandbox(options);
        owner = basic("oauth2accesstoken", sandbox.accessToken);
        await createRepository(sandbox);
        await remote("pypi", pypi);
        await virtual("all", { python: 100, pypi: 1 });
    }
    afterEach(() => sandbox.close());

    const remote = (id: string, remoteRepositoryConfig: object) =>
        createRepository(sandbox, { id, mode: "REMOTE_REPOSITORY", remoteRepositoryConfig });
    const virtual = (id: string, priorities: Record<string, number>) =>
        createRepository(sandbox, {
            id,
            mode: "VIRTUAL_REPOSITORY",
            virtualRepositoryConfig: {
                upstreamPolicies: Object.entries(priorities).map(([upstream, priority]) => ({
                    id: upstream,
                    repository: upstream.includes("/") ? upstream : `${parent}/${upstream}`,
                    priority,
                })),
            },
        });
    const publish = (version: string, content = "public", project = "acme-core") => {
        sandbox.publishPublic({
            project,
            filename: `${project.replace("-", "_")}-${version}.tar.gz`,
            content: Buffer.from(content),
        });
    };
    const uploadPrivate = async (version: string, id = "python") => {
        const { status, text } = await upload(sandbox, owner, {
            url: `${host}/${id}/`,
            filename: `acme_core-${version}.tar.gz`,
            content: "private",
            fields: { name: "acme-core", version },
        });
        assert.equal(status, 200, text);
    };
    const deny = (repository: string, rule: object = { packageId: "acme-core" }, id = "deny") =>
        ok(sandbox, "POST", `/artifactregistry/v1/${parent}/${repository}/rules?ruleId=${id}`, {
            action: "DENY",
            ...rule,
        });
    /** The versions in a repository's index, with the status of their download, and what they contain. */
    async function versions(id: string, headers = owner, project = "acme-core"): Promise<string[]> {
        const index = await through(sandbox, `${host}/${id}/simple/${project}/`, { headers });
        if (index.status !== 200) return [String(index.status)];
        const links = [...index.text.matchAll(/href="([^"#]+)[^"]*">([^<]+)</g)];
        const found = [];
        for (const [, path = "", filename = ""] of links) {
            assert.ok(path.startsWith(`/sandbox-project/${id}/`), path);
            const { status, text } = await through(sandbox, new URL(path, host).href, { headers });
            const version = /-([^-]+)\.tar\.gz$/.exec(filename)?.[1] ?? filename;
            found.push(`${version} ${status === 200 ? text : status}`);
        }
        return found.sort();
    }
    const download = async (id: string, version: string) =>
        (await through(sandbox, `${host}/${id}/acme-core/acme_core-${version}.tar.gz`, { headers: owner }))
            .status;
    const cached = (id: string) => [
        ...sandbox.cloud.project("sandbox-project").repositories.get(`europe-west1/${id}`)!.files.keys(),
    ];

    describe("remote", () => {
        beforeEach(() => open());

        it("answers from the public index, and caches what was downloaded", async () => {
            publish("1.0");
            publish("2.0");
            const url = `${host}/pypi/acme-core/acme_core-1.0.tar.gz`;
            assert.deepEqual(cached("pypi"), []);
            assert.equal((await through(sandbox, url, { headers: owner })).text, "public");
            assert.deepEqual(cached("pypi"), ["acme_core-1.0.tar.gz"]);
            const listed = await ok(sandbox, "GET", `/artifactregistry/v1/${parent}/pypi/packages`);
            assert.match(JSON.stringify(listed), /pypi\/packages\/acme-core/);
            assert.deepEqual(await versions("pypi"), ["1.0 public", "2.0 public"]);
            const [asked] = sandbox.requests.filter(({ plane }) => plane === "public").slice(-1);
            assert.deepEqual([asked?.host, asked?.principal], ["pypi.org", agent]);
            assert.deepEqual(await versions("pypi", owner, "missing"), ["404"]);
        });

        it("keeps nothing with noCache", async () => {
            publish("1.0");
            await remote("proxy", { ...pypi, noCache: {} });
            assert.deepEqual(await versions("proxy"), ["1.0 public"]);
            assert.deepEqual(cached("proxy"), []);
        });

        it("logs in to another registry with the secret, which can be withdrawn", async () => {
            const secret = sandbox.cloud.addSecret(
                "projects/sandbox-project/secrets/upstream",
                ["password"],
                [agent],
            );
            sandbox.requirePublicLogin("pypi.acme.example", "acme", "password");
            await remote("mirror", {
                commonRepository: { uri: "https://pypi.acme.example/simple" },
                upstreamCredentials: {
                    usernamePasswordCredentials: {
                        username: "acme",
                        passwordSecretVersion: "projects/sandbox-project/secrets/upstream/versions/latest",
                    },
                },
            });
            publish("1.0");
            assert.deepEqual(await versions("mirror"), ["1.0 public"]);
            publish("2.0");
            sandbox.requirePublicLogin("pypi.acme.example", "acme", "changed");
            assert.deepEqual(await versions("mirror"), ["1.0 public"], "only what is cached");
            assert.deepEqual(await versions("mirror", owner, "other"), ["502"]);
            secret.policy = { ...secret.policy, bindings: [] };
            assert.deepEqual(await versions("mirror", owner, "other"), ["502"]);
        });

        it("reads another repository as the service agent of its project", async () => {
            await uploadPrivate("1.0");
            await remote("copy", { commonRepository: { uri: `${parent}/python` } });
            assert.deepEqual(await versions("copy"), ["1.0 private"]);
            const other = sandbox.cloud.addProject("other", "998877665544", "user:operator@example.com");
            await createRepository(sandbox, {
                project: "/projects/other",
                id: "copy",
                mode: "REMOTE_REPOSITORY",
                remoteRepositoryConfig: { commonRepository: { uri: packages } },
            });
            const url = "https://europe-west1-python.pkg.dev/other/copy/simple/acme-core/";
            const status = async () => (await through(sandbox, url, { headers: owner })).status;
            assert.equal(await status(), 502);
            const member = agent.replace("123456789012", other.number);
            await ok(sandbox, "POST", `${repositoryPath}:setIamPolicy`, {
                policy: { bindings: [{ role: "roles/artifactregistry.reader", members: [member] }] },
            });
            assert.equal(await status(), 200);
        });
    });

    describe("virtual", () => {
        beforeEach(() => open());

        it("has the union of the versions; the priority decides which file an equal version is", async () => {
            await uploadPrivate("1.0");
            await uploadPrivate("1.1");
            publish("1.0");
            publish("99.0");
            assert.deepEqual(await versions("all"), ["1.0 private", "1.1 private", "99.0 public"]);
            await virtual("reversed", { python: 1, pypi: 100 });
            assert.deepEqual(await versions("reversed"), ["1.0 public", "1.1 private", "99.0 public"]);
        });

        it("needs a caller that may download from it alone", async () => {
            await uploadPrivate("1.0");
            const dev = basic("oauth2accesstoken", sandbox.issueToken("user:dev@example.com"));
            assert.deepEqual(await versions("all", dev), ["403"]);
            await ok(sandbox, "POST", `/artifactregistry/v1/${parent}/all:setIamPolicy`, {
                policy: {
                    bindings: [{ role: "roles/artifactregistry.reader", members: ["user:dev@example.com"] }],
                },
            });
            assert.deepEqual(await versions("all", dev), ["1.0 private"]);
            assert.deepEqual(await versions("python", dev), ["403"]);
        });

        it("reads upstreams in other projects once its service agent may", async () => {
            const other = sandbox.cloud.addProject("other", "998877665544", "user:operator@example.com");
            await createRepository(sandbox, { project: "/projects/other", id: "shared" });
            const { status } = await upload(sandbox, owner, {
                url: "https://europe-west1-python.pkg.dev/other/shared/",
            });
            assert.equal(status, 200);
            const shared = `projects/other/locations/europe-west1/repositories/shared`;
            await virtual("both", { python: 2, [shared]: 1 });
            assert.deepEqual(await versions("both", owner, "hello-there"), ["403"]);
            other.repositories.get("europe-west1/shared")!.policy = {
                version: 1,
                etag: "x",
                bindings: [{ role: "roles/artifactregistry.reader", members: [agent] }],
            };
            assert.deepEqual(await versions("both", owner, "hello-there"), ["1.0 content"]);
        });

        it("takes no upload, and neither does a remote one", async () => {
            for (const id of ["all", "pypi"]) {
                const { status, text } = await upload(sandbox, owner, { url: `${host}/${id}/` });
                assert.equal(status, 400, text);
            }
        });
    });

    describe("rules", () => {
        it("deny a package, a version or everything else", async () => {
            await open();
            publish("1.0");
            publish("2.0");
            publish("1.0", "public", "other");
            await deny("pypi", {
                packageId: "acme-core",
                condition: { expression: "pkg.version.id == '2.0'" },
            });
            assert.deepEqual(await versions("pypi"), ["1.0 public", "2.0 403"]);
            await deny("pypi", {}, "all");
            assert.deepEqual(await versions("pypi"), ["1.0 403", "2.0 403"]);
            assert.deepEqual(await versions("pypi", owner, "other"), ["1.0 403"]);
            await ok(sandbox, "POST", `/artifactregistry/v1/${parent}/pypi/rules?ruleId=allow`, {
                action: "ALLOW",
                packageId: "other",
            });
            assert.deepEqual(await versions("pypi", owner, "other"), ["1.0 public"]);
            const removed = `/artifactregistry/v1/${parent}/pypi/rules/all`;
            await ok(sandbox, "DELETE", removed);
            assert.deepEqual(await versions("pypi"), ["1.0 public", "2.0 403"]);
        });

        it("deny what is cached, and what a standard repository has", async () => {
            await open();
            publish("1.0");
            assert.deepEqual(await versions("pypi"), ["1.0 public"]);
            await deny("pypi");
            assert.deepEqual(await versions("pypi"), ["1.0 403"]);
            await uploadPrivate("1.0");
            await deny("python");
            assert.deepEqual(await versions("python"), ["1.0 403"]);
        });

        // An attacker's 99.0 on the public index, and a rule for our name on the mirror.
        const attacks: [Options, index: string[], both: number][] = [
            [{}, ["1.0 private", "99.0 403"], 403],
            [{ deniedPackages: "listed", virtualRules: "honoured" }, ["1.0 private", "99.0 403"], 403],
            [{ deniedPackages: "hidden", virtualRules: "honoured" }, ["1.0 private"], 403],
            [{ deniedPackages: "listed", virtualRules: "ignored" }, ["1.0 private", "99.0 public"], 200],
            [{ deniedPackages: "hidden", virtualRules: "ignored" }, ["1.0 private", "99.0 public"], 200],
        ];
        for (const [options, expected, status] of attacks) {
            it(`through a virtual repository: ${JSON.stringify(options)}`, async () => {
                await open(options);
                await uploadPrivate("1.0");
                publish("99.0");
                await deny("pypi");
                assert.deepEqual(await versions("all"), expected);
                assert.equal(await download("all", "99.0"), status);
                // On the mirror itself, the rule always holds.
                assert.deepEqual(
                    await versions("pypi"),
                    options.deniedPackages === "hidden" ? ["404"] : ["99.0 403"],
                );
                assert.equal(await download("pypi", "99.0"), 403);
            });
        }

        it("of the virtual repository itself always hold", async () => {
            await open({ virtualRules: "ignored" });
            await uploadPrivate("1.0");
            await deny("all");
            assert.deepEqual(await versions("all"), ["1.0 403"]);
            assert.deepEqual(await versions("python"), ["1.0 private"]);
        });

        it("leave an equal version to the next upstream only if they hide it", async () => {
            for (const [deniedPackages, expected] of [
                ["listed", ["1.0 403"]],
                ["hidden", ["1.0 public"]],
            ] as const) {
                await open({ deniedPackages });
                await uploadPrivate("1.0");
                publish("1.0");
                await deny("python");
                assert.deepEqual(await versions("all"), expected);
                await sandbox.close();
            }
        });
    });

    describe("the public index", () => {
        const json = { Accept: "application/vnd.pypi.simple.v1+json" };
        const uploaded = new Date("2026-11-01T12:00:00Z");

        for (const uploadTimes of [true, false]) {
            it(`says when a file was uploaded: ${uploadTimes}`, async () => {
                await open({ uploadTimes });
                sandbox.publishPublic({
                    project: "acme-core",
                    filename: "acme_core-1.0.tar.gz",
                    content: Buffer.from("four"),
                    uploaded,
                });
                const url = "https://pypi.org/simple/acme-core/";
                const { text } = await through(sandbox, url, { headers: json });
                const { meta, versions, files } = JSON.parse(text) as {
                    meta: Record<string, string>;
                    versions?: string[];
                    files: Record<string, unknown>[];
                };
                assert.equal(meta["api-version"], uploadTimes ? "1.1" : "1.0");
                assert.deepEqual(versions, uploadTimes ? ["1.0"] : undefined);
                assert.equal(files[0]?.["upload-time"], uploadTimes ? uploaded.toISOString() : undefined);
                assert.equal(files[0]?.["size"], uploadTimes ? 4 : undefined);
                const release = await through(sandbox, "https://pypi.org/pypi/acme-core/1.0/json");
                assert.equal(release.text.includes("2026-11-01T12:00"), uploadTimes);
            });
        }
    });

    it("of a repository that is deleted are not missed", async () => {
        await open();
        await uploadPrivate("1.0");
        await ok(sandbox, "DELETE", `/artifactregistry/v1/${parent}/pypi`);
        assert.deepEqual(await versions("all"), ["1.0 private"]);
        assert.equal((await call(sandbox, "GET", `/artifactregistry/v1/${parent}/pypi`)).status, 404);
    });
});
