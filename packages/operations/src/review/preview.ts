import { execa } from "execa";
import type { PulumiCli } from "../pulumi-cli";

/** What to preview. */
export interface PreviewOptions {
    readonly stack: string;
    /** Folders of policy packs. */
    readonly policyPacks?: readonly string[];
    /** For each policy pack, the file with its configuration. */
    readonly policyPackConfigs?: readonly string[];
    /** Whether to compare with what exists, and not only with the state. */
    readonly refresh?: boolean;
    /** The project's folder. Default: the current one. */
    readonly directory?: string;
    readonly environment?: Readonly<Record<string, string>>;
}

/** What the CLI printed and how it ended. Only what `parseEvents` reads of it may be shown. */
export interface CliPreview {
    /** The engine's events, one on each line. */
    readonly events: string;
    readonly stderr: string;
    readonly exitCode: number;
}

/**
 * Previews a stack.
 *
 * The source is the engine's events, as `pulumi preview --json` streams them. Compared on the real CLI, the document that
 * `--json` prints by default has no policy findings and no new value of a stack's outputs, so neither the access nor the
 * files could be compared. The log of `--event-log` has the same events as the stream, but only a CLI in debug mode writes it.
 */
export async function preview(
    { environment: ofCli }: PulumiCli,
    {
        stack,
        policyPacks = [],
        policyPackConfigs = [],
        refresh = false,
        directory = process.cwd(),
        environment,
    }: PreviewOptions,
): Promise<CliPreview> {
    const args = [
        ...["preview", "--json", "--non-interactive", "--color=never", "--stack", stack],
        ...(refresh ? ["--refresh"] : []),
        ...policyPacks.flatMap((pack) => ["--policy-pack", pack]),
        ...policyPackConfigs.flatMap((config) => ["--policy-pack-config", config]),
    ];
    const { stdout, stderr, exitCode } = await execa("pulumi", args, {
        cwd: directory,
        env: { ...ofCli, ...environment, PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true" },
        stdin: "ignore",
        reject: false,
    });
    return { events: stdout, stderr, exitCode: exitCode ?? 1 };
}
