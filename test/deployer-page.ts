import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Permission, permissions } from "../packages/sandbox/src/google/roles";

// docs/deployer.md: the roles and permissions that the tests give to their operators.

const page = readFileSync(join(__dirname, "..", "docs", "deployer.md"), "utf8");

/** A role that the deployer needs. */
export interface DeployerRole {
    readonly need: string;
    readonly role: string;
    readonly on: "project" | "repository" | "account";
    readonly permissions: readonly Permission[];
}

/** The permissions of a row of the second table. */
export interface PreviewPermissions {
    readonly need: string;
    readonly plain: readonly Permission[];
    readonly refresh: readonly Permission[];
}

/** The cells of the rows of the table below a heading. */
function rows(heading: string): string[][] {
    const [, section = ""] = page.split(`\n## ${heading}\n`);
    const lines = section.split("\n## ")[0]?.match(/^\|.*\|$/gm) ?? [];
    return lines.slice(2).map((line) =>
        line
            .slice(1, -1)
            .split("|")
            .map((cell) => cell.trim()),
    );
}

/** `a.b.{c,d}` in code is `a.b.c` and `a.b.d`. */
export function permissionsIn(cell = ""): Permission[] {
    const known: readonly string[] = permissions;
    return [...cell.matchAll(/`([^`{]+)(?:\{([^}]+)\})?`/g)].flatMap(([, start = "", verbs = ""]) =>
        verbs.split(",").map((verb) => {
            const name = start + verb;
            assert.ok(known.includes(name), `a page has an unknown permission: ${name}`);
            return name as Permission;
        }),
    );
}

export const deployerRoles: readonly DeployerRole[] = rows("Roles for up, key rotation and destroy").map(
    ([need = "", role = "", on = "", used]) => ({
        need,
        role: role.replaceAll("`", ""),
        on: on.replace("the ", "") as DeployerRole["on"],
        permissions: permissionsIn(used),
    }),
);

export const previewPermissions: readonly PreviewPermissions[] = rows("Permissions for previews").map(
    ([need = "", plain, refresh]) => ({
        need,
        plain: permissionsIn(plain),
        refresh: permissionsIn(refresh),
    }),
);

/** Everything that a preview of any stack uses, sorted. */
export const previewRole: readonly Permission[] = sorted(
    previewPermissions.flatMap(({ plain, refresh }) => [...plain, ...refresh]),
);

/** Each permission once, sorted. */
export function sorted(all: readonly Permission[]): Permission[] {
    return [...new Set(all)].sort();
}

/** The commands of the page, one line each. */
export const commands: readonly string[] = [...page.matchAll(/^```bash\n([^]*?)^```$/gm)].flatMap(
    ([, block = ""]) => block.replaceAll(/\\\n/g, "").trimEnd().split("\n"),
);
