import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { predefinedRoles } from "../../packages/sandbox/src/google/roles";
import { methods } from "../documented-permissions";
import { commands, deployerRoles, optionalRoles, previewRole } from "../deployer-page";

describe("docs/deployer.md", () => {
    it("names roles that have the permissions", () => {
        assert.ok(deployerRoles.length >= 8 && optionalRoles.length >= 6);
        for (const { role, permissions } of [...deployerRoles, ...optionalRoles]) {
            const contents = predefinedRoles.get(role) ?? [];
            assert.ok(permissions.length > 0);
            assert.deepEqual(
                permissions.filter((each) => !contents.includes(each)),
                [],
                role,
            );
        }
    });

    it("names no role that the others replace", () => {
        for (const { role, on, permissions } of deployerRoles) {
            const others = deployerRoles
                .filter((each) => each.on === on && each.role !== role)
                .flatMap((each) => predefinedRoles.get(each.role) ?? []);
            assert.ok(!permissions.every((each) => others.includes(each)), role);
        }
    });

    it("has a command for every role, and for no other", () => {
        const granted = commands.flatMap((line) => {
            const [, on = ""] =
                /^gcloud (projects|artifacts repositories|iam service-accounts) add-iam-policy-binding /.exec(
                    line,
                ) ?? [];
            const [, role = ""] = / --role=(roles\/\S+)$/.exec(line) ?? [];
            assert.ok(on === "" || line.includes('--member="$'), line);
            return role === "" ? [] : [`${role} on ${on}`];
        });
        const places: Readonly<Record<string, string>> = {
            project: "projects",
            repository: "artifacts repositories",
            account: "iam service-accounts",
        };
        assert.deepEqual(
            granted,
            deployerRoles.map(({ role, on }) => `${role} on ${places[on]}`),
        );
    });

    it("makes a custom role with exactly the permissions that previews use, none of which changes anything", () => {
        const [, permissions = ""] =
            /--permissions=(\S+)$/.exec(commands.find((line) => line.includes("iam roles create")) ?? "") ??
            [];
        assert.deepEqual(permissions.split(","), previewRole);
        const changing: readonly string[] = methods
            .filter(({ changes }) => changes)
            .map(({ permission }) => permission);
        assert.deepEqual(
            previewRole.filter((each) => changing.includes(each)),
            [],
        );
        for (const { plain, refresh } of [...deployerRoles, ...optionalRoles]) {
            assert.ok(![...plain, ...refresh].some((each) => changing.includes(each)));
            assert.deepEqual(
                plain.filter((each) => refresh.includes(each)),
                [],
            );
        }
    });

    it("is short", () => {
        const page = readFileSync(join(__dirname, "..", "..", "docs", "deployer.md"), "utf8");
        assert.ok(page.trimEnd().split("\n").length <= 80);
    });
});
