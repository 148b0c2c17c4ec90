import { styleText } from "node:util";

/** One result of a check. */
export interface Finding {
    /** Absent for what concerns the whole machine. */
    readonly tool?: string;
    /**
     * `ok`: a tool or a service said so. `skipped`: it was not tried, which is neither good nor bad. `notice`: a fact that a person has to
     * judge, and that nothing on this machine changes.
     */
    readonly status: "ok" | "warning" | "problem" | "skipped" | "notice";
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
        | "index"
        | "cooldown"
        | "publish"
        | "names";
    readonly message: string;
    readonly fix?: string;
}

type Subject = Finding["subject"];

export function passed(subject: Subject, message: string): Finding {
    return { status: "ok", subject, message };
}

export function skipped(subject: Subject, message: string): Finding {
    return { status: "skipped", subject, message };
}

export function notice(subject: Subject, message: string, fix: string): Finding {
    return { status: "notice", subject, message, fix };
}

export function warning(subject: Subject, message: string, fix: string): Finding {
    return { status: "warning", subject, message, fix };
}

export function problem(subject: Subject, message: string, fix: string): Finding {
    return { status: "problem", subject, message, fix };
}

/** Whether there is nothing to do. */
export function allWell(findings: readonly Finding[]): boolean {
    return findings.every(({ status }) => status !== "warning" && status !== "problem");
}

/** The findings as a JSON array, or as lines grouped by tool, in colours if a person reads the standard output. */
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
        notice: styled("yellow", "i"),
    };
    const sections = [...new Set(findings.map(({ tool }) => tool))].map((tool) => [
        styled("bold", tool ?? "this machine"),
        ...findings
            .filter((finding) => finding.tool === tool)
            .map(({ status, subject, message, fix }) => {
                const line = `  ${marks[status]} ${subject}: ${message}`;
                return fix === undefined ? line : `${line}\n      ${fix}`;
            }),
    ]);
    return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}
