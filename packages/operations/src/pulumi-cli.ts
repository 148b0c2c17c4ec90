import { execa } from "execa";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";

const modules = join(__dirname, "..", "..", "..", "node_modules");

/** A Pulumi CLI. */
export interface PulumiCli {
    readonly version: string;
    /** Environment variables with which the command `pulumi` is this CLI. */
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
    const cli = await findCli(onProgress);
    if ("missing" in cli) return cli;
    return (await hasGoogleProvider(cli.environment, onProgress))
        ? cli
        : { missing: "the plugin of the Google provider (the download failed)" };
}

/** Finds a Pulumi CLI as `findPulumi` does, for what needs no provider. */
export async function findCli(onProgress?: (line: string) => void): Promise<PulumiCli | Missing> {
    // npm puts node_modules/.bin in front, where `pulumi` is the launcher.
    const path = (process.env["PATH"] ?? "")
        .split(delimiter)
        .filter((directory) => !directory.includes("node_modules"));
    const environment = {
        PULUMI_SKIP_UPDATE_CHECK: "true",
        // The pinned Node, on which everything is tested, runs the program.
        PATH: [join(modules, "node", "bin"), ...path, join(modules, ".bin")].join(delimiter),
    };
    if (!path.some((directory) => existsSync(join(directory, "pulumi")))) {
        onProgress?.(
            "There is no pulumi on PATH. Trying the npm package pulumi, which downloads the CLI on first use",
        );
    }
    const version = await runCli(environment, ["version"]);
    return version.exitCode === 0
        ? { version: version.stdout.trim(), environment }
        : { missing: "the Pulumi CLI (the download failed)" };
}

async function hasGoogleProvider(
    environment: PulumiCli["environment"],
    onProgress?: (line: string) => void,
): Promise<boolean> {
    const manifest = await readFile(join(modules, "@pulumi", "gcp", "package.json"), "utf8");
    const { version } = JSON.parse(manifest) as { version: string };
    const installed = await runCli(environment, ["plugin", "ls", "--json"]);
    const plugins = (installed.exitCode === 0 ? JSON.parse(installed.stdout) : []) as {
        name: string;
        version: string;
    }[];
    if (plugins.some((plugin) => plugin.name === "gcp" && plugin.version === version)) {
        return true;
    }
    // Pulumi uses a plugin on PATH as it is.
    if (
        (environment["PATH"] ?? "").split(delimiter).some((at) => existsSync(join(at, "pulumi-resource-gcp")))
    ) {
        return true;
    }
    onProgress?.(`Installing the Google provider ${version}`);
    const install = await runCli(environment, ["plugin", "install", "resource", "gcp", version]);
    return install.exitCode === 0;
}

/** Runs the CLI outside any project and waits for its end, also if it fails. A download may take minutes. */
function runCli(environment: PulumiCli["environment"], args: readonly string[]) {
    return execa("pulumi", args, {
        env: environment,
        reject: false,
        stdin: "ignore",
        timeout: 1_200_000,
    });
}
