import assert from "node:assert/strict";
import { createForeignMirror, createRule } from "../sandbox/foreign-mirror";
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
        assert.deepEqual(await rulesAtGoogle(), ["package-acme-core: DENY acme-core"]);
        assert.deepEqual([...(readersOf("python-all") ?? [])].sort(), [
            "group:dev@example.com",
            `serviceAccount:python-publisher@${project}.iam.gserviceaccount.com`,
        ]);
        assert.equal(readersOf("python-public"), undefined);
        const made = changes();
        const place = (what: RegExp) => made.findIndex((each) => what.test(each));
        assert.ok(place(/rule_?[iI]d=package-acme-core/) < place(/repository_?[iI]d=python-all/));

        await stack.up("--expect-no-changes");
        await stack.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes");
        assert.deepEqual(changes(), []);

        await stack.configure({ ...common, publicPackages: "mirror", mirror: { allow: ["requests"] } });
        await stack.up();
        assert.deepEqual(await rulesAtGoogle(), [
            "other-packages: DENY all",
            "package-requests: ALLOW requests",
        ]);
        await stack.up("--expect-no-changes");

        // An internal package becomes a public one, and the other way around.
        const moved = { ...common, internalPackages: ["requests"], publicPackages: "mirror" };
        await stack.configure(moved);
        await stack.up();
        assert.deepEqual(await rulesAtGoogle(), ["package-requests: DENY requests"]);
        await stack.configure({ ...common, publicPackages: "mirror", mirror: { allow: ["requests"] } });
        await stack.up();

        // A new upstream replaces the remote repository, with which Google deletes its rules.
        const upstream = "https://packages.example/simple/";
        await stack.configure({
            ...common,
            publicPackages: "mirror",
            mirror: { allow: ["requests"], upstream },
        });
        changes();
        await stack.up();
        assert.deepEqual(await rulesAtGoogle(), [
            "other-packages: DENY all",
            "package-requests: ALLOW requests",
        ]);
        assert.equal(readersOf("python-all")?.length, 2);
        const replaced = changes();
        const order = [
            /^DELETE .*\/python-all\?/,
            /^DELETE .*\/python-public\?/,
            /rule_?[iI]d=other/,
            /repository_?[iI]d=python-all/,
        ];
        const positions = order.map((what) => replaced.findIndex((each) => what.test(each)));
        assert.deepEqual(
            positions,
            positions.toSorted((one, next) => one - next),
            replaced.join("\n"),
        );
        assert.ok(!positions.includes(-1), replaced.join("\n"));

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
        assert.deepEqual(await rulesAtGoogle(), ["package-acme-core: DENY acme-core"]);
        assert.deepEqual(repositoriesAtGoogle(), ["python", "python-all", "python-public"]);
    });

    describe("that exists already", () => {
        /** The owner's repositories and rules, with what this program never sets. */
        async function create(): Promise<void> {
            const { sandbox } = stack;
            await createForeignMirror(sandbox, "python-public", "python-all");
            const condition = { expression: "pkg.version.id > '2'" };
            for (const [id, rule] of Object.entries({
                "block-core": { action: "DENY", packageId: "acme-core", condition },
                theirs: { action: "ALLOW", packageId: "acme-tools" },
            })) {
                await createRule(sandbox, "python-public", id, rule);
            }
        }
        const settingsAtGoogle = () =>
            ["python-public", "python-all"].map((id) =>
                structuredClone(
                    [...stack.sandbox.cloud.project(project).repositories.values()].find(
                        (each) => each.id === id,
                    )?.settings,
                ),
            );
        const common = {
            protect: false,
            existing: "use",
            access: "additive",
            serviceAccounts: {},
            readers: ["group:dev@example.com"],
            publicPackages: "mirror",
        };
        const upstream = "https://pypi.example/simple";
        const adopted = (internalPackages: string[], existingRules: object) => ({
            ...common,
            labels: { team: "platform" },
            existing: "adopt",
            internalPackages,
            mirror: { upstream, existing: "adopt", existingRules },
        });

        it("is adopted without losing or replacing anything, and names each difference", async () => {
            await create();
            changes();
            const before = settingsAtGoogle();
            await stack.init(adopted(["acme-core", "acme-new"], { "acme-core": "block-core" }));
            const preview = await stack.pulumi("preview");

            for (const message of [
                /python-public differs from the configuration:\s+labels\.team: "data" becomes "platform"/,
                /python-public keeps settings that this stack does not manage: cleanupPolicies/,
                /python-public keeps no packages \(noCache\)/,
                /rules\/block-core differs from the configuration:\s+condition: "pkg.version.id > '2'" is removed/,
                /python-all also has the packages of \S+\/shared/,
            ]) {
                assert.match(preview, message);
            }
            assert.deepEqual(changes(), []);

            await stack.up();
            assert.deepEqual(
                settingsAtGoogle(),
                before.map((each) => ({ ...each, labels: { team: "platform" } })),
            );
            const made = changes();
            assert.deepEqual(
                made.filter((each) => /^DELETE|POST .*repository_?[iI]d/.test(each)),
                [],
            );
            const rules = ["block-core: DENY acme-core", "package-acme-new: DENY acme-new"];
            assert.deepEqual(await rulesAtGoogle(), [...rules, "theirs: ALLOW acme-tools"]);
            const { rules: found } = [...stack.sandbox.cloud.project(project).repositories.values()].find(
                ({ id }) => id === "python-public",
            )!;
            assert.equal(found.get("block-core")?.condition, undefined);
            await stack.up("--expect-no-changes");
            await stack.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes");
            assert.deepEqual(changes(), []);

            // A rule that nobody named stays, and the update fails.
            const names = ["acme-core", "acme-new", "acme-tools"];
            await stack.configure(adopted(names, { "acme-core": "block-core" }));
            await assert.rejects(stack.up(), /exists/);
            assert.deepEqual(await rulesAtGoogle(), [...rules, "theirs: ALLOW acme-tools"]);
            await stack.configure(adopted(names, { "acme-core": "block-core", "acme-tools": "theirs" }));
            await stack.up();
            assert.deepEqual(await rulesAtGoogle(), [...rules, "theirs: DENY acme-tools"]);
            await stack.up("--refresh", "--expect-no-changes");

            await stack.pulumi("destroy", "--yes", "--skip-preview");
            assert.deepEqual(repositoriesAtGoogle(), ["shared"]);
        });

        it("is refused with a rule for a different package, and with a missing one, before anything is changed", async () => {
            await create();
            changes();
            await stack.init(adopted(["acme-core"], { "acme-core": "theirs" }));
            await assert.rejects(
                stack.pulumi("preview"),
                /theirs is for the package acme-tools, not for the package acme-core/,
            );
            await assert.rejects(stack.up(), /theirs is for the package acme-tools/);
            await stack.configure({
                ...common,
                internalPackages: ["acme-new"],
                mirror: { upstream, existing: "use" },
            });
            await assert.rejects(stack.up(), /rules\/package-acme-new/);
            assert.deepEqual(changes(), []);
        });

        it("is left to its owner if it is used", async () => {
            await create();
            const before = settingsAtGoogle();
            await stack.init({
                ...common,
                internalPackages: [],
                mirror: { upstream, existing: "use" },
            });
            await stack.up();
            assert.deepEqual(readersOf("python-all"), ["group:dev@example.com"]);
            await stack.up("--refresh", "--expect-no-changes");
            await stack.pulumi("destroy", "--yes", "--skip-preview");
            assert.deepEqual(settingsAtGoogle(), before);
            assert.deepEqual(readersOf("python-all") ?? [], []);
            assert.equal((await rulesAtGoogle()).length, 2);
        });
    });
});
