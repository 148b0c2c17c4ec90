import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { parse, parseAllDocuments } from "yaml";
import { commands as deployerCommands, deployerRoles } from "../deployer-page";
import { bash } from "../deploy/workflows";
import { kustomizationSchema, objectSchema, operatorVersion, type Stack } from "./kubernetes-objects";

// examples/kubernetes-operator/ and its page, docs/kubernetes-operator.md, compared with the stack files and the pages that
// they refer to.

const root = join(__dirname, "..", "..");
const folder = join(root, "examples", "kubernetes-operator");
const read = (...path: string[]) => readFileSync(join(root, ...path), "utf8");
const page = read("docs", "kubernetes-operator.md");
const statePage = read("docs", "state.md");

/** The commands of the page, one text for each block. */
const blocks = [...page.matchAll(/^( *)```bash\n([^]*?)^\1```$/gm)].map(([, , block = ""]) => block);

type Json = Readonly<Record<string, unknown>>;

function isMap(value: unknown): value is Json {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A JSON merge patch, which is what Kustomize does with a kind of which it has no schema: lists are replaced. */
function merged(target: unknown, patch: unknown): unknown {
    if (!isMap(target) || !isMap(patch)) return patch;
    const entries = Object.entries(patch).map(([key, value]) => [key, merged(target[key], value)]);
    return { ...target, ...(Object.fromEntries(entries) as Json) };
}

const getText = (file: string) => readFileSync(join(folder, file), "utf8");
const documents = (file: string) => parseAllDocuments(getText(file)).map((each) => each.toJS() as Json);
const { resources, patches } = v.parse(kustomizationSchema, parse(getText("kustomization.yaml")));

/** What `kubectl apply --kustomize` sends to the cluster. */
function built(): Json[] {
    const [{ path, target }] = patches;
    const spec = documents(path)[0]?.["spec"];
    return resources
        .flatMap(documents)
        .map((object) =>
            object["kind"] === target.kind ? { ...object, spec: merged(object["spec"], spec) } : object,
        );
}

/** The objects of the example, which the schema accepts. */
const objects = built().map((object) => {
    const result = v.safeParse(objectSchema, object);
    const messages = result.issues?.map((issue) => `${v.getDotPath(issue) ?? ""}: ${issue.message}`);
    assert.ok(result.success, messages?.join("; "));
    return result.output;
});

const stacks = objects.filter((object): object is Stack => object.kind === "Stack");
const deploying = stacks.filter(({ spec }) => spec.preview !== true);
const previewing = stacks.filter(({ spec }) => spec.preview === true);

/** The accounts that Stack objects run as, by name. */
const accounts = stacks.map(({ spec }) => spec.serviceAccountName);

/** The cells of the row of a page's table that begins with this text. */
function row(text: string, start: string): string[] {
    const line = text.split("\n").find((each) => each.startsWith(`| ${start}`));
    assert.ok(line !== undefined, start);
    return line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim().replaceAll("`", ""));
}

interface Grant {
    readonly on: string;
    readonly member: string;
    readonly role: string;
}

/** Runs the commands of the page with a `gcloud` that prints what it would grant. */
async function grantsOfPage(): Promise<Grant[]> {
    const block = blocks.find((each) => each.includes("add-iam-policy-binding")) ?? "";
    const gcloud = `gcloud() { if [[ $1 = projects && $2 = describe ]]; then echo 4444; else echo "$*"; fi; }`;
    const { exitCode, all } = await bash(`${gcloud}\n${block}`, root, {});
    assert.equal(exitCode, 0, all);
    return all.split("\n").map((line) => {
        const match =
            /^(projects|storage buckets|kms keys) add-iam-policy-binding (\S+) (.*)$/.exec(line) ?? [];
        const [, kind, name, rest = ""] = match;
        const options = new Map(
            rest.split(" ").map((option) => option.split(/=(.*)/, 2) as [string, string]),
        );
        const keys = ["--project", "--location", "--keyring"].map((key) => options.get(key));
        return {
            on:
                kind === "kms keys"
                    ? `projects/${keys[0]}/locations/${keys[1]}/keyRings/${keys[2]}/cryptoKeys/${name}`
                    : `${name}`,
            member: options.get("--member") ?? line,
            role: options.get("--role") ?? line,
        };
    });
}

