import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, matchesGlob } from "node:path";
import { parse } from "yaml";
import { environmentWith } from "../../packages/sandbox/src/python/python-tools";
import { ToolEnvironment } from "../../packages/sandbox/src/python/tool-environment";
import { needTools } from "../clients/registry";
import { getPackages, readManifest, root } from "./manifests";

// .github/dependabot.yml and CHANGELOG.md, compared with what is here.

interface Updates {
    readonly updates: readonly {
        readonly "package-ecosystem": string;
        readonly directory?: string;
        readonly directories?: readonly string[];
        readonly "versioning-strategy"?: string;
        readonly groups: Readonly<
            Record<
                string,
                { readonly patterns: readonly string[]; readonly "exclude-patterns"?: readonly string[] }
            >
        >;
        readonly ignore?: readonly {
            readonly "dependency-name": string;
            readonly versions?: readonly string[];
        }[];
    }[];
}

const dependabotYaml = readFileSync(join(root, ".github", "dependabot.yml"), "utf8");
const { updates } = parse(dependabotYaml) as Updates;

function getEcosystem(name: string): Updates["updates"][number] {
    return updates.find((each) => each["package-ecosystem"] === name) ?? assert.fail(name);
}

/** The folders with files that match a pattern of git, as the configuration writes them. */
function findFolders(...patterns: string[]): string[] {
    const files = execFileSync("git", ["ls-files", ...patterns], { cwd: root, encoding: "utf8" }).trim();
    return [...new Set(files.split("\n").map((file) => join("/", dirname(file))))].sort();
}

describe("the updates of dependencies", () => {
    it("are in every folder with a lock file or requirements, and keep exact versions", () => {
        const npm = getEcosystem("npm");
        assert.deepEqual([...(npm.directories ?? [])].sort(), findFolders("*package-lock.json"));
        assert.equal(npm["versioning-strategy"], "increase");
        const pip = getEcosystem("pip");
        const requirements = ["*/requirements.txt", "test/clients/*.txt"];
        assert.deepEqual([...(pip.directories ?? [])].sort(), findFolders(...requirements));
        assert.equal(pip["versioning-strategy"], "increase");
        assert.equal(getEcosystem("github-actions").directory, "/");
    });

    it("match the schema of Dependabot", async function () {
        await needTools(this);
        const bin = await environmentWith(
            readFileSync(join(root, "test", "clients", "ci-checkers.txt"), "utf8"),
        );
        await using environment = await ToolEnvironment.open({
            path: [bin],
            files: {
                "right.yml": dependabotYaml,
                "wrong.yml": dependabotYaml.replace(
                    "versioning-strategy: increase",
                    "versioning-strategy: increased",
                ),
            },
        });
        const check = (name: string) =>
            environment.run("check-jsonschema", "--builtin-schema", "vendor.dependabot", name);
        const { exitCode, output } = await check("right.yml");
        assert.equal(exitCode, 0, output);
        assert.notEqual((await check("wrong.yml")).exitCode, 0);
    });

    it("have each package in one group, and all of Pulumi in the same one", () => {
        const groups = Object.entries(getEcosystem("npm").groups);
        const matches = (name: string, patterns: readonly string[] = []) =>
            patterns.some((pattern) => pattern === "*" || matchesGlob(name, pattern));
        const names = ["", ...getPackages(), "examples/pulumi-deployments"].flatMap((folder) => {
            const { dependencies, devDependencies, peerDependencies } = readManifest(folder);
            return Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies });
        });
        for (const name of names) {
            const found = groups
                .filter(
                    ([, group]) => matches(name, group.patterns) && !matches(name, group["exclude-patterns"]),
                )
                .map(([group]) => group);
            assert.equal(found.length, 1, name);
            assert.equal(found[0] === "pulumi", /^(?:@pulumi\/|pulumi$)/.test(name), name);
        }
    });

    it("do not update TypeScript to 7, which this project cannot use", () => {
        const { ignore = [] } = getEcosystem("npm");
        const typescript = ignore.find((rule) => rule["dependency-name"] === "typescript");
        assert.deepEqual(typescript?.versions, [">=7"]);
        assert.ok(Number(readManifest("").dependencies?.["typescript"]?.split(".")[0]) < 7);
    });
});

describe("the changelog", () => {
    it("begins with the version of the packages", () => {
        const [, version] =
            /^## \[(\d+\.\d+\.\d+)\] - (?:unreleased|\d{4}-\d{2}-\d{2})$/m.exec(
                readFileSync(join(root, "CHANGELOG.md"), "utf8"),
            ) ?? [];
        assert.equal(version, readManifest("").version);
    });
});
