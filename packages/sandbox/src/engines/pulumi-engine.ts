import { execa, ExecaError } from "execa";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import type { PulumiCli } from "python-registry-operations/pulumi-cli";
import { parse, stringify } from "yaml";
import type { Deployment, DeploymentResult, Engine } from "./engine";

const root = join(__dirname, "..", "..", "..", "..");

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
        const running = execa("pulumi", [...args, "--non-interactive"], {
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
