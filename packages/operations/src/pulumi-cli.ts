import { execa } from "execa";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";

const root = join(__dirname, "..", "..", "..");

/** Where to find a Pulumi CLI. */
export interface PulumiCli {
    readonly command: readonly [file: string, ...args: string[]];
    readonly version: string;
    readonly environment: Readonly<Record<string, string>>;
}

/** What this machine lacks to run Pulumi; completes a sentence such as "this machine lacks …". */
export interface Missing {
    readonly missing: string;
}

/**
 * Finds a Pulumi CLI with the Google provider: a `pulumi` on PATH, else the npm launcher, which downloads the CLI on
 * first use.
 */
export async function findPulumi(onProgress?: (line: string) => void): Promise<PulumiCli | Missing> {
    // npm puts node_modules/.bin in front, where `pulumi` is the launcher.
    const path = (process.env["PATH"] ?? "")
        .split(delimiter)
        .filter((directory) => !directory.includes("node_modules"));
    const environment = {
        PULUMI_SKIP_UPDATE_CHECK: "true",
        // The pinned Node, on which everything is tested, runs the program.
        PATH: [join(root, "node_modules", "node", "bin"), ...path].join(delimiter),
    };
    const launcher = join(root, "node_modules", "pulumi", "run.js");
    for (const command of [["pulumi"], [process.execPath, launcher]] as const) {
        if (command.length > 1) {
            onProgress?.(
                "There is no pulumi on PATH. Trying the npm package pulumi, which downloads the CLI on first use",
            );
        }
        const version = await runCli({ command, environment }, ["version"]);
        if (version.exitCode !== 0) {
            continue;
        }
        const cli = { command, version: version.stdout.trim(), environment };
        return (await hasGoogleProvider(cli, onProgress))
            ? cli
            : { missing: "the plugin of the Google provider (the download failed)" };
    }
    return { missing: "the Pulumi CLI (the download failed)" };
}

async function hasGoogleProvider(cli: PulumiCli, onProgress?: (line: string) => void): Promise<boolean> {
    const manifest = await readFile(join(root, "node_modules", "@pulumi", "gcp", "package.json"), "utf8");
    const { version } = JSON.parse(manifest) as { version: string };
    const installed = await runCli(cli, ["plugin", "ls", "--json"]);
    const plugins = (installed.exitCode === 0 ? JSON.parse(installed.stdout) : []) as {
        name: string;
        version: string;
    }[];
    if (plugins.some((plugin) => plugin.name === "gcp" && plugin.version === version)) {
        return true;
    }
    // Pulumi uses a plugin on PATH as it is.
    if (
        (cli.environment["PATH"] ?? "")
            .split(delimiter)
            .some((at) => existsSync(join(at, "pulumi-resource-gcp")))
    ) {
        return true;
    }
    onProgress?.(`Installing the Google provider ${version}`);
    const install = await runCli(cli, ["plugin", "install", "resource", "gcp", version]);
    return install.exitCode === 0;
}

/** Runs the CLI outside any project and waits for its end, also if it fails. A download may take minutes. */
function runCli(
    { command, environment }: Pick<PulumiCli, "command" | "environment">,
    args: readonly string[],
) {
    const [file, ...first] = command;
    return execa(file, [...first, ...args], {
        env: environment,
        reject: false,
        stdin: "ignore",
        timeout: 1_200_000,
    });
}
