import { isDeleted, type Verdict } from "./evaluate";

/** What a report is about. */
export interface Source {
    /** Resource name of the repository. */
    readonly repository: string;
    /** Where the policies come from, in words. */
    readonly from: string;
    readonly dryRun: boolean;
    /** The number of policies. */
    readonly policies: number;
    readonly now: Date;
}

const dayMilliseconds = 86_400_000;

/** A table of the versions that would be deleted, and a summary. */
export function renderReport(verdicts: readonly Verdict[], source: Source): string {
    const deleted = verdicts.filter(isDeleted);
    const rows = deleted.map(({ version: { package: name, version, created }, deletedBy }) => [
        name,
        version,
        created.toISOString().slice(0, 10),
        `${Math.floor((source.now.getTime() - created.getTime()) / dayMilliseconds)}d`,
        deletedBy.join(", "),
    ]);
    const emptied = emptiedPackages(verdicts);
    const packages = new Set(verdicts.map(({ version }) => version.package)).size;
    return [
        `Repository ${source.repository}`,
        `Policies: ${source.policies}, ${source.from}`,
        "",
        ...(rows.length === 0
            ? []
            : [...table([["PACKAGE", "VERSION", "UPLOADED", "AGE", "DELETED BY"], ...rows]), ""]),
        `${count(deleted.length, "version")} of ${verdicts.length} in ${count(packages, "package")} would be deleted.`,
        ...(emptied.length === 0 ? [] : [`No version is left of: ${emptied.join(", ")}`]),
        source.dryRun
            ? "dryRun is true: the service deletes nothing."
            : "dryRun is false: the service deletes them, within about a day.",
        "",
    ].join("\n");
}

/** The same as JSON. */
export function renderJson(verdicts: readonly Verdict[], source: Source): string {
    const { repository, from, dryRun, now } = source;
    const report = {
        repository,
        policies: from,
        dryRun,
        time: now.toISOString(),
        versions: verdicts.length,
        deleted: verdicts
            .filter(isDeleted)
            .map(({ version: { package: name, version, created }, deletedBy }) => ({
                package: name,
                version,
                created: created.toISOString(),
                deletedBy,
            })),
        emptiedPackages: emptiedPackages(verdicts),
    };
    return `${JSON.stringify(report, undefined, 2)}\n`;
}

/** The packages all of whose versions would be deleted. */
function emptiedPackages(verdicts: readonly Verdict[]): string[] {
    return [...Map.groupBy(verdicts, ({ version }) => version.package)]
        .filter(([, ofPackage]) => ofPackage.every(isDeleted))
        .map(([name]) => name);
}

function count(number: number, noun: string): string {
    return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Columns of the width of their longest cell. */
function table(rows: readonly (readonly string[])[]): string[] {
    const widths =
        rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
    return rows.map((row) =>
        row
            .map((cell, column) => cell.padEnd(widths[column] ?? 0))
            .join("  ")
            .trimEnd(),
    );
}
