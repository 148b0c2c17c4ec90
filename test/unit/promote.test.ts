import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseFilename } from "../../packages/operations/src/promote/distribution";
import { parseIndexPage } from "../../packages/operations/src/promote/index-page";
import { lastLines, oneLine } from "../../packages/operations/src/output";
import { isSameVersion, parsePackages } from "../../packages/operations/src/promote/packages";
import { promote } from "../../packages/operations/src/promote/promote";
import { findRegistry, parseOutputs } from "../../packages/operations/src/promote/registry";
import type { RegistryClient } from "../../packages/operations/src/promote/registry-client";
import type { Uploader } from "../../packages/operations/src/promote/twine";

// What `npm run promote` reads: its command line, the index and the outputs of others.

const host = "europe-west1-python.pkg.dev";
const base = `https://${host}/acme-dev/python/`;
const page = `${base}simple/acme-core/`;
const hash = "0123456789abcdef".repeat(4);
const own = "/acme-dev/python/acme-core/";

describe("the packages of a promotion", () => {
    it("are normalized names with versions, each once", () => {
        assert.deepEqual(
            parsePackages(["Acme_Core==1.0 acme-http==2.0rc1,", "acme.core==1.0.0\n", "b==1.0+x"]),
            [
                { name: "acme-core", version: "1.0" },
                { name: "acme-http", version: "2.0rc1" },
                { name: "b", version: "1.0+x" },
            ],
        );
    });

    it("are refused without an exact version, all in one message", () => {
        const wrong = [
            "acme",
            "a[x]==1",
            "a==1.*",
            "a===1",
            "a>=1",
            "a==",
            "-r==1",
            "--x",
            "a==1;b",
            "../a==1",
            "a==x",
        ];
        for (const each of wrong)
            assert.throws(() => parsePackages([each]), /not a package with its version/, each);
        assert.throws(
            () => parsePackages(["a==1", "b", "c"]),
            /^Error: "b", "c": not a package with its version\. Use NAME==VERSION/,
        );
        assert.throws(() => parsePackages([" "]), /No package is named/);
    });

    it("have equal versions as Python's tools compare them", () => {
        for (const [one, other, equal] of [
            ["1.0", "1.0.0", true],
            ["1.0", "v1", true],
            ["1.0-1", "1.0.post1", true],
            ["1.0RC1", "1.0c1", true],
            ["1.0+ubuntu-1", "1.0+ubuntu.1", true],
            ["1.0", "1.0+local", false],
            ["1.0", "1!1.0", false],
            ["1.0", "1.0.dev0", false],
            ["1.0", "1.0.1", false],
            ["1.0.dev20240101123045123456", "1.0.dev20240101123045123457", false],
            ["1.0+20240101123045123456", "1.0+20240101123045123457", false],
            ["1.0.dev20240101123045123456", "1.0.0.dev020240101123045123456", true],
        ] as const) {
            assert.equal(isSameVersion(one, other), equal, `${one} ${other}`);
        }
    });

    it("are found in the names of wheels and sdists, and of no other files", () => {
        for (const [filename, name, version] of [
            ["acme_core-1.2.3-py3-none-any.whl", "acme-core", "1.2.3"],
            [
                "Acme.Core-1.2.3-2b-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
                "acme-core",
                "1.2.3",
            ],
            ["acme_core-1!2.0+local_1-py2.py3-none-any.whl", "acme-core", "1!2.0+local_1"],
            ["acme-core-1.2.3.tar.gz", "acme-core", "1.2.3"],
            ["acme_core-1.2.3rc1.zip", "acme-core", "1.2.3rc1"],
        ] as const) {
            assert.deepEqual(parseFilename(filename), { name, version }, filename);
        }
        for (const filename of [
            "acme_core-1.2.3-py3.13.egg",
            "acme_core-1.2.3.tar.gz.asc",
            "acme_core-1.2.3-py3-none-any.whl.metadata",
            "acme_core.tar.gz",
            "acme_core-latest.tar.gz",
            "../acme_core-1.2.3.tar.gz",
            "a/acme_core-1.2.3.tar.gz",
            "-acme_core-1.2.3.tar.gz",
            "acme core-1.2.3.tar.gz",
            "acme_core-1.2.3.tar.gz\n",
        ]) {
            assert.equal(parseFilename(filename), undefined, filename);
        }
    });
});

