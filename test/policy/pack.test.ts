import type * as gcp from "@pulumi/gcp";
import * as artifactregistry from "@pulumi/gcp/artifactregistry";
import * as folder from "@pulumi/gcp/folder";
import * as organizations from "@pulumi/gcp/organizations";
import * as projects from "@pulumi/gcp/projects";
import * as serviceaccount from "@pulumi/gcp/serviceaccount";
import { execa } from "execa";
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { appendFile, cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { grantLevel, type IamProperties } from "../../policy/grants";
import { policies } from "../../policy/policies";
import { isRepository } from "../../policy/repositories";
import { within } from "../deadline";

// The policy pack as a package, and its page.

const root = join(__dirname, "..", "..");
const folderOfPack = join(root, "policy");
const read = (...path: string[]) => readFileSync(join(root, ...path), "utf8");

interface Manifest {
    readonly dependencies: Readonly<Record<string, string>>;
    readonly devDependencies: Readonly<Record<string, string>>;
}
const manifest = (...path: string[]) => JSON.parse(read(...path, "package.json")) as Manifest;

/** The sources below some folders, and what each imports. */
function imports(...folders: string[]): { file: string; module: string }[] {
    return folders
        .flatMap((each) =>
            readdirSync(join(root, each), { recursive: true, encoding: "utf8" }).map((file) =>
                join(each, file),
            ),
        )
        .filter((file) => file.endsWith(".ts") && !file.includes("node_modules"))
        .concat("index.ts")
        .flatMap((file) =>
            [...read(file).matchAll(/(?:\bfrom|\brequire\(|\bimport\(?) ?"([^"]+)"/g)].map(
                ([, module = ""]) => ({
                    file,
                    module,
                }),
            ),
        );
}

describe("the policy pack as a package", () => {
    it("starts without a check of its types, which would take a second of each preview", async () => {
        const directory = await mkdtemp(join(tmpdir(), "python-registry-policy-"));
        await cp(folderOfPack, directory, { recursive: true });
        await rm(join(directory, "node_modules"), { recursive: true, force: true });
        await symlink(join(root, "node_modules"), join(directory, "node_modules"));
        await appendFile(join(directory, "policies.ts"), "\nexport const wrong: number = 'text';\n");
        const pack = execa(process.execPath, ["."], { cwd: directory, reject: false, stdin: "ignore" });
        // The server of the pack prints its port.
        const [line] = (await within(30, "the pack to start", once(pack.stdout, "data"))) as [Buffer];
        assert.match(line.toString(), /^\d+\n$/);
        pack.kill();
        await pack;
        await rm(directory, { recursive: true });
    });

    it("has the versions of the project, and a lock file of its own", () => {
        const { dependencies, devDependencies } = manifest();
        const own = manifest("policy").dependencies;
        assert.deepEqual(
            own,
            Object.fromEntries(
                Object.keys(own).map((name) => [name, { ...dependencies, ...devDependencies }[name]]),
            ),
        );
        const lock = JSON.parse(read("policy", "package-lock.json")) as {
            packages: Record<string, Manifest>;
        };
        assert.deepEqual(lock.packages[""]?.dependencies, own);
        assert.ok("@pulumi/policy" in devDependencies, "npm ci of the project installs it");
    });

    it("imports only its own files and its own dependencies, so that it can be published", () => {
        const dependencies = Object.keys(manifest("policy").dependencies);
        const foreign = imports("policy")
            .filter(({ file }) => file !== "index.ts")
            .filter(({ file, module }) =>
                module.startsWith(".")
                    ? relative(folderOfPack, join(root, dirname(file), module)).startsWith("..")
                    : !dependencies.includes(module) || builtinModules.includes(module),
            );
        assert.deepEqual(foreign, []);
    });

    it("is not loaded by a preview or a command", () => {
        const loaded = imports("src", "configure", "recover", "sandbox", "bench");
        assert.ok(loaded.some(({ file }) => file === "index.ts"));
        assert.deepEqual(
            loaded.filter(
                ({ file, module }) =>
                    module === "@pulumi/policy" ||
                    (module.startsWith(".") &&
                        !relative(folderOfPack, join(root, dirname(file), module)).startsWith("..")),
            ),
            [],
        );
    });

    it("names resource types and properties that the Google provider has", () => {
        const typeOf = (resource: object) => (resource as { __pulumiType: string }).__pulumiType;
        for (const [level, resources] of Object.entries({
            repository: [
                artifactregistry.RepositoryIamBinding,
                artifactregistry.RepositoryIamMember,
                artifactregistry.RepositoryIamPolicy,
            ],
            account: [serviceaccount.IAMBinding, serviceaccount.IAMMember, serviceaccount.IAMPolicy],
            above: [projects, folder, organizations].flatMap(({ IAMBinding, IAMMember, IAMPolicy }) => [
                IAMBinding,
                IAMMember,
                IAMPolicy,
            ]),
        })) {
            assert.deepEqual([...new Set(resources.map(typeOf).map(grantLevel))], [level]);
        }
        for (const other of [
            projects.IAMAuditConfig,
            projects.IAMCustomRole,
            projects.IamMemberRemove,
            folder.IamAuditConfig,
        ]) {
            assert.equal(grantLevel(typeOf(other)), undefined);
        }
        assert.ok(isRepository(typeOf(artifactregistry.Repository)));
        const sources = readdirSync(join(folderOfPack, "rules"))
            .map((file) => read("policy", "rules", file))
            .join("");
        for (const resource of [
            serviceaccount.Key,
            serviceaccount.Account,
        ]) {
            assert.ok(sources.includes(`"${typeOf(resource)}"`), typeOf(resource));
        }
        // The compiler checks these names.
        const iamProperties = [
            "role",
            "member",
            "members",
            "policyData",
        ] satisfies (keyof IamProperties)[] satisfies (
            | keyof gcp.artifactregistry.RepositoryIamMemberArgs
            | keyof gcp.artifactregistry.RepositoryIamBindingArgs
            | keyof gcp.artifactregistry.RepositoryIamPolicyArgs
        )[];
        const properties = [
            ...([
                "repositoryId",
                "location",
                "labels",
                "deletionPolicy",
            ] satisfies (keyof artifactregistry.RepositoryArgs)[]),
            ...([
                "workloadIdentityPoolProviderId",
                "attributeCondition",
                "attributeMapping",
                "disabled",
                "oidc",
            ] satisfies (keyof iam.WorkloadIdentityPoolProviderArgs)[]),
            ...(["validAfter", "serviceAccountId"] satisfies (keyof serviceaccount.Key)[]),
            ...(["email", "member", "accountId", "project"] satisfies (keyof serviceaccount.Account)[]),
        ];
        const text = sources + read("policy", "grants.ts") + read("policy", "repositories.ts");
        for (const name of [...iamProperties, ...properties]) assert.ok(text.includes(name), name);
    });

    it("has rules with unique names, a description, and a level", () => {
        assert.equal(new Set(policies.map(({ name }) => name)).size, policies.length);
        for (const { name, description, enforcementLevel, severity } of policies) {
            assert.match(name, /^[a-z]+(-[a-z]+)*$/);
            assert.match(description, /^[A-Z].*\.$/);
            assert.ok(enforcementLevel === "mandatory" || enforcementLevel === "advisory");
            assert.ok(severity);
        }
        assert.equal(
            policies.length,
            readdirSync(join(folderOfPack, "rules")).length + 1,
            "one file has two rules",
        );
    });
});

describe("docs/policies.md", () => {
    const page = read("docs", "policies.md");
    const rows = new Map(
        [...page.matchAll(/^\| `([a-z-]+)` +\| (\w+) +\| (.*?) +\| (.*?) +\|$/gm)].map(
            ([, name = "", level, , parameters = ""]) => [name, { level, parameters }],
        ),
    );

    it("has every rule with its level, its parameters and their defaults", () => {
        assert.deepEqual([...rows.keys()].sort(), policies.map(({ name }) => name).sort());
        for (const { name, enforcementLevel, configSchema } of policies) {
            const row = rows.get(name);
            assert.equal(row?.level, enforcementLevel, name);
            const expected = Object.entries(configSchema?.properties ?? {}).map(([parameter, schema]) => {
                const value = schema.default;
                if (parameter === "production") return "`production`";
                const empty = JSON.stringify(value) === "[]" || JSON.stringify(value) === "{}";
                const shown = Array.isArray(value)
                    ? value.map((each) => `\`${String(each)}\``).join(", ")
                    : JSON.stringify(value);
                return `\`${parameter}\` (${empty ? "none" : shown})`;
            });
            assert.equal(row?.parameters, expected.join("; "), name);
        }
    });

    it("shows the default pattern for production", () => {
        const { configSchema } = policies.find(({ name }) => name === "production-protection") ?? {};
        const pattern = configSchema?.properties["production"]?.default as string;
        assert.ok(page.includes(`\n    ${pattern}\n`));
    });

    it("has an example configuration with rules and parameters that exist", () => {
        const [, json = ""] = /```json\n([^]*?)```/.exec(page) ?? [];
        const example = JSON.parse(json) as Record<string, string | Record<string, unknown>>;
        assert.ok(Object.keys(example).length >= 5);
        for (const [name, config] of Object.entries(example)) {
            const policy = policies.find((each) => each.name === name);
            assert.ok(policy, name);
            const keys = typeof config === "string" ? [] : Object.keys(config);
            const known = ["enforcementLevel", ...Object.keys(policy.configSchema?.properties ?? {})];
            assert.deepEqual(
                keys.filter((key) => !known.includes(key)),
                [],
            );
        }
    });
});
