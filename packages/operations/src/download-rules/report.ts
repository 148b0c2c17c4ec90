import { styleText } from "node:util";
import { control, denied, type PackageAnswers } from "./observe";
import type { Leftover } from "./resources";
import type { Finding, TrialResources } from "./trial";
import type { Verdict } from "./verdict";

/** What the trial would create, for a person who has to agree. */
export function renderIntention({ remote, rule, virtual }: TrialResources): string {
    return [
        "This creates, and deletes in the end:",
        `  ${remote.name}, a remote repository that fetches from PyPI`,
        `  ${rule.name}, a rule that denies the download of ${denied.name}`,
        `  ${virtual.name}, a virtual repository in front of it`,
        "Nothing else in the project changes. It takes some minutes.",
    ].join("\n");
}

/** What the trial found out: the answers, which of the possibilities it is, and what that means for a mirror. */
export function renderFinding(
    { verdict, answers: { remote, virtual }, roots }: Finding,
    stream: NodeJS.WriteStream,
): string {
    const rows = [
        ["", "remote repository", "virtual repository"],
        [`${denied.name} (denied)`, describe(remote.denied), describe(virtual.denied)],
        [`${control.name} (no rule)`, describe(remote.control), describe(virtual.control)],
        ["the index's own page", describeStatus(roots.remote), describeStatus(roots.virtual)],
    ];
    const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
    const table = rows.map((row) =>
        row
            .map((cell, column) => cell.padEnd(widths[column] ?? 0))
            .join("   ")
            .trimEnd(),
    );
    const [isGood, ...meaning] = explain(verdict);
    const title = `Result: ${verdict.index}, rules ${verdict.rules}`;
    return [
        ...table,
        "",
        styleText(isGood ? "green" : "red", title, { stream }),
        ...meaning.map((line) => `  ${line}`),
        "For each tool, see docs/clients.md, Behind a mirror. About the settings, see docs/public-packages.md.",
    ].join("\n");
}

/** What a verdict means for internalPackages behind a mirror: whether it protects, and lines. */
export function explain({ index, rules, isListedByVirtual }: Verdict): readonly [boolean, ...string[]] {
    const listing = `The index of the remote repository ${index === "listed" ? "still lists" : "does not list"} a package that a rule denies.`;
    if (rules === "ignored") {
        return [
            false,
            listing,
            "The virtual repository ignores the rule: it serves the package that the rule denies.",
            "With publicPackages: mirror, internalPackages are not protected: tools install a public package with an internal name",
            "and a higher version. Use publicPackages: none.",
        ];
    }
    return [
        true,
        listing,
        "The rule also holds for downloads through the virtual repository.",
        "With publicPackages: mirror, internalPackages are protected: no tool can download a public package with an internal name.",
        ...(isListedByVirtual
            ? [
                  "The virtual repository's index lists it: if its version is higher, tools choose it and fail. Pin your version, as in acme-core==1.0.0.",
              ]
            : ["The virtual repository's index does not list it: tools install yours."]),
    ];
}

/** What is left, and how to delete it. */
export function renderLeftovers(left: readonly Leftover[], project: string): string {
    if (left.length === 0) return `Nothing is left: Artifact Registry has none of it in ${project}`;
    return [
        `${left.length} of the resources can still be there:`,
        ...left.flatMap(({ resource: { title, name, deletion }, why }) => [
            `  ${title} ${name}: ${why}`,
            `    ${deletion}`,
        ]),
    ].join("\n");
}

function describe({ isListed, download }: PackageAnswers): string {
    return `${isListed ? "listed" : "not listed"}, download ${describeStatus(download)}`;
}

function describeStatus(status: number | undefined): string {
    return status === undefined ? "without an answer" : String(status);
}