describe("examples/kubernetes-operator", () => {
    it("names all its files in kustomization.yaml", () => {
        assert.deepEqual(
            [...resources, patches[0].path, "kustomization.yaml"].sort(),
            readdirSync(folder).sort(),
        );
    });

    it("deploys every stack file of the repository once, except that of the sandbox", () => {
        const files = readdirSync(root).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
        assert.deepEqual(
            deploying.map(({ spec }) => spec.stack).sort(),
            files.filter((stack) => stack !== "sandbox").sort(),
        );
        for (const { metadata, spec } of deploying) assert.equal(metadata.name, spec.stack);
    });

    it("repairs drift in development, and only reports it in production", () => {
        const [dev, prod] = ["dev", "prod"].map(
            (stack) => deploying.find(({ spec }) => spec.stack === stack)?.spec,
        );
        assert.equal(dev?.continueResyncOnCommitMatch, true);
        assert.equal(prod?.continueResyncOnCommitMatch, undefined);
        assert.equal(previewing.length, 1);
        for (const { spec } of previewing) {
            assert.equal(spec.stack, "prod");
            assert.equal(spec.commit, prod?.commit);
            assert.deepEqual(spec.prerequisites, [{ name: "prod" }]);
            assert.equal(spec.updateTemplate?.spec.expectNoChanges, true);
            assert.equal(spec.continueResyncOnCommitMatch, true);
        }
        for (const { spec } of stacks) assert.equal(spec.refresh, true);
    });

    it("gives each object an identity of its own, in the one namespace", () => {
        const [namespace, ...others] = objects.filter(({ kind }) => kind === "Namespace");
        assert.deepEqual(others, []);
        const name = namespace?.metadata.name;
        for (const object of objects) {
            if (object.kind === "Stack" || object.kind === "ServiceAccount") {
                assert.equal(object.metadata.namespace, name);
            }
        }
        const created = objects.filter(({ kind }) => kind === "ServiceAccount");
        assert.deepEqual(accounts.toSorted(), created.map(({ metadata }) => metadata.name).sort());
        assert.equal(new Set(accounts).size, stacks.length);
        assert.deepEqual(
            objects.flatMap((object) =>
                object.kind === "ClusterRoleBinding"
                    ? [object.roleRef.name, ...object.subjects.map((subject) => subject.name)]
                    : [],
            ),
            ["system:auth-delegator", `system:serviceaccounts:${name}`],
        );
    });

    it("runs the policies, and creates no stack", () => {
        for (const { spec } of stacks) {
            const variables = spec.workspaceTemplate.spec.env.map(({ name, value }) => [name, value]);
            // A mandatory finding stops every run. The CLI reads these; test/engine/deploy.test.ts tries them.
            assert.deepEqual(variables, [
                ["PULUMI_OPTION_POLICY_PACK", "packages/policy"],
                ["PULUMI_OPTION_POLICY_PACK_CONFIG", "packages/policy/config.json"],
            ]);
            // Else a wrong backend creates a second, empty stack.
            assert.equal(spec.useLocalStackOnly, true);
        }
    });

    it("runs in an image whose CLI is not older than the SDK, and whose Node.js has a compile cache", () => {
        const { dependencies } = JSON.parse(read("package.json")) as { dependencies: Record<string, string> };
        const parts = (version = "") => version.split(".").map(Number);
        for (const { spec } of stacks) {
            const image = spec.workspaceTemplate.spec.image;
            const [, node, cli] = /^pulumi\/pulumi-nodejs-(\d+):(\d+\.\d+\.\d+)$/.exec(image) ?? [];
            assert.ok(Number(node) >= 22, image);
            const [major = 0, minor = 0, patch = 0] = parts(cli);
            const [sdkMajor = 0, sdkMinor = 0, sdkPatch = 0] = parts(dependencies["@pulumi/pulumi"]);
            assert.ok(
                major === sdkMajor && (minor > sdkMinor || (minor === sdkMinor && patch >= sdkPatch)),
                image,
            );
        }
    });
});

