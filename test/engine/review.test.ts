import assert from "node:assert/strict";
import { type EngineStack, openForEachTest, project } from "./engine-stack";

// What a reviewer reads: the length of the output, and what a preview says about resources that already exist.

/** The number of lines, without the CLI's dots and its warning about a provider on PATH. */
const lines = (printed: string) =>
    printed
        .trimEnd()
        .split("\n")
        .filter((line) => !/^@ |from \$PATH/.test(line)).length;

describe("what a reviewer reads", () => {
    let stack: EngineStack;
    openForEachTest((opened) => (stack = opened));

    it("fits on a screen or two: a first preview, an update, one more reader", async () => {
        await stack.init({});
        const preview = await stack.pulumi("preview");
        assert.ok(lines(preview) <= 80, preview);
        assert.doesNotMatch(preview, /warning/);
        assert.ok(Buffer.byteLength(preview) <= 8000, preview);
        const whole = await stack.pulumi("preview", "--show-full-output");
        assert.ok(Buffer.byteLength(whole) <= 65_536, "it fits in a comment on a pull request");
        assert.ok(whole.includes("repository: https://europe-west1-python.pkg.dev/"), whole);
        const up = await stack.up();
        assert.ok(lines(up) <= 100, up);

        await stack.configure({ readers: ["group:developers@example.com"] });
        await stack.up();
        await stack.configure({ readers: ["group:developers@example.com", "user:new@example.com"] });
        const more = await stack.pulumi("preview");
        assert.ok(lines(more) <= 25, more);
    });

    it("names what adopting changes, and adopts it in one update", async () => {
        const { cloud, apiUrl, accessToken } = stack.sandbox;
        const call = async (path: string, body: object = {}) => {
            const response = await fetch(`${apiUrl}/${path}`, {
                method: "POST",
                headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
                body: JSON.stringify(body),
            });
            assert.equal(response.status, 200, await response.text());
        };
        for (const service of ["artifactregistry", "iam"]) {
            await call(`serviceusage/v1/projects/${project}/services/${service}.googleapis.com:enable`);
        }
        const repositories = `artifactregistry/v1/projects/${project}/locations/europe-west1/repositories`;
        const kmsKeyName = `projects/${project}/locations/europe-west1/keyRings/r/cryptoKeys/k`;
        const agent = "serviceAccount:service-123456789012@gcp-sa-artifactregistry.iam.gserviceaccount.com";
        cloud.addCryptoKey(kmsKeyName, [agent]);
        const cleanupPolicies = { old: { action: "DELETE", condition: { olderThan: "2592000s" } } };
        await call(`${repositories}?repository_id=python`, {
            format: "PYTHON",
            description: "Theirs",
            labels: { team: "data", stage: "x" },
            kmsKeyName,
            cleanupPolicies,
        });
        const members = ["user:stray@example.com", "group:developers@example.com"];
        const role = "roles/artifactregistry.reader";
        await call(`${repositories}/python:setIamPolicy`, { policy: { bindings: [{ role, members }] } });
        cloud.addServiceAccount(cloud.project(project), "ci-builds", "Theirs", "Owned by another team");
        const settings = {
            existing: "adopt",
            access: "authoritative",
            readers: ["group:developers@example.com"],
            labels: { team: "platform" },
            serviceAccounts: { "ci-builds": { access: "writer", existing: "adopt", displayName: "Ours" } },
        };
        await stack.init(settings);

        const preview = await stack.pulumi("preview");
        for (const said of [
            /labels\.team: "data" becomes "platform"/,
            /displayName: "Theirs" becomes "Ours"/,
            /keeps settings that this stack does not manage: kmsKeyName, cleanupPolicies/,
            /lose their role[^]*roles\/artifactregistry\.reader: user:stray@example\.com$/m,
        ]) {
            assert.match(preview, said);
        }
        assert.doesNotMatch(preview, /replace|delete/);
        await stack.up();
        await stack.up("--refresh", "--expect-no-changes");
        const { repositories: left, serviceAccounts } = cloud.project(project);
        const [repository] = left.values();
        const { description, labels } = repository!.settings;
        assert.equal(description, "Theirs");
        assert.equal(repository?.settings.kmsKeyName, kmsKeyName);
        assert.deepEqual(Object.keys(repository.settings.cleanupPolicies ?? {}), ["old"]);
        assert.deepEqual([labels?.["team"], labels?.["stage"]], ["platform", "x"]);
        const [account] = serviceAccounts.values();
        assert.deepEqual([account?.displayName, account?.description], ["Ours", "Owned by another team"]);

        // With existing: use, the repository stays when the stack is destroyed.
        const { labels: _, ...used } = settings;
        await stack.configure({ ...used, existing: "use", protect: false });
        await stack.up();
        await stack.pulumi("destroy", "--yes", "--skip-preview");
        assert.equal(left.size, 1);
    });

    it("reports everything that is missing in one message, and changes nothing", async () => {
        await stack.init({
            existing: "use",
            access: "additive",
            serviceAccounts: { "ci-builds": { access: "writer", existing: "use", keys: ["a"] } },
        });
        const { sandbox } = stack;
        for (const service of ["artifactregistry", "iam"]) {
            sandbox.cloud.project(project).services.add(`${service}.googleapis.com`);
        }
        await assert.rejects(stack.up(), ({ message }: Error) => {
            assert.match(message, /2 existing resources cannot be used; nothing was changed\./);
            assert.match(message, /the repository \S+ does not exist\. Create it first/);
            assert.match(message, /the service account \S+ does not exist\. Create it first/);
            assert.doesNotMatch(message, /\.ts:\d+|serializing/);
            return true;
        });
        assert.deepEqual(
            sandbox.requests.filter(({ method }) => method !== "GET"),
            [],
        );
    });
});
