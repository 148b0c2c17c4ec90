import * as pulumi from "@pulumi/pulumi";
import type { EngineEvent, ImportOptions, PreviewOptions } from "@pulumi/pulumi/automation";
import { strict as assert } from "node:assert";
import { setImmediate } from "node:timers/promises";
import { lookUp } from "../../packages/operations/src/recover/look-up";
import { recover, type RecoverOptions } from "../../packages/operations/src/recover/recover";

// The command's decisions, with a fake engine that answers as the real one does, for a project with a name of its own. The
// engine tier runs the real one.

const registry = "urn:pulumi:dev::acme-python::python-registry:index:Registry::registry";
const account = registry.replace("::registry", "$python-registry:index:ServiceAccount::registry-ci-writer");
const accountType = "gcp:serviceaccount/account:Account";
const repositoryType = "gcp:artifactregistry/repository:Repository";
const accountName = "projects/acme-dev/serviceAccounts/ci-writer@acme-dev.iam.gserviceaccount.com";
const repositoryName = "projects/acme-dev/locations/europe-west1/repositories/python";
const labelKey = "python-registry-stack";
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
            labels: { [labelKey]: mark },
        },
    },
};

/** What exists at Google: an account's description, the stack in a repository's label. */
interface Google {
    readonly account?: string;
    readonly repository?: string;
}

describe("recovering an interrupted update", () => {
    /** Ends a lookup at Google, if there is one. */
    const answer = (value: object | undefined, problem: string) => {
        // The SDK reads the message from the field that gRPC uses.
        if (value === undefined) throw Object.assign(new Error(problem), { details: problem });
        return value;
    };

    async function run(
        { account: created, repository: label }: Google,
        {
            pending = [] as object[],
            parents = [registry, account],
            problem = "googleapi: Error 404: not found",
        } = {},
    ) {
        await pulumi.runtime.setMocks({
            call: ({ token }) =>
                token.endsWith(":getAccount")
                    ? answer(created === undefined ? undefined : {}, problem)
                    : answer(
                          label === undefined ? undefined : { effectiveLabels: { [labelKey]: label } },
                          problem,
                      ),
            newResource: ({ id = "" }) => ({ id, state: { description: created } }),
        });
        const imports: ImportOptions[] = [];
        const output: string[] = [];
        const stack = {
            exportStack: () =>
                Promise.resolve({
                    version: 3,
                    deployment: { resources: parents.map((urn) => ({ urn })), pending_operations: pending },
                }),
            refresh: () => Promise.resolve({}),
            preview: async ({ onEvent, program }: PreviewOptions) => {
                if (program !== undefined) {
                    await pulumi.runtime.runInPulumiStack(program);
                    await pulumi.runtime.disconnect();
                    await setImmediate();
                    throw new Error("the resource cannot be deleted because it is protected");
                }
                const creates = Object.values(planned).map((resource) => ({
                    resourcePreEvent: { metadata: { op: "create", new: resource } },
                }));
                for (const event of [...creates, { cancelEvent: {} }])
                    onEvent?.(event as unknown as EngineEvent);
            },
            import: (options: ImportOptions) => imports.push(options),
        } as unknown as RecoverOptions["stack"];
        const complete = await recover({
            stack,
            lookUp: (candidates) => lookUp(stack, candidates),
            onProgress: (line) => output.push(line),
        });
        return { complete, output: output.join("\n"), imports };
    }

    it("imports resources with the stack's mark under their own names", async () => {
        const { complete, imports } = await run({ account: description, repository: mark });
        assert.equal(complete, true);
        assert.deepEqual(
            imports.map(({ resources, nameTable }) => [resources, nameTable]),
            [
                [
                    [{ type: repositoryType, name: "registry", id: repositoryName, parent: "parent" }],
                    { parent: registry },
                ],
                [
                    [{ type: accountType, name: "registry-ci-writer", id: accountName, parent: "parent" }],
                    { parent: account },
                ],
            ],
        );
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
        const disabled = "googleapi: Error 403: API has not been used in project 1 before or it is disabled.";
        const { complete, imports } = await run({}, { problem: disabled });
        assert.deepEqual([complete, imports], [true, []]);
    });

    it("fails if it cannot find out what exists", async () => {
        const problem = "googleapi: Error 403: Permission denied";
        await assert.rejects(run({ account: description }, { problem }), (error: Error) => {
            assert.match(
                error.message,
                /^Looking up what exists failed:\nrepository python: .*Permission denied/,
            );
            assert.doesNotMatch(error.message, /ci-writer/);
            return true;
        });
        const stack = { preview: () => Promise.reject(new Error("no provider")) };
        const candidate = { description: "repository python" } as Parameters<typeof lookUp>[1][number];
        await assert.rejects(lookUp(stack, [candidate]), /^Error: no provider$/);
        const silent = { preview: () => Promise.resolve({}) } as unknown as typeof stack;
        await assert.rejects(lookUp(silent, [candidate]), /repository python: no answer/);
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
});
