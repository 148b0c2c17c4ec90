import assert from "node:assert/strict";
import { EngineStack, openForEachTest, project } from "./engine-stack";

// Public packages through the registry, with the real CLI and the real Google provider against the sandbox.

const repositories = `projects/${project}/locations/europe-west1/repositories`;
const reader = "roles/artifactregistry.reader";

describe("a mirror in the real engine", () => {
    let stack: EngineStack;
    openForEachTest((opened) => (stack = opened));

    const changes = (): string[] => {
        return stack.changes().map(({ method, path }) => `${method} ${path}`);
    };
    const repositoriesAtGoogle = () =>
        [...stack.sandbox.cloud.project(project).repositories.values()].map(({ id }) => id).sort();
    const readersOf = (id: string) =>
        [...stack.sandbox.cloud.project(project).repositories.values()]
            .find((each) => each.id === id)
            ?.policy.bindings.find(({ role }) => role === reader)?.members;
    async function rulesAtGoogle(): Promise<string[]> {
        const { apiUrl, accessToken } = stack.sandbox;
        const response = await fetch(`${apiUrl}/artifactregistry/v1/${repositories}/python-public/rules`, {
            headers: { authorization: `Bearer ${accessToken}` },
        });
        assert.equal(response.status, 200);
        const { rules = [] } = (await response.json()) as {
            rules?: { name: string; action: string; packageId?: string }[];
        };
        return rules
            .map(({ name, action, packageId = "all" }) => `${name.split("/").at(-1)}: ${action} ${packageId}`)
            .sort();
    }

    it("comes, changes and goes", async () => {
        const common = {
            protect: false,
            readers: ["group:dev@example.com"],
            internalPackages: ["acme-core"],
        };
        await stack.init({ ...common, publicPackages: "mirror" });
        const preview = await stack.pulumi("preview", "--diff");
        assert.match(preview, /python-all\/simple\//);
        assert.doesNotMatch(preview.slice(preview.lastIndexOf("--outputs:--")), /unknown|output</);
        assert.deepEqual(changes(), []);

        await stack.up();
        assert.deepEqual(repositoriesAtGoogle(), ["python", "python-all", "python-public"]);
        assert.deepEqual(await rulesAtGoogle(), ["deny-acme-core: DENY acme-core"]);
        assert.deepEqual([...(readersOf("python-all") ?? [])].sort(), [
            "group:dev@example.com",
            `serviceAccount:python-publisher@${project}.iam.gserviceaccount.com`,
        ]);
        assert.equal(readersOf("python-public"), undefined);
        const made = changes();
        const place = (what: RegExp) => made.findIndex((each) => what.test(each));
        assert.ok(place(/rule_?[iI]d=deny-acme-core/) < place(/repository_?[iI]d=python-all/));

        await stack.up("--expect-no-changes");
        await stack.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes");
        assert.deepEqual(changes(), []);

        await stack.configure({ ...common, publicPackages: "mirror", mirror: { allow: ["requests"] } });
        await stack.up();
        assert.deepEqual(await rulesAtGoogle(), [
            "allow-requests: ALLOW requests",
            "deny-all-others: DENY all",
        ]);
        await stack.up("--expect-no-changes");

        await stack.configure({ ...common, publicPackages: "none" });
        await stack.up();
        assert.deepEqual(repositoriesAtGoogle(), ["python"]);

        await stack.configure({ ...common, publicPackages: "mirror" });
        await stack.up();
        await stack.pulumi("destroy", "--yes", "--skip-preview");
        assert.deepEqual(repositoriesAtGoogle(), []);
    });

    it("is not deleted while it is protected, and nothing is changed then", async () => {
        await stack.init({ publicPackages: "mirror", internalPackages: ["acme-core"] });
        await stack.up();
        changes();
        await stack.configure({ publicPackages: "pypi", internalPackages: ["acme-core"] });
        await assert.rejects(stack.pulumi("preview"), /protected/);
        await assert.rejects(stack.up());
        assert.deepEqual(await rulesAtGoogle(), ["deny-acme-core: DENY acme-core"]);
        assert.deepEqual(repositoriesAtGoogle(), ["python", "python-all", "python-public"]);
    });
});
