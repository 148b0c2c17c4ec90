import assert from "node:assert/strict";
import { EngineStack, openForEachTest, project } from "./engine-stack";

// Workloads, with the real CLI and the real Google provider against the sandbox.

const release = {
    type: "githubActions",
    access: "writer",
    owner: "acme",
    repository: "core",
    ownerId: 11,
    repositoryId: 12,
    ref: "refs/heads/main",
};
const build = { type: "gitlabCi", access: "writer", projectId: 7, via: "python-publisher" };
const machine = { type: "computeEngine", access: "reader" };
const pool = `projects/123456789012/locations/global/workloadIdentityPools/python-europe-west1`;

describe("workloads in the real engine", () => {
    let stack: EngineStack;
    openForEachTest((opened) => (stack = opened));

    const changes = (): string[] => {
        return stack
            .changes()
            .map(({ method, path }) => {
                const last = path.replace(/\?.*/, "").replace(/^.*\/(?=[^/]*$)/, "");
                return `${method} ${last} ${/\b\w+(?:Id|_id)=([^&]*)/.exec(path)?.[1] ?? ""}`.trim();
            })
            .sort();
    };
    const getPolicy = (role: string): readonly string[] => {
        const [repository] = stack.sandbox.cloud.project(project).repositories.values();
        return repository?.policy.bindings.find((binding) => binding.role.endsWith(role))?.members ?? [];
    };

    it("come and go, and the pool outlives the stack", async () => {
        await stack.init({ workloads: { release, build, machine } });

        const preview = await stack.pulumi("preview", "--diff");
        assert.ok(
            preview.includes(`principalSet://iam.googleapis.com/${pool}/attribute.trusted_project/gitlab:7`),
        );
        assert.ok(preview.includes(`${pool}/providers/github`));
        assert.doesNotMatch(preview.slice(preview.lastIndexOf("--outputs:--")), /unknown|output</);
        assert.deepEqual(changes(), []);

        await stack.up();
        assert.deepEqual(changes(), [
            "POST providers github",
            "POST providers gitlab",
            "POST python-publisher@sandbox-project.iam.gserviceaccount.com:setIamPolicy",
            "POST python:setIamPolicy",
            "POST python:setIamPolicy",
            "POST repositories python",
            "POST serviceAccounts",
            "POST workloadIdentityPools python-europe-west1",
        ]);
        assert.deepEqual(
            [...getPolicy("reader")],
            ["serviceAccount:123456789012-compute@developer.gserviceaccount.com"],
        );
        assert.deepEqual([...getPolicy("writer")].sort(), [
            `principalSet://iam.googleapis.com/${pool}/attribute.trusted_repository_ref/github:11:12:refs/heads/main`,
            "serviceAccount:python-publisher@sandbox-project.iam.gserviceaccount.com",
        ]);

        await stack.up("--expect-no-changes");
        await stack.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes");
        assert.deepEqual(changes(), []);

        // One is removed and one is added. The provider of the one stays, without a grant.
        const pod = { type: "gke", access: "reader", namespace: "apps", serviceAccount: "worker" };
        await stack.configure({ workloads: { release, machine, pod } });
        await stack.up();
        assert.deepEqual(changes(), [
            "POST python-publisher@sandbox-project.iam.gserviceaccount.com:setIamPolicy",
            "POST python:setIamPolicy",
        ]);
        assert.ok(
            getPolicy("reader").includes(
                `principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/${project}.svc.id.goog/subject/ns/apps/sa/worker`,
            ),
        );

        await stack.configure({ workloads: { release, machine, build }, protect: false });
        await stack.up();
        assert.ok(changes().every((change) => !change.startsWith("POST providers")));
        await stack.pulumi("destroy", "--yes", "--skip-preview");
        assert.ok(changes().every((change) => !/^DELETE (?:github|gitlab|python-europe-west1)/.test(change)));

        // The pool and its providers are found again.
        const again = await stack.pulumi("preview");
        assert.match(again, /WorkloadIdentityPool registry import/);
        await stack.up();
        assert.deepEqual(
            changes().filter((change) => /workloadIdentityPools|providers/.test(change)),
            [],
        );
        await stack.up("--expect-no-changes");
        assert.deepEqual(changes(), []);
    });

    it("need the same number of calls for 1 and for 50", async () => {
        await stack.init({ workloads: { "workload-0": release }, projectNumber: 123456789012 });
        await stack.up();
        changes();
        const calls = async (count: number): Promise<number> => {
            const before = stack.sandbox.requests.length;
            const workloads = Object.fromEntries(
                Array.from({ length: count }, (_, n) => [
                    `workload-${n}`,
                    { ...release, repositoryId: 100 + n },
                ]),
            );
            await stack.configure({ workloads, projectNumber: 123456789012 });
            await stack.up();
            return stack.sandbox.requests.length - before;
        };
        assert.equal(await calls(50), await calls(1));
        assert.equal(getPolicy("writer").length, 2);
    });

    it("are refused with one message, before anything changes", async () => {
        const { cloud } = stack.sandbox;
        const getMessage = async (command: () => Promise<unknown>) => {
            const error: unknown = await command().then(
                () => assert.fail("it should fail"),
                (reason: unknown) => reason,
            );
            return (error as Error).message;
        };
        await enableIam(stack);
        await stack.init({ workloads: { release }, pool: { existing: "use", id: "company-ci" } });
        const missing = await getMessage(() => stack.up());
        assert.match(
            missing,
            /pool\.existing: use: the workload identity pool company-ci in the project sandbox-project does not exist\./,
        );
        assert.equal(missing.slice(missing.indexOf("Diagnostics:")).split("does not exist").length, 2);

        await stack.configure({ workloads: { release }, pool: { project: "other-project" } });
        const unknown = await getMessage(() => stack.pulumi("preview"));
        assert.match(unknown, /Cannot look up the number of the project other-project/);
        assert.match(unknown, /pool\.projectNumber/);
        assert.deepEqual(changes(), []);
        assert.equal(cloud.project(project).repositories.size, 0);
    });

    it("impersonate accounts of another project, which keep what they had", async () => {
        const { cloud } = stack.sandbox;
        const other = cloud.addProject("other-project", "210987654321", cloud.project(project).owner);
        other.services.add("iam.googleapis.com");
        const used = cloud.addServiceAccount(other, "company-ci", "CI of the company", "Made by hand");
        const adopted = cloud.addServiceAccount(other, "python-ci", "", "Made by hand too");
        const people = {
            role: "roles/iam.serviceAccountTokenCreator",
            members: ["group:platform@example.com"],
        };
        used.policy = { version: 1, etag: "x", bindings: [people] };
        const serviceAccounts = {
            [used.email]: { access: "writer", existing: "use", impersonators: ["user:ada@example.com"] },
            [adopted.email]: { access: "reader", existing: "adopt", displayName: "Python CI" },
        };
        await stack.init({
            access: "additive",
            serviceAccounts,
            workloads: {
                release: { ...release, via: used.email },
                build: { ...build, access: "reader", via: adopted.email },
            },
        });
        await stack.up();
        assert.deepEqual([used.displayName, used.description], ["CI of the company", "Made by hand"]);
        assert.deepEqual([adopted.displayName, adopted.description], ["Python CI", "Made by hand too"]);
        const principal = (selector: string) => [`principalSet://iam.googleapis.com/${pool}/${selector}`];
        assert.deepEqual(
            [...used.policy.bindings].sort((a, b) => a.role.localeCompare(b.role)),
            [
                { role: people.role, members: [...people.members, "user:ada@example.com"] },
                {
                    role: "roles/iam.workloadIdentityUser",
                    members: principal("attribute.trusted_repository_ref/github:11:12:refs/heads/main"),
                },
            ],
        );
        assert.deepEqual(adopted.policy.bindings, [
            { role: "roles/iam.workloadIdentityUser", members: principal("attribute.project/gitlab:7") },
        ]);
        assert.deepEqual([...getPolicy("writer")], [`serviceAccount:${used.email}`]);
        await stack.up("--expect-no-changes");

        await stack.configure({ access: "additive", serviceAccounts, protect: false });
        await stack.up();
        assert.deepEqual(used.policy.bindings, [
            { role: people.role, members: [...people.members, "user:ada@example.com"] },
        ]);
        assert.deepEqual(adopted.policy.bindings, []);
        await stack.pulumi("destroy", "--yes", "--skip-preview");
        assert.deepEqual(used.policy.bindings, [people]);
        assert.ok(other.serviceAccounts.has(used.email));
    });

    it("do not take over a pool of somebody else, or a wrong number", async () => {
        const { cloud } = stack.sandbox;
        await stack.init({ workloads: { release }, projectNumber: 999999999999, serviceAccounts: {} });
        await assert.rejects(stack.up(), /"projects\/999999999999.*"projects\/123456789012/s);

        await using second = await EngineStack.open(stack.cli);
        await second.init({ workloads: { release }, serviceAccounts: {} });
        const { apiUrl, accessToken } = second.sandbox;
        await enableIam(second);
        const headers = { authorization: `Bearer ${accessToken}`, "content-type": "application/json" };
        const created = await fetch(
            `${apiUrl}/iam/v1/projects/${project}/locations/global/workloadIdentityPools?workloadIdentityPoolId=python-europe-west1`,
            { method: "POST", headers, body: JSON.stringify({ description: "Of another team" }) },
        );
        assert.equal(created.status, 200);
        await assert.rejects(
            second.pulumi("preview"),
            /pool python-europe-west1 in the project sandbox-project already exists, and this stack did not create it \(its description: "Of another team"\)\. Set pool\.existing/,
        );
        await second.configure({ workloads: { release }, serviceAccounts: {}, pool: { existing: "adopt" } });
        assert.match(await second.up(), /imported/);
        await second.up("--expect-no-changes");
        assert.equal(cloud.project(project).serviceAccounts.size, 0);
    });
});

/** Enables the IAM API, as in a project that is in use already. */
async function enableIam({ sandbox: { apiUrl, accessToken } }: EngineStack): Promise<void> {
    const response = await fetch(
        `${apiUrl}/serviceusage/v1/projects/${project}/services/iam.googleapis.com:enable`,
        { method: "POST", headers: { authorization: `Bearer ${accessToken}` }, body: "{}" },
    );
    assert.equal(response.status, 200);
}
