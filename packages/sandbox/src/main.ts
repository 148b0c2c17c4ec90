import { Command, Option } from "commander";
import { mkdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { styleText } from "node:util";
import { type ClientFileOutputs, outputFiles, writeFiles } from "./client-files";
import type { DeploymentResult, Engine } from "./engines/engine";
import { inProcessEngine } from "./engines/in-process-engine";
import { leaveNothingBehind, untilInterrupted } from "./lifetime";
import { findPulumi } from "python-registry-operations/pulumi-cli";
import { PulumiEngine } from "./engines/pulumi-engine";
import { pythonTools } from "./python/python-tools";
import { type Sandbox, startSandbox } from "./sandbox";
import { readStackConfig } from "./engines/stack-config";
import { type Accounts, buildSamples, verifyClients } from "./verify-clients";

// npm start: deploys the sandbox stack on this machine and verifies the client files.

interface Options {
    readonly keep: boolean;
    readonly engine: "auto" | "pulumi" | "in-process";
}

const root = join(__dirname, "..", "..", "..");
const workDirectory = join(root, ".sandbox");
const filesDirectory = join(workDirectory, "files");
const stack = "sandbox";
/** Outputs that are too long for a terminal, and the file that contains each. */
const inFiles: Readonly<Record<string, string>> = { clients: "outputs.json", readme: "README.md" };
const accounts: Accounts = { writer: "python-publisher", reader: "python-installer" };

const command = new Command("npm start --")
    .description(
        "Deploys the sandbox stack on this machine, without a cloud account: emulates Google Cloud on 127.0.0.1, runs " +
            "the program against it, writes the client files to .sandbox/files, and verifies them with the real pip and " +
            "twine. The exit code is 0 only if every check passes.",
    )
    .option(
        "--keep",
        "keep the sandbox running until you press Ctrl-C, and print the environment variables to use it",
        false,
    )
    .addOption(
        new Option("--engine <engine>", "what runs the program; auto uses Pulumi if its CLI is available")
            .choices(["auto", "pulumi", "in-process"])
            .default("auto"),
    );

async function main(options: Options): Promise<number> {
    heading("Sandbox");
    // Preparing the checks takes as long as the deployment and does not depend on it.
    const preparing = prepare();
    preparing.catch(() => undefined);
    await using sandbox = await startSandbox();
    line(
        `Google Cloud is emulated at ${sandbox.apiUrl}, its Python hosts behind the proxy ${sandbox.proxyUrl}`,
    );
    const engine = await chooseEngine(options.engine);

    heading(`Deployment (${engine.description})`);
    const config = {
        ...(await readStackConfig(join(root, `Pulumi.${stack}.yaml`))),
        ...sandbox.providerConfig,
    };
    const result = await engine.up({ stack, config, onProgress: line });

    heading("Outputs");
    printOutputs(result.outputs);

    heading("Files");
    const outputs = clientFileOutputs(result.outputs);
    await rm(filesDirectory, { recursive: true, force: true });
    await mkdir(filesDirectory, { recursive: true, mode: 0o700 });
    const files = [
        ...outputFiles(outputs),
        { path: "README.md", text: result.outputs["readme"]?.value as string, secret: false },
        { path: "outputs.json", text: withoutSecrets(result.outputs), secret: false },
    ];
    await writeFiles(filesDirectory, files);
    files.forEach(({ path, secret }) => {
        line(
            `${relative(root, join(filesDirectory, path))}${secret ? "  (contains a credential; only you can read it)" : ""}`,
        );
    });

    heading("Checks");
    const { tools, samples: building } = await preparing;
    await using samples = building;
    let failed = 0;
    for await (const { claim, failure } of verifyClients({ sandbox, tools, outputs, accounts, samples })) {
        line(`${failure === undefined ? styleText("green", "✔") : styleText("red", "✘")} ${claim}`);
        if (failure !== undefined) {
            failed += 1;
            line(withoutCredentials(failure, outputs));
        }
    }
    heading(failed === 0 ? "All checks passed" : `${failed} ${failed === 1 ? "check" : "checks"} failed`);

    if (options.keep) {
        await keepRunning(sandbox, tools.bin);
    }
    return failed === 0 ? 0 : 1;
}

/** The Python tools, and the packages that the checks upload. */
async function prepare() {
    const tools = await pythonTools(line);
    return { tools, samples: await buildSamples(tools) };
}

async function chooseEngine(wanted: Options["engine"]): Promise<Engine> {
    if (wanted === "in-process") {
        return inProcessEngine;
    }
    const found = await findPulumi(line);
    if (!("missing" in found)) {
        const directory = join(workDirectory, "pulumi");
        await rm(directory, { recursive: true, force: true });
        return new PulumiEngine(found, directory);
    }
    if (wanted === "pulumi") {
        throw new Error(`--engine pulumi needs ${found.missing}. Use --engine in-process`);
    }
    return {
        ...inProcessEngine,
        description: `${inProcessEngine.description}; this machine lacks ${found.missing}`,
    };
}

function clientFileOutputs(outputs: DeploymentResult["outputs"]): ClientFileOutputs {
    const value = (name: keyof ClientFileOutputs) => outputs[name]?.value;
    return {
        pipConf: value("pipConf") as string,
        pypirc: value("pypirc") as string,
        credentials: value("credentials") as ClientFileOutputs["credentials"],
    };
}

function printOutputs(outputs: DeploymentResult["outputs"]): void {
    for (const [name, { value, secret }] of Object.entries(outputs)) {
        if (secret) {
            line(`${name}: [secret]`);
        } else if (name in inFiles) {
            line(`${name}: see ${relative(root, join(filesDirectory, inFiles[name] ?? ""))}`);
        } else if (typeof value === "string") {
            line(`${name}:\n${value.trimEnd().replace(/^/gm, "    ")}`);
        } else {
            line(`${name}: ${JSON.stringify(value, null, 2)}`);
        }
    }
}

/** The outputs as `pulumi stack output --json` prints them and as `npm run configure` reads them. */
function withoutSecrets(outputs: DeploymentResult["outputs"]): string {
    const shown = Object.entries(outputs).map(([name, { value, secret }]) => [
        name,
        secret ? "[secret]" : value,
    ]);
    return `${JSON.stringify(Object.fromEntries(shown), null, 2)}\n`;
}

/** Prints how to use the sandbox, and waits for the signal to stop. */
async function keepRunning(sandbox: Sandbox, bin: string): Promise<void> {
    heading("The sandbox keeps running. To use it, run in another terminal:");
    const environment = {
        ...sandbox.clientEnvironment,
        PIP_CONFIG_FILE: join(filesDirectory, "pip.conf"),
        GOOGLE_APPLICATION_CREDENTIALS: join(filesDirectory, accounts.reader, "key.json"),
    };
    const quoted = (value: string) => `'${value.replaceAll("'", String.raw`'\''`)}'`;
    for (const [name, value] of Object.entries(environment)) {
        console.log(`export ${name}=${quoted(value)}`);
    }
    console.log(`export PATH=${quoted(bin)}:"$PATH"`);
    console.log(`pip install --target "$(mktemp -d)" sandbox-sample`);
    heading("Press Ctrl-C to stop it.");
    await untilInterrupted();
}

/** The text without the keys that a tool may have printed. */
function withoutCredentials(text: string, { credentials }: ClientFileOutputs): string {
    return Object.values(credentials)
        .map(({ keyFile }) => Buffer.from(keyFile).toString("base64"))
        .flatMap((key) => [key, encodeURIComponent(key)])
        .reduce((masked, key) => masked.replaceAll(key, "[secret]"), text);
}

function heading(text: string): void {
    console.log(`\n${styleText("bold", text)}`);
}

function line(text: string): void {
    console.log(`  ${text.replaceAll("\n", "\n  ")}`);
}

leaveNothingBehind();
command.action(async (options: Options) => {
    try {
        process.exitCode = await main(options);
    } catch (error) {
        console.error(
            `\n${styleText("red", "error:", { stream: process.stderr })} ${(error as Error).message}`,
        );
        process.exitCode = 1;
    }
});
void command.parseAsync();
