import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Permission, permissions } from "../packages/sandbox/src/google/roles";

// docs/deployer.md: the roles and permissions that the tests give to their operators.

const page = readFileSync(join(__dirname, "..", "docs", "deployer.md"), "utf8");

/** A role that the deployer needs, and what an account for previews needs in its place. */
export interface DeployerRole {
    readonly need: string;
    readonly role: string;
    /** Of the first rows: project, repository or account. */
    readonly on: string;
    readonly permissions: readonly Permission[];
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

const allRoles: readonly DeployerRole[] = rows("Roles and permissions").map(
    ([need = "", role = "", on = "", used, plain, refresh]) => ({
        need,
        role: role.replaceAll("`", ""),
        on: on.replace("the ", ""),
        permissions: permissionsIn(used),
        plain: permissionsIn(plain),
        refresh: permissionsIn(refresh),
    }),
);
const isOptional = ({ need }: DeployerRole) => /^(?:a mirror|`encryption`|`auditLogs`)/.test(need);

/** The rows about a repository, accounts, keys and CI systems. */
export const deployerRoles = allRoles.filter((each) => !isOptional(each));

/** The rows about what only some registries have. */
export const optionalRoles = allRoles.filter(isOptional);

/** Everything that a preview of a stack without the optional rows uses, sorted. */
export const previewRole: readonly Permission[] = sorted(
    deployerRoles.flatMap(({ plain, refresh }) => [...plain, ...refresh]),
);

/** Each permission once, sorted. */
export function sorted(all: readonly Permission[]): Permission[] {
    return [...new Set(all)].sort();
}

/** The commands of the page, one line each. */
export const commands: readonly string[] = [...page.matchAll(/^```bash\n([^]*?)^```$/gm)].flatMap(
    ([, block = ""]) => block.replaceAll(/\\\n/g, "").trimEnd().split("\n"),
);
