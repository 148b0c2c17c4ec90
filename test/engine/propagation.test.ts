import assert from "node:assert/strict";
import { GoogleError } from "../../packages/sandbox/src/google/google-api";
import { requireApi } from "../../packages/sandbox/src/google/service-usage-api";
import { type ControlPlaneProxy, startControlPlaneProxy } from "../program/control-plane-proxy";
import { type EngineStack, openForEachTest, project } from "./engine-stack";

// Google answers with an error for a while after it created something. The provider retries none of these.

const publisher = `python-publisher@${project}.iam.gserviceaccount.com`;
const title = "Artifact Registry API";
/** What Google answers for a project whose API is not enabled. */
function disabled(stack: EngineStack): GoogleError {
    const { id, number } = stack.sandbox.cloud.project(project);
    const off = { ...stack.sandbox.cloud.project(project), id, number, services: new Set<string>() };
    try {
        requireApi(off, { name: "artifactregistry.googleapis.com", title });
    } catch (error) {
        return error as GoogleError;
    }
    throw new Error("not refused");
}
const missing = (email: string) =>
    new GoogleError("INVALID_ARGUMENT", `Service account ${email} does not exist.`);
const noPool = (id: string) =>
    new GoogleError(
        "INVALID_ARGUMENT",
        `Identity Pool does not exist (projects/7/locations/global/workloadIdentityPools/${id}). Please check that you specified a valid resource name as returned in the \`name\` attribute in the configuration API.`,
    );
const workload = {
    type: "githubActions",
    access: "writer",
    via: "python-publisher",
    owner: "acme",
    repository: "core",
    ownerId: "1",
    repositoryId: "2",
    ref: "refs/heads/main",
};
const everything = {
    projectNumber: 123456789012,
    pool: { id: "acme-machines" },
    serviceAccounts: { "python-publisher": { access: "writer", keys: ["first"] } },
    workloads: { direct: { ...workload, access: "reader", via: undefined }, release: workload },
};

describe("an update while Google does not know yet what it created", () => {
    let stack: EngineStack;
    let proxy: ControlPlaneProxy;
    /** The calls that get an error, each a number of times. */
    let refusals: { call: RegExp; times: number; error: GoogleError }[] = [];
    let refused = 0;
    // Before the sandbox behind it.
    afterEach(() => proxy[Symbol.asyncDispose]());
    openForEachTest((opened) => (stack = opened));
    beforeEach(async () => {
        refused = 0;
        proxy = await startControlPlaneProxy(stack.sandbox, {
            refuse: (call) => {
                const found = refusals.find(({ call: pattern, times }) => times > 0 && pattern.test(call));
                if (found === undefined) return undefined;
                found.times -= 1;
                refused += 1;
                return found.error;
            },
        });
        stack.endpoints = proxy.providerConfig;
    });

    it("retries what names the new API, account or pool, and is in the same state as without errors", async () => {
        refusals = [
            { call: /^POST .*\/repositories\?/, times: 2, error: disabled(stack) },
            { call: /^POST .*\/repositories\/python:setIamPolicy/, times: 2, error: missing(publisher) },
            { call: /^POST .*\/repositories\/python:setIamPolicy/, times: 1, error: noPool("acme-machines") },
            {
                call: /^POST .*\/keys\?/,
                times: 1,
                error: new GoogleError("NOT_FOUND", "Unknown service account"),
            },
            {
                call: /^POST .*serviceAccounts\/.*:getIamPolicy/,
                times: 1,
                error: new GoogleError("NOT_FOUND", "Unknown service account"),
            },
            {
                call: /^POST .*\/providers\?/,
                times: 1,
                error: new GoogleError("NOT_FOUND", "Requested entity was not found."),
            },
        ];
        await stack.init(everything);
        await stack.up();
        assert.equal(refused, 8);
        const [account] = stack.sandbox.cloud.project(project).serviceAccounts.values();
        assert.equal(account?.keys.size, 1);
        await stack.up("--refresh", "--expect-no-changes");
        await stack.pulumi("preview", "--expect-no-changes");
    });

    const permanent: Readonly<Record<string, () => readonly [RegExp, GoogleError, object]>> = {
        "a role that the deployer lacks": () => [
            /^POST .*\/repositories\?/,
            new GoogleError(
                "PERMISSION_DENIED",
                "Permission 'artifactregistry.repositories.create' denied on resource (or it may not exist).",
            ),
            {},
        ],
        "an API that somebody else has to enable": () => [
            /^POST .*\/repositories\?/,
            disabled(stack),
            { enableApis: false },
        ],
        "a listed account that does not exist": () => [
            /:setIamPolicy/,
            missing(`gone@${project}.iam.gserviceaccount.com`),
            { readers: [`serviceAccount:gone@${project}.iam.gserviceaccount.com`] },
        ],
    };
    for (const [name, prepare] of Object.entries(permanent)) {
        it(`fails at the first error for ${name}, with the sentence of the service`, async () => {
            const [call, error, settings] = prepare();
            refusals = [{ call, times: 9, error }];
            await stack.init({ serviceAccounts: {}, ...settings });
            await assert.rejects(stack.up(), ({ message }: Error) => {
                assert.ok(message.replaceAll(/\s+/g, " ").includes(error.message), message);
                assert.doesNotMatch(message, /hook/);
                return true;
            });
            assert.equal(refused, 1);
        });
    }

    it("ends with the sentence of the service, also when a destroy without the program fails", async () => {
        const error = new GoogleError("PERMISSION_DENIED", "The caller does not have permission");
        refusals = [{ call: /^DELETE .*\/repositories\//, times: 9, error }];
        await stack.init({ serviceAccounts: {}, protect: false });
        await stack.up();
        await assert.rejects(stack.pulumi("destroy", "--yes", "--skip-preview"), ({ message }: Error) => {
            assert.match(message, /The caller does not have permission/);
            assert.doesNotMatch(message, /hook/);
            return true;
        });
        assert.equal(refused, 1);
    });
});
