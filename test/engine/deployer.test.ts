import assert from "node:assert/strict";
import type { Permission } from "../../packages/sandbox/src/google/roles";
import {
    asOperator,
    createExisting,
    createOptional,
    existingRoles,
    existingStack,
    grantPermissions,
    grantRoles,
    ofOperator,
    optionalRows,
    optionalStack,
    ownRoles,
    ownStack,
    getPermissions,
    project,
    repositoryRoles,
} from "../deployer";
import { deployerRoles, previewRole, sorted } from "../deployer-page";
import { isRefusal, methods, permissionsNeeded } from "../documented-permissions";
import { itInRelease } from "../release";
import { type EngineStack, openForEachTest } from "./engine-stack";

// The roles and permissions of docs/deployer.md, with the real CLI and the real Google provider.

describe("the deployer in the real engine", () => {
    let stack: EngineStack;
    openForEachTest((opened) => (stack = opened));
    beforeEach(() => {
        stack.endpoints = asOperator(stack.sandbox);
        seen = 0;
    });

    let seen = 0;
    /** What the operator needed since the last call. */
    const needed = (): Permission[] => {
        const since = stack.sandbox.requests.slice(seen);
        seen = stack.sandbox.requests.length;
        return permissionsNeeded(ofOperator(since));
    };
    const getMessage = async (command: Promise<unknown>): Promise<string> => {
        const error: unknown = await command.then(
            () => assert.fail("it should fail"),
            (reason: unknown) => reason,
        );
        return (error as Error).message;
    };
    const usedBy = (need: RegExp, ...columns: readonly ("plain" | "refresh")[]) =>
        sorted(
            deployerRoles
                .filter((row) => need.test(row.need))
                .flatMap((row) => columns.flatMap((column) => row[column])),
        );
    const destroy = () => stack.pulumi("destroy", "--yes", "--skip-preview");

    it("brings a stack up, rotates its key, and destroys it, with the roles of the page", async () => {
        grantRoles(stack.sandbox, ownRoles);
        await stack.init(ownStack(["a"]));
        await stack.up();
        await stack.up("--refresh", "--expect-no-changes");
        await stack.configure(ownStack(["a", "b"]));
        await stack.up();
        await stack.configure(ownStack(["b"], [11, 22]));
        await stack.up();
        await destroy();
        // It uses all permissions in the table, and no other: a custom role with these is enough.
        assert.deepEqual(needed(), getPermissions(ownRoles));
        const { repositories, serviceAccounts } = stack.sandbox.cloud.project(project);
        assert.deepEqual([repositories.size, serviceAccounts.size], [0, 0]);
    });

    for (const missing of ownRoles) {
        it(`fails without ${missing.role}, with the service's message`, async () => {
            const others = ownRoles.filter((each) => each !== missing);
            grantRoles(stack.sandbox, others);
            await stack.init(ownStack(["a"]));
            const message = await getMessage(stack.up());
            const refused = (all: readonly Permission[]) => all.filter((each) => isRefusal(message, each));
            assert.notDeepEqual(refused(missing.permissions), [], message);
            assert.deepEqual(refused(getPermissions(others)), [], message);
        });
    }

    it("fails at a key that it may not read back", async () => {
        const missing = "iam.serviceAccountKeys.get";
        grantPermissions(
            stack.sandbox,
            getPermissions(ownRoles).filter((each) => each !== missing),
        );
        await stack.init(ownStack(["a"]));
        const message = await getMessage(stack.up());
        assert.ok(isRefusal(message, missing), message);
    });

    it("works on existing resources with roles on these only", async () => {
        await createExisting(stack.sandbox);
        grantRoles(stack.sandbox, existingRoles);
        await stack.init(existingStack(["a"]));
        await stack.up();
        await stack.configure(existingStack(["b"]));
        await stack.up();
        await destroy();
        assert.deepEqual(needed(), getPermissions(existingRoles));
        const { repositories, serviceAccounts } = stack.sandbox.cloud.project(project);
        assert.deepEqual([repositories.size, serviceAccounts.size], [1, 1]);
    });

    describe("of a stack with a mirror, encryption and audit logs", () => {
        const rows = optionalRows("a mirror", "a mirror with a login", "`encryption`", "`auditLogs`");
        const own = sorted(rows.flatMap(({ permissions }) => permissions));
        const base = getPermissions(repositoryRoles);
        beforeEach(() => {
            createOptional(stack.sandbox);
        });

        it("brings it up, and destroys it, with the permissions of the page", async () => {
            const previewed = sorted([...repositoryRoles, ...rows].flatMap(({ plain }) => plain));
            grantPermissions(stack.sandbox, previewed);
            await stack.init(optionalStack);
            await stack.pulumi("preview");
            assert.deepEqual(needed(), previewed);
            grantPermissions(stack.sandbox, sorted([...base, ...own]));
            await stack.up();
            needed();

            const refreshed = sorted(
                [...repositoryRoles, ...rows].flatMap(({ plain, refresh }) => [...plain, ...refresh]),
            );
            grantPermissions(stack.sandbox, refreshed);
            await stack.pulumi("preview", "--refresh");
            assert.deepEqual(needed(), refreshed);

            grantPermissions(stack.sandbox, sorted([...base, ...own]));
            await stack.up("--refresh", "--expect-no-changes");
            await destroy();
            assert.equal(stack.sandbox.cloud.project(project).repositories.size, 0);
            const others = sorted([...base, ...own]);
            assert.deepEqual(
                needed().filter((each) => !others.includes(each)),
                [],
            );
        });

        for (const missing of own.filter((each) => !base.includes(each) && !each.endsWith(".delete"))) {
            itInRelease(`fails without ${missing}, with the service's message`, async () => {
                grantPermissions(
                    stack.sandbox,
                    sorted([...base, ...own]).filter((each) => each !== missing),
                );
                await stack.init(optionalStack);
                const message = await getMessage(stack.up());
                assert.ok(isRefusal(message, missing), message);
            });
        }
    });

    it("previews with permissions that change nothing, and needs each of them", async () => {
        grantRoles(stack.sandbox, ownRoles);
        await stack.init(ownStack(["a"]));
        await stack.up();
        needed();

        const own = /^(?!an existing)/;
        grantPermissions(stack.sandbox, previewRole);
        await stack.configure(ownStack(["a", "b"]));
        await stack.pulumi("preview");
        assert.deepEqual(needed(), usedBy(own, "plain"));
        await stack.pulumi("preview", "--refresh");
        assert.deepEqual(needed(), usedBy(own, "plain", "refresh"));
        assert.deepEqual(usedBy(own, "plain", "refresh"), previewRole);

        for (const missing of previewRole) {
            grantPermissions(
                stack.sandbox,
                previewRole.filter((each) => each !== missing),
            );
            const preview = stack.pulumi("preview", "--refresh");
            if (missing === "iam.serviceAccountKeys.get") {
                // The provider reports no error: it considers a key that it may not read as deleted.
                assert.match(await preview, /gcp:serviceaccount:Key registry-python-publisher-a create/);
                continue;
            }
            const message = await getMessage(preview);
            assert.ok(isRefusal(message, missing), `${missing}:\n${message}`);
        }

        // Whatever it runs changes nothing in the project. The state is a different matter: see the page.
        grantPermissions(stack.sandbox, previewRole);
        needed();
        const before = JSON.stringify(getState(stack));
        await stack.configure(ownStack(["b"], [22]));
        assert.match(await getMessage(stack.up()), /denied on resource/);
        assert.match(await getMessage(destroy()), /denied on resource/);
        assert.equal(JSON.stringify(getState(stack)), before);
        const changing: readonly string[] = methods
            .filter(({ changes }) => changes)
            .map(({ permission }) => permission);
        const attempts = ofOperator(stack.sandbox.requests.slice(seen)).filter((request) =>
            changing.includes(permissionsNeeded([request])[0] ?? ""),
        );
        assert.ok(attempts.length >= 2);
        assert.deepEqual(
            attempts.filter(({ status }) => status !== 403),
            [],
        );
    });

    it("previews a stack with existing resources", async () => {
        await createExisting(stack.sandbox);
        await stack.init(existingStack(["a"]));
        grantPermissions(stack.sandbox, previewRole);
        await stack.pulumi("preview");
        assert.deepEqual(needed(), usedBy(/^an existing/, "plain"));
    });
});

/** What the stack has in the project, without what changes by itself. */
function getState({ sandbox }: EngineStack): unknown {
    const { repositories, serviceAccounts, workloadIdentityPools, services } = sandbox.cloud.project(project);
    return [
        [...repositories.values()].map(({ settings, policy }) => ({ settings, policy })),
        [...serviceAccounts.values()].map(({ policy, displayName, keys }) => ({
            policy,
            displayName,
            keys: [...keys.keys()],
        })),
        [...workloadIdentityPools.values()].map(({ settings, providers }) => ({
            settings,
            providers: [...providers.values()].map((each) => each.settings),
        })),
        [...services],
    ];
}
