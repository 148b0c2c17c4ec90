import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { type Cli, recover } from "../../packages/operations/src/recover/recover";

// The command's decisions, with a fake CLI that answers as the real one does, for a project with a name of its own. The
// engine tier runs the real one.

const registry = "urn:pulumi:dev::acme-python::python-registry:index:Registry::registry";
const account = registry.replace("::registry", "$python-registry:index:ServiceAccount::registry-ci-writer");
const accountType = "gcp:serviceaccount/account:Account";
const repositoryType = "gcp:artifactregistry/repository:Repository";
const accountName = "projects/acme-dev/serviceAccounts/ci-writer@acme-dev.iam.gserviceaccount.com";
const repositoryName = "projects/acme-dev/locations/europe-west1/repositories/python";
const mark = "acme_python-registry_dev";
const description = "Created by Pulumi stack acme/python-registry/dev";

const planned = {
    account: {
        type: accountType,
        urn: `${account.replace("::registry-ci-writer", "")}$${accountType}::registry-ci-writer`,
        parent: account,
        inputs: { accountId: "ci-writer", project: "acme-dev", description },
    },
    repository: {
        type: repositoryType,
        urn: `${registry.replace("::registry", "")}$${repositoryType}::registry`,
        parent: registry,
        inputs: {
            project: "acme-dev",
            location: "europe-west1",
            repositoryId: "python",
            labels: { "python-registry-stack": mark },
        },
    },
};

/** What exists at Google: an account's description, the stack in a repository's label. */
interface Google {
    readonly account?: string;
    readonly repository?: string;
}

