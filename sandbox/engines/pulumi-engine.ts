import { execa, ExecaError } from "execa";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { parse, stringify } from "yaml";
import type { Deployment, DeploymentResult, Engine } from "./engine";

const root = join(__dirname, "..", "..");

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

/**
 * Writes the project file into a separate folder. Pulumi then writes the stack files beside it; the program itself stays
 * where it is. The name is the namespace of Pulumi.sandbox.yaml, also if this project was renamed. Keys with the project's
 * own name are left out: they are for its stacks, and Pulumi refuses types for keys in a different namespace.
 */
export async function writeProject(directory: string): Promise<void> {
    const { name, config, ...project } = parse(await readFile(join(root, "Pulumi.yaml"), "utf8")) as {
        name: string;
        config: object;
    };
    const kept = Object.entries(config).filter(([key]) => !key.startsWith(`${name}:`));
    await writeFile(
        join(directory, "Pulumi.yaml"),
        stringify({
            ...project,
            name: "python-registry",
            main: relative(directory, root),
            config: Object.fromEntries(kept),
        }),
    );
}

/**
 * Runs the program with the real CLI and provider, in a separate backend and project folder and with a separate
 * passphrase: the user's backend, stacks and stack files stay as they are.
 */
export class PulumiEngine implements Engine {
    readonly description: string;
    /** Environment variables with which the CLI finds this engine's stacks and can decrypt their secrets. */
    readonly environment: Readonly<Record<string, string>>;
    readonly #cli: PulumiCli;
    readonly #directory: string;

    /** @param directory private folder for the project and the state; created if it does not exist */
    constructor(cli: PulumiCli, directory: string) {
        this.description = `Pulumi ${cli.version}`;
        this.#cli = cli;
        this.#directory = directory;
        this.environment = {
            PULUMI_BACKEND_URL: pathToFileURL(join(directory, "state")).href,
            PULUMI_CONFIG_PASSPHRASE: randomBytes(24).toString("base64url"),
        };
    }

    /** Creates the stack with its configuration. */
    async init({ stack, config }: Pick<Deployment, "stack" | "config">): Promise<void> {
        await mkdir(join(this.#directory, "state"), { recursive: true, mode: 0o700 });
        await writeProject(this.#directory);
        await this.configure({ stack, config });
        await this.run(["stack", "init", stack, "--no-select"]);
    }

    /** Replaces the stack's configuration. */
    async configure({ stack, config }: Pick<Deployment, "stack" | "config">): Promise<void> {
        const file = join(this.#directory, `Pulumi.${stack}.yaml`);
        const before = await readFile(file, "utf8").then(
            (text) => parse(text) as Record<string, unknown>,
            () => ({}),
        );
        const values = Object.fromEntries(
            Object.entries(config).map(([key, text]) => [key, structured(text)]),
        );
        await writeFile(file, stringify({ ...before, config: values }), { mode: 0o600 });
    }

    async up(deployment: Deployment): Promise<DeploymentResult> {
        const { stack, onProgress } = deployment;
        await this.init(deployment);
        // The caller gets the outputs in the result.
        const options = ["--yes", "--skip-preview", "--suppress-outputs", "--color", "never"];
        await this.run(["up", "--stack", stack, ...options], onProgress);
        return { resources: await this.resources(stack), outputs: await this.outputs(stack) };
    }

    /** The stack's outputs, secrets in plain text. */
    async outputs(stack: string): Promise<DeploymentResult["outputs"]> {
        const read = async (...flags: string[]) =>
            JSON.parse(await this.run(["stack", "output", "--json", "--stack", stack, ...flags])) as Record<
                string,
                unknown
            >;
        const [masked, shown] = [await read(), await read("--show-secrets")];
        return Object.fromEntries(
            Object.entries(shown).map(([name, value]) => [
                name,
                { value, secret: JSON.stringify(masked[name]) !== JSON.stringify(value) },
            ]),
        );
    }

    /** The resources of the stack, without the stack itself and its providers. */
    async resources(stack: string): Promise<DeploymentResult["resources"]> {
        const state = JSON.parse(await this.run(["stack", "export", "--stack", stack])) as {
            deployment: { resources: { type: string; urn: string; dependencies?: string[] }[] };
        };
        return state.deployment.resources
            .filter(({ type }) => !type.startsWith("pulumi:"))
            .map(({ type, urn, dependencies = [] }) => ({
                type,
                name: urn.split("::").slice(3).join("::"),
                dependencies,
            }));
    }

    /**
     * Runs the CLI in the project's folder.
     *
     * @returns what it printed
     * @throws Error with what it printed
     */
    async run(args: readonly string[], onProgress?: (line: string) => void): Promise<string> {
        const [file, ...first] = this.#cli.command;
        const running = execa(file, [...first, ...args, "--non-interactive"], {
            cwd: this.#directory,
            env: { ...this.#cli.environment, ...this.environment },
            stdin: "ignore",
        });
        try {
            if (onProgress !== undefined) {
                for await (const line of running) {
                    if (line.trim() !== "") onProgress(line);
                }
            }
            return (await running).stdout;
        } catch (error) {
            if (error instanceof ExecaError) {
                const said = [error.stdout, error.stderr].filter(Boolean).join("\n");
                throw new Error(`pulumi ${args[0] ?? ""} failed:\n${said || error.shortMessage}`, {
                    cause: error,
                });
            }
            throw error;
        }
    }
}

/** Lists, maps and booleans as values, everything else as text. */
function structured(text: string): unknown {
    try {
        const value: unknown = JSON.parse(text);
        return typeof value === "object" || typeof value === "boolean" ? value : text;
    } catch {
        return text;
    }
}
