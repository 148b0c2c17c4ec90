import { styleText } from "node:util";

/** What was found out. */
export interface Finding {
    /** Absent for what is not one tool's matter. */
    readonly tool?: string;
    /** `skipped`: could not be found out here, which is neither good nor bad. */
    readonly status: "ok" | "warning" | "problem" | "skipped";
    /** For scripts. */
    readonly subject:
        | "tool"
        | "configuration"
        | "provider"
        | "keyring"
        | "identity"
        | "token"
        | "key"
        | "login"
        | "file-mode"
        | "network"
        | "index";
    readonly message: string;
    /** What to do. */
    readonly fix?: string;
}

type Subject = Finding["subject"];
type Of = string | undefined;

/** @param tool undefined for what is not one tool's matter */
export function fine(tool: Of, subject: Subject, message: string): Finding {
    return { ...(tool !== undefined && { tool }), status: "ok", subject, message };
}

export function warning(tool: Of, subject: Subject, message: string, fix: string): Finding {
    return { ...(tool !== undefined && { tool }), status: "warning", subject, message, fix };
}

export function problem(tool: Of, subject: Subject, message: string, fix: string): Finding {
    return { ...(tool !== undefined && { tool }), status: "problem", subject, message, fix };
}

export function skipped(tool: Of, subject: Subject, message: string): Finding {
    return { ...(tool !== undefined && { tool }), status: "skipped", subject, message };
}

/** Whether there is nothing to be done. */
export function allWell(findings: readonly Finding[]): boolean {
    return findings.every(({ status }) => status === "ok" || status === "skipped");
}

/** The findings as JSON, an array; or in lines, tool by tool, coloured if the standard output is for a person. */
export function describe(
    findings: readonly Finding[],
    { json, colours }: { readonly json: boolean; readonly colours: boolean },
): string {
    if (json) return `${JSON.stringify(findings, null, 2)}\n`;
    const styled = (style: Parameters<typeof styleText>[0], text: string) =>
        colours ? styleText(style, text, { stream: process.stdout }) : text;
    const marks = {
        ok: styled("green", "✔"),
        warning: styled("yellow", "!"),
        problem: styled("red", "✘"),
        skipped: styled("dim", "-"),
    };
    return [...byTool(findings)]
        .map(([tool, own]) =>
            [
                styled("bold", tool ?? "this machine"),
                ...own.flatMap(({ status, subject, message, fix }) => [
                    `  ${marks[status]} ${subject}: ${message}`,
                    ...(fix === undefined ? [] : [`      ${fix}`]),
                ]),
            ].join("\n"),
        )
        .join("\n\n")
        .concat("\n");
}

function byTool(findings: readonly Finding[]): Map<string | undefined, Finding[]> {
    const groups = new Map<string | undefined, Finding[]>();
    for (const finding of findings) {
        groups.set(finding.tool, [...(groups.get(finding.tool) ?? []), finding]);
    }
    return groups;
}