describe("docs/kubernetes-operator.md", () => {
    it("grants each account its roles, and no other", async () => {
        const [, bucketToDeploy = "", keyToDeploy = ""] = row(statePage, "an update");
        const [, bucketToRead = "", keyToRead = ""] = row(statePage, "a preview");
        const needs = ["a repository", "`enableApis` on, which is the default", "service accounts"];
        const projectRoles = deployerRoles.filter(({ need }) => needs.includes(need)).map(({ role }) => role);
        assert.equal(projectRoles.length, needs.length);
        assert.ok(
            deployerCommands.some((line) => line.startsWith("gcloud iam roles create pythonRegistryPreview")),
        );
        const [, bucket = ""] = /^pulumi login (\S+)$/m.exec(statePage) ?? [];
        const [, key = ""] = /gcpkms:\/\/(\S+)/.exec(statePage) ?? [];
        const expected = stacks.flatMap(({ metadata: { namespace }, spec }) => {
            const project = (parse(read(`Pulumi.${spec.stack}.yaml`)) as { config: Record<string, string> })
                .config["gcp:project"]!;
            const member = `principal://iam.googleapis.com/projects/4444/locations/global/workloadIdentityPools/acme-clusters.svc.id.goog/subject/ns/${namespace}/sa/${spec.serviceAccountName}`;
            const onProject =
                spec.preview === true ? [`projects/${project}/roles/pythonRegistryPreview`] : projectRoles;
            return [
                ...onProject.map((role) => ({ on: project, member, role })),
                { on: bucket, member, role: spec.preview === true ? bucketToRead : bucketToDeploy },
                { on: key, member, role: spec.preview === true ? keyToRead : keyToDeploy },
            ];
        });
        const order = (grants: readonly Grant[]) => grants.map((grant) => JSON.stringify(grant)).sort();
        assert.deepEqual(order(await grantsOfPage()), order(expected));
    });

    it("has the stack files that these roles are for: nothing in them needs more", () => {
        for (const { spec } of deploying) {
            const { config } = parse(read(`Pulumi.${spec.stack}.yaml`)) as { config: Json };
            for (const setting of ["workloads", "existing", "pool"]) {
                assert.ok(!(`python-registry:${setting}` in config), setting);
            }
            const created = Object.values(config["python-registry:serviceAccounts"] ?? {}) as Json[];
            assert.deepEqual(
                created.flatMap((account) => Object.keys(account)).filter((each) => each !== "displayName"),
                created.map(() => "access"),
            );
        }
    });

    it("uses the backend, the key and the stacks of the objects and of docs/state.md", () => {
        const commands = blocks.join("\n");
        for (const { spec } of stacks) {
            assert.ok(statePage.includes(`pulumi login ${spec.backend}\n`));
            assert.ok(commands.includes(`pulumi login ${spec.backend}\n`));
            assert.ok(commands.includes(`Pulumi.${spec.stack}.yaml`));
        }
        const keys = (text: string) => new Set([...text.matchAll(/gcpkms:\/\/\S+/g)].map(([found]) => found));
        assert.deepEqual(keys(commands), keys(statePage));
        const [, initialized = ""] = /for stack in (.*); do\n *pulumi stack init/.exec(commands) ?? [];
        assert.deepEqual(initialized.split(" ").sort(), deploying.map(({ spec }) => spec.stack).sort());
    });

    it("names objects that are there, and the tested version of the operator", () => {
        const commands = blocks.join("\n").replaceAll(/\\\n/g, "").split("\n");
        const names = stacks.map(({ metadata }) => metadata.name);
        const kubectl = commands
            .filter((line) => line.trim().startsWith("kubectl "))
            .map((line) => line.trim());
        const named = kubectl.flatMap((line) => {
            const [, after] = /^kubectl \w+ (?:stacks?|workspace) ([^-].*?) --/.exec(line) ?? [];
            return after?.split(" ") ?? [];
        });
        assert.ok(named.length >= 6);
        assert.deepEqual(
            named.filter((name) => !names.includes(name)),
            [],
        );
        const pods = kubectl.flatMap((line) => /^kubectl logs (\S+)/.exec(line)?.[1] ?? []);
        assert.deepEqual(pods, ["prod-workspace-0"]);
        for (const line of kubectl) {
            const applied = /^kubectl apply --kustomize (\S+)$/.exec(line)?.[1];
            assert.ok(
                applied === undefined
                    ? line.includes(` --namespace=${stacks[0]?.metadata.namespace}`)
                    : join(root, applied) === folder,
                line,
            );
        }
        const helm = commands.filter((line) => line.includes("helm install"));
        assert.deepEqual(
            helm.map((line) => / --version (\S+) /.exec(line)?.[1]),
            [operatorVersion],
        );
        const described = [...page.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, name = ""]) => name);
        assert.deepEqual(described.slice(0, names.length).sort(), names.toSorted());
    });
});
