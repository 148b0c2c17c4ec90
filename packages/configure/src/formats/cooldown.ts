import { asTable, readToml, type Toml } from "./toml";

// How long tools wait before they take a new version, as their files say it.

/** The settings of uv and pdm, of poetry, and of pipenv. In an index of uv, it is for that index only. */
const settings = ["exclude-newer", "min-release-age", "cool-down-period"];

const hours: Readonly<Record<string, number>> = { w: 7 * 24, d: 24, h: 1, m: 1 / 60, s: 1 / 3600 };
const day = 24 * 3600 * 1000;

/**
 * The days that a value of such a setting makes the tool wait: `"7 days"`, `"7d"`, `"P7D"`, `"PT12H"`, 7, or the time of the newest
 * version. The days for a time grow: here they are those until now.
 *
 * @returns undefined if the value is none of these
 */
export function daysToWait(value: Toml): number | undefined {
    if (value === false) return 0;
    if (typeof value === "number" || typeof value === "bigint") return Number(value);
    const time =
        value instanceof Date
            ? value.getTime()
            : typeof value === "string" && /^\d{4}-\d\d-\d\d/.test(value)
              ? Date.parse(value)
              : undefined;
    if (time !== undefined) return Number.isNaN(time) ? undefined : Math.max(0, (Date.now() - time) / day);
    if (typeof value !== "string") return undefined;
    const text = value.trim();
    if (/^\d+$/.test(text)) return Number(text);
    // Months are not of one length, and no tool takes them.
    if (/^p[^t]*\dm/i.test(text) || !/^p?(?:t?\s*\d+(?:\.\d+)?\s*[a-z]+[\s,]*)+$/i.test(text))
        return undefined;
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/gi)].map(([, count, unit = ""]) => {
        const known =
            /^(?:w|d|h|m|s)$|^(?:weeks?|days?|hours?|hrs?|minutes?|mins?|seconds?|secs?)$|^dt$/i.test(unit);
        return known ? Number(count) * (hours[unit.charAt(0).toLowerCase()] ?? NaN) : NaN;
    });
    const total = parts.reduce((sum, each) => sum + each, 0);
    return Number.isNaN(total) ? undefined : total / 24;
}

/** Whether a generated setting makes a tool wait. It does not where it is for our own index. */
export function isCooldown(key: string | number | undefined, value: Toml): boolean {
    return settings.includes(String(key)) && value !== false;
}

/** The days that a TOML text makes its tool wait; undefined if it sets nothing. */
export function cooldownIn(text: string): number | undefined {
    const data = readToml(text);
    const tools = asTable(data["tool"]) ?? {};
    const tables = [
        data,
        asTable(tools["uv"]),
        asTable(asTable(tools["pdm"])?.["resolution"]),
        asTable(data["solver"]),
        asTable(data["pipenv"]),
    ];
    const values = tables.flatMap((table) =>
        settings.flatMap((key) => {
            const value = table?.[key];
            return value === undefined ? [] : [daysToWait(value) ?? 0];
        }),
    );
    return values[0];
}
