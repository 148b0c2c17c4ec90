import * as v from "valibot";
import { parseEntry } from "./entry";
import { isRecord } from "./schema";
import { formatJson, type FormatValue, type ReportMistake, typeMismatch } from "./wording";

// `cooldown`: how old a public version must be. Only a registry with a cooldown loads this file.

const maxDays = 365;
const allowed = `a whole number of days, 1 to ${maxDays}`;
const isDays = (value: number) => Number.isInteger(value) && value >= 1 && value <= maxDays;

const entries = {
    days: v.pipe(
        v.number(({ input }) => {
            const days = meantDays(input);
            const meant = days === undefined ? "" : ` Did you mean ${days}?`;
            return `${typeMismatch(input, "a number")} Allowed: ${allowed}.${meant}`;
        }),
        v.check(
            isDays,
            ({ input }) =>
                `is not valid. Allowed: ${allowed}.${input === 0 ? " For no cooldown, remove the whole setting." : ""}`,
        ),
    ),
};

/** Reports mistakes in `cooldown`, also together with `publicPackages`. */
export function cooldownMistakes(
    { cooldown, publicPackages }: Readonly<Record<string, unknown>>,
    report: ReportMistake,
    formatValue: FormatValue,
): void {
    if (isRecord(cooldown)) {
        const format = (value: unknown) => formatValue("cooldown", value);
        const { mistakes } = parseEntry(entries, cooldown, "of cooldown", format);
        for (const [path, input, message] of mistakes) report(["cooldown", ...path], input, message);
    } else {
        const days = meantDays(cooldown);
        const meant = days === undefined ? "" : ` Did you mean ${formatJson({ days })}?`;
        const message = `${typeMismatch(cooldown, "a map")} Allowed: {days: N}, with ${allowed}.${meant}`;
        report(["cooldown"], cooldown, message);
    }
    const withPypi = "Allowed: only with publicPackages: pypi.";
    if (publicPackages === "mirror") {
        report(
            ["cooldown"],
            undefined,
            "cannot be set with publicPackages: mirror, because the registry does not say when a public package was uploaded: uv and PDM would " +
                `refuse all of them, and Poetry and Pipenv would take all of them. ${withPypi}`,
        );
    }
    if (publicPackages === "none") {
        report(
            ["cooldown"],
            undefined,
            `has no effect with publicPackages: none, because no public package comes in. ${withPypi}`,
        );
    }
}

/** The days that someone meant with 7, "7", "7 days", "7d", "P7D" or "1 week"; undefined if that is no valid number of them. */
function meantDays(value: unknown): number | undefined {
    if (typeof value !== "string" && typeof value !== "number") return undefined;
    const [, count, unit = "d"] = /^p?(\d{1,3})\s*(?:(d|w)[a-z]*)?$/i.exec(String(value).trim()) ?? [];
    const days = Number(count) * (unit.toLowerCase() === "w" ? 7 : 1);
    return isDays(days) ? days : undefined;
}
