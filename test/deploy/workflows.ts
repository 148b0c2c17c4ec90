import { execa } from "execa";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { root } from "./repository";

/** A workflow of GitHub, as far as the tests read it. */
export interface Workflow {
    readonly on: unknown;
    readonly permissions: object;
    readonly concurrency?: { readonly "cancel-in-progress": boolean };
    readonly defaults: { readonly run: { readonly shell: string } };
    readonly jobs: Readonly<
        Record<
            string,
            {
                readonly permissions: Readonly<Record<string, string>>;
                readonly if?: string;
                readonly needs?: string | readonly string[];
                readonly environment?: string;
                readonly strategy?: { readonly "max-parallel"?: number };
                readonly concurrency?: { readonly group: string; readonly "cancel-in-progress": boolean };
                /** The workflow that runs instead of steps. */
                readonly uses?: string;
                readonly steps?: readonly {
                    readonly uses?: string;
                    readonly run?: string;
                    readonly if?: string;
                    readonly id?: string;
                    readonly env?: Readonly<Record<string, string>>;
                    readonly with?: Readonly<Record<string, unknown>>;
                }[];
            }
        >
    >;
}

/** The jobs of GitLab in a file. */
export type GitlabFile = Readonly<
    Record<string, { readonly before_script?: readonly string[]; readonly script?: readonly string[] }>
>;

export const githubFiles = [
    "preview.yml",
    "update.yml",
    "update-stack.yml",
    "drift.yml",
    "promote.yml",
] as const;

export function getText(path: string): Promise<string> {
    return readFile(join(root, "packages", "operations", path), "utf8");
}

export async function workflow(name: (typeof githubFiles)[number]): Promise<Workflow> {
    return parse(await getText(`github/${name}`)) as Workflow;
}

/** The commands of a job of GitHub, one text for each step. */
export async function getSteps(name: (typeof githubFiles)[number], job: string): Promise<string[]> {
    const steps = (await workflow(name)).jobs[job]?.steps ?? [];
    return steps.filter((step) => !step.if?.includes("fork")).flatMap(({ run }) => run ?? []);
}

/** The commands of a job of GitLab, with those that it has from `.stack`. They run in one shell. */
export async function getScript(job: string, file = "stacks.yml"): Promise<string> {
    const jobs = parse(await getText(`gitlab/${file}`)) as GitlabFile;
    const before = job === ".review" ? [] : (jobs[".stack"]?.before_script ?? []);
    return [...before, ...(jobs[job]?.script ?? [])].join("\n");
}

/** Runs commands as GitHub's `shell: bash` and GitLab's runner do. */
export function bash(script: string, cwd: string, env: Readonly<Record<string, string>>) {
    return execa("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script], {
        cwd,
        env,
        reject: false,
        all: true,
        stdin: "ignore",
    });
}

/** Writes a command of the runner that a test replaces. */
export async function stub(directory: string, name: string, script: string): Promise<void> {
    await writeFile(join(directory, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
