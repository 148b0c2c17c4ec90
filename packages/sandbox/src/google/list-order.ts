import type { Context } from "hono";
import { camelCase, GoogleError } from "./google-api";

/** What a list has: its fields are text. */
type Item = Readonly<Record<string, unknown>>;

/**
 * Those of the items that the query's `filter` wants, in the order of its `orderBy`; without one, by name.
 * https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories.files/list
 *
 * @param fields that a filter can name
 * @throws GoogleError INVALID_ARGUMENT for a filter or an order that the sandbox does not support
 */
export function selected<T extends Item>(c: Context, items: readonly T[], fields: readonly string[]): T[] {
    const matches = parseFilter(c.req.query("filter") ?? "", fields);
    const [field = "", direction = "asc"] = (c.req.query("orderBy") || "name").split(" ");
    const name = camelCase(field);
    if (!["name", "createTime", "updateTime"].includes(name) || !["asc", "desc"].includes(direction)) {
        throw new GoogleError("INVALID_ARGUMENT", `The sandbox does not order by "${field} ${direction}".`);
    }
    const sign = direction === "asc" ? 1 : -1;
    return items.filter(matches).sort((a, b) => sign * compare(a[name], b[name]));
}

/** `owner="projects/…"`, with `*` for anything; upper and lower case are the same. */
function parseFilter(filter: string, fields: readonly string[]): (item: Item) => boolean {
    if (filter === "") return () => true;
    const [, field = "", wanted = ""] = /^\s*(\w+)\s*=\s*"([^"]*)"\s*$/.exec(filter) ?? [];
    if (!fields.includes(field)) {
        throw new GoogleError("INVALID_ARGUMENT", `The sandbox does not support the filter ${filter}.`);
    }
    const parts = wanted.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`));
    // The owner of the versions of a package is the package.
    const end = field === "owner" ? "(/versions/[^/]+)?" : "";
    const pattern = new RegExp(`^${parts.join(".*")}${end}$`, "i");
    return (item) => typeof item[field] === "string" && pattern.test(item[field]);
}

/** By code units, as the service orders names. */
function compare(a: unknown, b: unknown): number {
    if (typeof a !== "string" || typeof b !== "string" || a === b) return 0;
    return a < b ? -1 : 1;
}
