import table from "./predefined-roles.json";

// What roles can do: Google's predefined roles by a table, custom ones by their permissions. update-roles.cjs writes the table.

/** What a role lets a principal do that it should not share with many others. */
export type Power = "upload" | "impersonate";

const powers: readonly Power[] = ["upload", "impersonate"];

/** For messages: what a role can do. */
export const abilities: Readonly<Record<Power, string>> = {
    upload: "can upload",
    impersonate: "can act as service accounts, or change who can",
};

/** The permissions to read the content of repositories, or to change it. */
const contentPermissions: ReadonlySet<string> = new Set([
    ...table.permissions.upload,
    "artifactregistry.files.download",
    "artifactregistry.repositories.downloadArtifacts",
]);

/** Whether a role is one of Google's, and not a custom one. */
export function isPredefined(role: string): boolean {
    return role.startsWith("roles/");
}

/**
 * What a predefined role can do: a power, or "other" for a role without one of them. Undefined for a role that the table does
 * not have, because Google added it later.
 */
export function findPower(role: string): Power | "other" | undefined {
    const [, service = "", name = ""] = /^roles\/([^.]+)\.?(.*)$/.exec(role) ?? [];
    return ([...powers, "other"] as const).find((power) => {
        const names = (table.roles[power] as Readonly<Record<string, string>>)[service];
        return names?.split(" ").includes(name);
    });
}

/** The permissions among these that let a principal upload or act as a service account. */
export function powerfulPermissions(permissions: readonly string[]): string[] {
    return permissions.filter((each) => powers.some((power) => table.permissions[power].includes(each)));
}

/** The permissions among these that open the content of repositories. */
export function repositoryPermissions(permissions: readonly string[]): string[] {
    return permissions.filter((each) => contentPermissions.has(each));
}

/** Whether a predefined role on a project gives access to the content of all its repositories. */
export function opensRepositories(role: string): boolean {
    return (
        /^roles\/(?:artifactregistry\..*|owner|editor|viewer|admin|writer|reader)$/.test(role) ||
        findPower(role) === "upload"
    );
}