describe("an index page", () => {
    const parse = (...links: string[]) =>
        parseIndexPage(
            links.map((link) => `<a href="${link}">x</a>`).join("<br/>\n"),
            page,
            base,
            "acme-core",
        );

    it("is read by a parser: attributes in any form, relative links, entities, hashes", () => {
        const html = `<!DOCTYPE html><html><!-- <a href="https://evil.example/acme_core-9.tar.gz">x</a> -->
            <base href="https://evil.example/"><body><h1>Links</h1>
            <A data-yanked HREF='../../acme-core/acme_core-1.0.tar.gz#sha256=${hash.toUpperCase()}'>any text</A>
            <a href=${own}acme_core-1.0-py3-none-any.whl#egg=x&amp;sha256=${hash} rel=internal>x</a>
            <a href="${base}acme-core/acme_core-2.0%2Blocal-py3-none-any.whl">x</a>
            <a href="../">up</a> <a name="top">x</a> <a href="${own}acme_core-1.0.tar.gz.asc">x</a>
            <a href="${own}other-1.0.tar.gz#sha256=${hash}">x</a>`;
        assert.deepEqual(parseIndexPage(html, page, base, "acme-core"), [
            {
                filename: "acme_core-1.0.tar.gz",
                version: "1.0",
                url: `${base}acme-core/acme_core-1.0.tar.gz`,
                sha256: hash,
            },
            {
                filename: "acme_core-1.0-py3-none-any.whl",
                version: "1.0",
                url: `${base}acme-core/acme_core-1.0-py3-none-any.whl`,
                sha256: hash,
            },
            {
                filename: "acme_core-2.0+local-py3-none-any.whl",
                version: "2.0+local",
                url: `${base}acme-core/acme_core-2.0%2Blocal-py3-none-any.whl`,
                sha256: undefined,
            },
        ]);
    });

    it("is refused with a link that leads elsewhere, or whose name is a path or an option", () => {
        const good = `${own}acme_core-1.2.3.tar.gz#sha256=${hash}`;
        assert.equal(parse(good, good).length, 1);
        for (const link of [
            "https://evil.example/acme_core-1.2.3.tar.gz",
            "//evil.example/acme_core-1.2.3.tar.gz",
            "\\\\evil.example\\acme_core-1.2.3.tar.gz",
            `http://${host}${own}acme_core-1.2.3.tar.gz`,
            `https://${host}:8443${own}acme_core-1.2.3.tar.gz`,
            `https://user:password@${host}${own}acme_core-1.2.3.tar.gz`,
            `https://${host}@evil.example${own}acme_core-1.2.3.tar.gz`,
            `https://${host}.evil.example${own}acme_core-1.2.3.tar.gz`,
            "https://[broken",
            "javascript:alert(1)",
            "/acme-dev/other/acme-core/acme_core-1.2.3.tar.gz",
            "/acme-dev/python-x/acme-core/acme_core-1.2.3.tar.gz",
            "../../../../../x/acme_core-1.2.3.tar.gz",
            `${own}../../../acme-prod/python/acme_core-1.2.3.tar.gz`,
            `${own}%2e%2e/%2e%2e/%2e%2e/x/acme_core-1.2.3.tar.gz`,
            `${own}..%2f..%2f..%2facme_core-1.2.3.tar.gz`,
            `${own}..%5cacme_core-1.2.3.tar.gz`,
            `${own}%252e%252e%252facme_core-1.2.3.tar.gz`,
            `${own}--config-file=x-1.2.3.tar.gz`,
            `${own}.pypirc`,
            `${own}acme_core-1.2.3.tar.gz%00.whl`,
            `${own}a%20b-1.2.3.tar.gz`,
            `${own}%ff-1.2.3.tar.gz`,
            `${own}acme_core-1.2.3.tar.gz%0a::error::x`,
        ]) {
            assert.throws(
                () => parse(good, link),
                /^Error: The index has a link ".*", which .*who wrote the index$/,
                link,
            );
        }
    });

    it("is refused with two hashes of one file", () => {
        const file = `${own}acme_core-1.2.3.tar.gz#sha256=`;
        assert.throws(() => parse(file + hash, file + "f".repeat(64)), /acme_core-1\.2\.3\.tar\.gz twice/);
        assert.throws(() => parse(file + hash, `${own}acme_core-1.2.3.tar.gz`), /twice/);
        // Not the hash of a sha256, and one that is cut.
        for (const fragment of [
            "#md5=0123",
            `#sha256=${hash.slice(1)}`,
            `#sha256=${hash}0`,
            `#xsha256=${hash}`,
        ]) {
            assert.equal(parse(`${own}acme_core-1.2.3.tar.gz${fragment}`)[0]?.sha256, undefined);
        }
    });
});

