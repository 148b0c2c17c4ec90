import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { pythonFile } from "../../packages/sandbox/src/python/simple-index";
import { startSandbox, type Sandbox } from "../../packages/sandbox/src/sandbox";
import { call, createRepository, grant, ok, repositoryPath, text, type Json } from "./client";

// What the API tells about packages, versions and files.

const parent = "projects/sandbox-project/locations/europe-west1/repositories/python";

describe("sandbox: packages, versions and files", () => {
    let sandbox: Sandbox;
    beforeEach(async () => {
        sandbox = await startSandbox();
        await createRepository(sandbox);
        add("Hello.There", "hello_there-1.0.tar.gz", "2026-01-01");
        add("hello-there", "hello_there-1.0-py3-none-any.whl", "2026-01-02");
        add("hello-there", "hello_there-2.0.tar.gz", "2026-02-01");
        add("other", "other-0.1.tar.gz", "2025-01-01");
    });
    afterEach(() => sandbox.close());

    function add(name: string, filename: string, day: string) {
        const { repositories } = sandbox.cloud.project("sandbox-project");
        const file = pythonFile(name, filename, Buffer.from(filename), new Date(day));
        repositories.get("europe-west1/python")!.files.set(filename, file);
    }
    const get = (path: string) => ok(sandbox, "GET", `${repositoryPath}/${path}`);
    const day = (date: string) => new Date(date).toISOString();
    const ids = (list: Json | undefined) =>
        Object.values(list ?? {}).map(({ name }) => text(name).slice(text(name).lastIndexOf("/") + 1));

    it("gives packages and versions, with the times of their files", async () => {
        const hello = {
            name: `${parent}/packages/hello-there`,
            createTime: day("2026-01-01"),
            updateTime: day("2026-02-01"),
        };
        assert.deepEqual(await get("packages/hello-there"), hello);
        const { packages } = await get("packages");
        assert.deepEqual([packages?.["0"], ids(packages)], [hello, ["hello-there", "other"]]);
        const one = {
            name: `${parent}/packages/hello-there/versions/1.0`,
            createTime: day("2026-01-01"),
            updateTime: day("2026-01-02"),
        };
        assert.deepEqual(await get("packages/hello-there/versions/1.0"), one);
        const { versions } = await get("packages/hello-there/versions");
        assert.deepEqual([versions?.["0"], ids(versions)], [one, ["1.0", "2.0"]]);
        const { metadata } = await get("packages/hello-there/versions/1.0?view=FULL");
        assert.deepEqual(metadata, await get("pythonPackages/hello-there:1.0"));
        assert.deepEqual(metadata, {
            name: `${parent}/pythonPackages/hello-there:1.0`,
            uri: "europe-west1-python.pkg.dev/sandbox-project/python/hello-there/hello_there-1.0.tar.gz",
            packageName: "hello-there",
            version: "1.0",
            createTime: day("2026-01-01"),
            updateTime: day("2026-01-02"),
        });
        assert.deepEqual(ids((await get("pythonPackages"))["pythonPackages"]), [
            "hello-there:1.0",
            "hello-there:2.0",
            "other:0.1",
        ]);
        const missing = ["packages/Hello.There", "packages/hello-there/versions/3.0", "pythonPackages/x:1"];
        for (const path of [...missing, "files/nothing", "files/nothing:download?alt=media"]) {
            assert.equal((await call(sandbox, "GET", `${repositoryPath}/${path}`)).status, 404, path);
        }
    });

    it("gives files with their hashes, and their content", async () => {
        const filename = "hello_there-1.0.tar.gz";
        const id = `files/hello-there%2F${filename}`;
        const sha256 = createHash("sha256").update(filename);
        assert.deepEqual(await get(id), {
            name: `${parent}/${id}`,
            sizeBytes: String(filename.length),
            hashes: [{ type: "SHA256", value: sha256.digest("base64") }],
            createTime: day("2026-01-01"),
            updateTime: day("2026-01-01"),
            owner: `${parent}/packages/hello-there/versions/1.0`,
        });
        const url = `${sandbox.apiUrl}${repositoryPath}/${id}:download`;
        const headers = { Authorization: `Bearer ${sandbox.accessToken}` };
        const content = await fetch(`${url}?alt=media`, { headers });
        assert.equal(await content.text(), filename);
        assert.deepEqual(await get(`${id}:download`), {});
        const rule = { action: "DENY", packageId: "hello-there" };
        await ok(sandbox, "POST", `${repositoryPath}/rules?ruleId=deny`, rule);
        assert.equal((await fetch(`${url}?alt=media`, { headers })).status, 403);
    });

    it("filters and orders lists", async () => {
        const files = async (query: Record<string, string>) =>
            ids((await get(`files?${String(new URLSearchParams(query))}`))["files"]).map((id) =>
                id.replace("hello-there%2Fhello_there", "hello").replace("other%2F", ""),
            );
        const owner = `${parent}/packages/hello-there`;
        const hello = ["hello-1.0-py3-none-any.whl", "hello-1.0.tar.gz", "hello-2.0.tar.gz"];
        assert.deepEqual(await files({}), [...hello, "other-0.1.tar.gz"]);
        assert.deepEqual(await files({ filter: `owner="${owner}/versions/1.0"` }), hello.slice(0, 2));
        assert.deepEqual(await files({ filter: `owner="${owner}"` }), hello);
        assert.deepEqual(await files({ filter: `owner="${owner.slice(0, -1)}"` }), []);
        assert.deepEqual(await files({ filter: `name="${parent}/files/*.WHL"` }), hello.slice(0, 1));
        assert.deepEqual((await files({ orderBy: "create_time" }))[0], "other-0.1.tar.gz");
        assert.deepEqual((await files({ orderBy: "updateTime desc" }))[0], "hello-2.0.tar.gz");
        const name = `${parent}/packages/hello-there/versions/2*`;
        const { versions } = await get(
            `packages/hello-there/versions?${String(new URLSearchParams({ filter: `name="${name}"` }))}`,
        );
        assert.deepEqual(ids(versions), ["2.0"]);
        for (const query of ["filter=annotations:*", "orderBy=size", "pageSize=x", "pageToken=x"]) {
            assert.equal((await call(sandbox, "GET", `${repositoryPath}/files?${query}`)).status, 400, query);
        }
    });

    it("gives long lists in pages", async () => {
        for (let n = 0; n < 1200; n++) add("many", `many-${n}.tar.gz`, "2026-03-01");
        for (const [size, pages] of [
            [undefined, 13],
            [500, 3],
            [5000, 2],
        ] as const) {
            const found: string[] = [];
            let token = "";
            let count = 0;
            do {
                const query = new URLSearchParams({
                    ...(size && { pageSize: String(size) }),
                    pageToken: token,
                });
                const answer = await get(`files?${String(query)}`);
                found.push(...ids(answer["files"]));
                token = answer["nextPageToken"] === undefined ? "" : text(answer["nextPageToken"]);
                count++;
            } while (token !== "");
            assert.deepEqual([count, new Set(found).size, found.length], [pages, 1204, 1204]);
        }
    });

    it("forgets the files of what is deleted", async () => {
        await ok(sandbox, "DELETE", `${repositoryPath}/packages/hello-there/versions/1.0`);
        const { files } = await get("files");
        assert.deepEqual(ids(files), ["hello-there%2Fhello_there-2.0.tar.gz", "other%2Fother-0.1.tar.gz"]);
        await ok(sandbox, "DELETE", `${repositoryPath}/packages/hello-there`);
        assert.deepEqual(ids((await get("packages"))["packages"]), ["other"]);
        await ok(sandbox, "DELETE", `${repositoryPath}/packages/other/versions/0.1`);
        assert.deepEqual(await get("packages"), {});
    });

    it("lets readers read, and repository administrators delete", async () => {
        const token = sandbox.issueToken("user:dev@example.com");
        for (const [role, expected] of [
            ["reader", [200, 200, 200, 200, 200, 403]],
            ["repoAdmin", [200, 200, 200, 200, 200, 200]],
        ] as const) {
            await grant(sandbox, role, "user:dev@example.com");
            const statuses = [];
            for (const [method, path] of [
                ["GET", "packages/hello-there"],
                ["GET", "packages/hello-there/versions/1.0"],
                ["GET", "files"],
                ["GET", "files/other%2Fother-0.1.tar.gz:download"],
                ["GET", "pythonPackages"],
                ["DELETE", "packages/other"],
            ] as const) {
                const reply = await call(sandbox, method, `${repositoryPath}/${path}`, undefined, token);
                statuses.push(reply.status);
            }
            assert.deepEqual(statuses, expected, role);
        }
    });
});