describe("recovering an interrupted update", () => {
    let directory: string;
    beforeEach(async () => {
        directory = await mkdtemp(join(tmpdir(), "python-registry-recover-test-"));
        await writeFile(join(directory, "Pulumi.dev.yaml"), "# Ours\nconfig:\n  gcp:project: acme-dev\n");
    });
    afterEach(() => rm(directory, { recursive: true }));

    async function run(
        google: Google,
        { pending = [] as object[], parents = [registry, account], problem = "does not exist." } = {},
    ) {
        const commands: string[] = [];
        const configs: Record<string, unknown>[] = [];
        const output: string[] = [];
        const copies: string[] = [];
        const events = (...lines: object[]) => lines.map((line) => JSON.stringify(line)).join("\n");
        const pulumi: Cli = async (args) => {
            commands.push(args.join(" "));
            const answer = (stdout: string, exitCode = 0) => ({ exitCode, stdout, stderr: "" });
            const file = args[args.indexOf("--config-file") + 1];
            if (args[0] === "stack") {
                const resources = parents.map((urn) => ({ urn }));
                return answer(JSON.stringify({ deployment: { resources, pending_operations: pending } }));
            }
            if (args[0] === "config") {
                const objectValue = { "ci-writer": { access: "writer" }, other: { access: "reader" } };
                return answer(JSON.stringify({ "acme-python:serviceAccounts": { value: "", objectValue } }));
            }
            if (args[0] !== "preview") return answer("");
            if (!args.includes("--config-file")) {
                const creates = Object.values(planned).map((resource) => ({
                    resourcePreEvent: { metadata: { op: "create", new: resource } },
                }));
                return answer(events(...creates, { cancelEvent: {} }));
            }
            copies.push(dirname(file!));
            assert.equal((await stat(file!)).mode & 0o077, 0, "only its owner can read the copy");
            const { config } = parse(await readFile(file!, "utf8")) as { config: Record<string, unknown> };
            configs.push(config);
            const accounts = config["acme-python:serviceAccounts"] as Record<string, { existing?: string }>;
            const missing = [
                ...(accounts["ci-writer"]?.existing && google.account === undefined ? [accountName] : []),
                ...(config["acme-python:existing"] && google.repository === undefined
                    ? [repositoryName]
                    : []),
            ].map((name) => `  - existing: adopt: the resource ${name} ${problem}`);
            if (missing.length > 0) {
                const message = `${missing.length} existing resources cannot be used; nothing was changed.\n${missing.join("\n")}`;
                return answer(events({ diagnosticEvent: { severity: "error", message } }), 255);
            }
            const imported = (resource: object, inputs: object) => ({
                resOutputsEvent: { metadata: { op: "import", new: { ...resource, inputs } } },
            });
            const message = `The existing repository ${repositoryName} was created by the stack ${google.repository ?? ""} (label python-registry-stack).\n`;
            return answer(
                events(
                    ...(google.account === undefined
                        ? []
                        : [imported(planned.account, { description: google.account })]),
                    ...(google.repository === undefined
                        ? []
                        : [
                              imported(planned.repository, {}),
                              { diagnosticEvent: { severity: "info", message } },
                          ]),
                ),
            );
        };
        const complete = await recover({
            stack: "acme/dev",
            directory,
            pulumi,
            onProgress: (l) => output.push(l),
        });
        assert.deepEqual(copies.filter(existsSync), []);
        return {
            complete,
            output: output.join("\n"),
            configs,
            imports: commands.filter((c) => c.startsWith("import")),
        };
    }

    it("imports resources with the stack's mark under their own names", async () => {
        const { complete, imports, configs } = await run({ account: description, repository: mark });
        assert.equal(complete, true);
        const options = "--yes --skip-preview --generate-code=false --suppress-outputs --stack acme/dev";
        assert.deepEqual(imports, [
            `import ${accountType} registry-ci-writer ${accountName} --parent parent=${account} ${options}`,
            `import ${repositoryType} registry ${repositoryName} --parent parent=${registry} ${options}`,
        ]);
        assert.deepEqual(configs, [
            {
                "gcp:project": "acme-dev",
                "acme-python:serviceAccounts": {
                    "ci-writer": { access: "writer", existing: "adopt" },
                    other: { access: "reader" },
                },
                "acme-python:existing": "adopt",
                "acme-python:access": "additive",
            },
        ]);
    });

    it("does not change what another stack or a person created", async () => {
        for (const google of [
            { account: "Owned by others", repository: "acme_python-registry_prod" },
            { account: "", repository: "" },
        ]) {
            const { complete, imports, output } = await run(google);
            assert.equal(complete, false);
            assert.deepEqual(imports, []);
            assert.match(
                output,
                /repository python exists, but this stack did not create it\. It was not changed/,
            );
            assert.match(output, /service account ci-writer exists, but this stack did not create it/);
        }
    });

    it("leaves resources that do not exist to the next update", async () => {
        const none = await run({});
        assert.deepEqual([none.complete, none.imports], [true, []]);
        const one = await run({ repository: mark });
        assert.equal(one.imports.length, 1);
        assert.match(one.output, /service account ci-writer does not exist yet: the next update creates it/);
    });

    it("treats a resource of an API that is not enabled as missing", async () => {
        const { complete, imports } = await run(
            {},
            { problem: "cannot look up it. API has not been used in project 1." },
        );
        assert.deepEqual([complete, imports], [true, []]);
        await assert.rejects(
            run({}, { problem: "cannot look up it. Permission denied." }),
            /Looking up .* failed/,
        );
    });

    it("asks the user to adopt a resource whose parent is not in the state", async () => {
        const { complete, imports, output } = await run({ account: description }, { parents: [registry] });
        assert.deepEqual([complete, imports], [false, []]);
        assert.match(output, /service account ci-writer .* set existing: adopt for it/);
    });

    it("reports that a key that was being created may exist", async () => {
        const inputs = { serviceAccountId: accountName };
        const pending = [{ type: "creating", resource: { type: "gcp:serviceaccount/key:Key", inputs } }];
        const { output } = await run({}, { pending });
        assert.match(output, /^Clearing 1 pending operation and/);
        assert.match(
            output,
            /keys list --managed-by=user --iam-account=ci-writer@acme-dev\.iam\.gserviceaccount\.com/,
        );
    });

    it("does not change the stack's configuration file", async () => {
        await run({ account: description, repository: mark });
        assert.match(
            await readFile(join(directory, "Pulumi.dev.yaml"), "utf8"),
            /^# Ours\nconfig:\n {2}gcp:project: acme-dev\n$/,
        );
    });

    it("fails with the CLI's output", async () => {
        const pulumi: Cli = () =>
            Promise.resolve({ exitCode: 255, stdout: "", stderr: "error: no stack named 'x'" });
        await assert.rejects(
            recover({ stack: "x", directory, pulumi, onProgress: () => undefined }),
            /^Error: pulumi stack failed:\nerror: no stack named 'x'$/,
        );
    });
});