describe("the registries of a promotion", () => {
    const name = "projects/acme-dev/locations/europe-west1/repositories/python";
    const repository = {
        id: "python",
        name,
        project: "acme-dev",
        location: "europe-west1",
        indexUrl: `${base}simple/`,
        uploadUrl: base,
    };
    const read = (changed: object = {}) =>
        parseOutputs(JSON.stringify({ repository: { ...repository, ...changed } }), "dev.json");

    it("have addresses that follow from their names", async () => {
        const expected = { name, id: "python", indexUrl: `${base}simple/`, uploadUrl: base };
        assert.deepEqual(await findRegistry(name), { from: name, ...expected });
        assert.deepEqual(read(), { from: "dev.json", ...expected });
        // Tools of a stack with a mirror ask a virtual repository. Its files are those of the private one.
        const index = { indexUrl: `https://${host}/acme-dev/all/simple/`, indexRepository: "all" };
        assert.deepEqual(read(index), { from: "dev.json", ...expected });
    });

    it("are refused with the name or the addresses of a different one", async () => {
        for (const changed of [
            { indexUrl: "https://evil.example/acme-dev/python/simple/" },
            { indexUrl: `https://${host}/acme-dev/all/simple/` },
            { uploadUrl: "https://evil.example/acme-dev/python/" },
            { uploadUrl: `https://${host}/acme-prod/python/` },
            { name: name.replace("dev", "prod") },
            { location: "evil.example/x", name: name.replace("europe-west1", "evil.example/x") },
            { project: ".." },
            { id: "Python" },
            { indexRepository: "../x" },
        ]) {
            assert.throws(() => read(changed), /^Error: dev\.json does not contain the outputs/);
        }
        for (const json of ["", "[]", "{}", '{"repository": "[secret]"}']) {
            assert.throws(() => parseOutputs(json, "dev.json"), /pulumi stack output --json$/);
        }
        for (const wrong of [
            "projects/acme-dev",
            "projects/../locations/europe-west1/repositories/python",
            "projects/acme-dev/locations/evil.example/repositories/python",
            `${name}/packages/x`,
        ]) {
            await assert.rejects(findRegistry(wrong), /is not the resource name of a repository/);
        }
        await assert.rejects(findRegistry("https://example.com/dev.json"), /is an address/);
        await assert.rejects(
            findRegistry("nowhere/dev.json"),
            /nowhere\/dev\.json cannot be read \(ENOENT\)/,
        );
    });
});

describe("a promotion that stops", () => {
    it("names the files that it did not upload", async () => {
        const folder = await mkdtemp(join(tmpdir(), "python-registry-promote-unit-"));
        try {
            const filenames = ["acme_core-1.0-py3-none-any.whl", "acme_core-1.0.tar.gz", "acme_core-1.0.zip"];
            const files = filenames.map((filename) => ({ filename, version: "1.0", url: "", sha256: hash }));
            const uploaded: string[] = [];
            const registry = (listed: () => readonly object[]) =>
                ({
                    listFiles: () => Promise.resolve(listed()),
                    download: () => Promise.resolve({ size: 1, sha256: hash }),
                    describe: () => "registry",
                }) as unknown as RegistryClient;
            const promotion = promote({
                packages: [{ name: "acme-core", version: "1.0" }],
                source: registry(() => files),
                target: registry(() => files.filter(({ filename }) => uploaded.includes(filename))),
                folder,
                uploader: {
                    upload: (path: string) => {
                        if (uploaded.length === 0) uploaded.push(basename(path));
                        return Promise.resolve({ failed: !uploaded.includes(basename(path)), output: "" });
                    },
                } as unknown as Uploader,
                progress: { note: () => undefined, file: () => undefined },
            });
            await assert.rejects(promotion, (error: Error) => {
                assert.match(
                    error.message,
                    /^twine could not upload acme_core-1\.0\.tar\.gz to the registry/,
                );
                assert.match(error.message, /\nNot uploaded: acme_core-1\.0\.zip$/);
                return true;
            });
        } finally {
            await rm(folder, { recursive: true });
        }
    });
});

describe("what a registry and twine say", () => {
    it("is shown without control characters, and is no command of a runner", () => {
        const text = "\u001b[31mred\u001b[0m\r\n::error::x\n\n##[error]y\u202e\n";
        assert.equal(lastLines(text, "  twine: "), "  twine: red\n  twine: ::error::x\n  twine: ## [error]y");
        assert.equal(oneLine(text), "red ::error::x ## [error]y");
        assert.equal(oneLine("x".repeat(1000)).length, 301);
    });
});
