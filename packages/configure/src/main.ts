import { Command, InvalidArgumentError, Option } from "commander";
import { scopes } from "python-registry/clients/client";
import { forms } from "python-registry/clients/credential";
import { type Tool, tools } from "python-registry/clients/tools";
import type { ConfigureOptions } from "./configure";
import { configurable, type ConfigurableTool } from "./tools/configurable";
import type { PrintOptions } from "./print";
import { thisSystem } from "./machine/system";

// The command line of `configure`. What a command needs is loaded when it runs, so that --help answers at once.

interface Options extends Omit<ConfigureOptions, "tool"> {
    readonly tool?: readonly Tool[];
    readonly undo: boolean;
    /** A file's name, or true for the tool's only file. */
    readonly print?: string | true;
}

interface CheckOptions extends Options {
    readonly json: boolean;
    readonly offline: boolean;
    readonly package?: string;
}

const everyTool = Object.keys(tools) as Tool[];

function toolList(text: string, earlier: readonly Tool[] = []): Tool[] {
    const named = text.split(",").map((name) => {
        const tool = everyTool.find((each) => each === name.trim());
        if (tool === undefined) {
            throw new InvalidArgumentError(`${name} is not one of ${everyTool.join(", ")}.`);
        }
        return tool;
    });
    return [...new Set([...earlier, ...named])];
}

/** https://packaging.python.org/en/latest/specifications/name-normalization/ */
function packageName(text: string): string {
    if (!/^[a-z0-9](?:[\w.-]*[a-z0-9])?$/i.test(text)) {
        throw new InvalidArgumentError("It is not the name of a package.");
    }
    return text;
}

/**
 * The options, which may name only tools that `configure` can set up.
 *
 * @throws Error that names a tool whose file can only be printed
 */
function configurableOnly<T extends Pick<Options, "tool">>({ tool: named, ...rest }: T) {
    const tool = named?.map((name): ConfigurableTool => {
        const known = configurable.find((each) => each === name);
        if (known === undefined) throw new Error(`The file of ${name} can only be printed. Add --print`);
        return known;
    });
    return { ...rest, ...(tool && { tool }) };
}

const stackOption = new Option(
    "--stack <name>",
    "read the registry from this stack's outputs, with the Pulumi CLI",
);
const outputsOption = new Option(
    "--outputs <file>",
    "read it from the output of `pulumi stack output --json`: a file, an https address, or - for standard input. No credential is sent to the address",
).conflicts("stack");
const expectedOptions = [
    new Option("--project <id>", "the project that the registry must be in; otherwise nothing is changed"),
    new Option("--location <location>", "the location that it must have"),
    new Option("--repository <id>", "the repository that it must be"),
];
const toolOption = new Option(
    "--tool <names>",
    `the tools, separated by commas: ${configurable.join(", ")} (default: the installed ones)`,
).argParser(toolList);

const command = new Command("python-registry-configure")
    .description(
        "Adds a registry to the configuration of your Python tools, or removes it. " +
            "Everything else in their files stays the same.",
    )
    .addOption(stackOption)
    .addOption(outputsOption)
    .addOption(toolOption)
    .addOption(
        new Option(
            "--auth <form>",
            "how the tools sign in: they ask the keyring, or their files contain an access token (valid for one hour) or a service account's key",
        )
            .choices(forms)
            .default("keyring"),
    )
    .option("--account <id>", "the dedicated account that the key or the token is for")
    .option(
        "--credential-file <file>",
        "the token or the key (JSON); - for standard input. By default, a token comes from CLOUDSDK_AUTH_ACCESS_TOKEN, GOOGLE_OAUTH_ACCESS_TOKEN or gcloud, a key from the stack's outputs or GOOGLE_APPLICATION_CREDENTIALS",
    )
    .addOption(
        new Option(
            "--scope <scope>",
            "what to configure: your user account, a virtual environment, the project in this directory, or the machine",
        )
            .choices(scopes)
            .default("user"),
    )
    .option(
        "--dry-run",
        "print what would change, as a unified diff without credentials, and change nothing",
        false,
    )
    .addOption(
        new Option(
            "--print [file]",
            "print one tool's file to standard output as it would be created, and write nothing; --tool also accepts " +
                `${everyTool.filter((tool) => !configurable.some((each) => each === tool)).join(", ")}. ` +
                "Name the file if the tool has several",
        ).conflicts(["undo", "dryRun"]),
    )
    .option(
        "--undo",
        "remove what earlier runs added: the files become what they were before the first run, except for your own edits. " +
            "--stack, --outputs, --tool and --scope limit this to a registry, to tools or to a scope",
        false,
    )
    .addHelpText(
        "after",
        "\nIf this machine has a different registry already, you must confirm a new one. In a script, say which one you expect with " +
            "--project, and if that is the same, --location or --repository.\n" +
            "\nExamples:\n" +
            "  python-registry-configure --stack team-dev\n" +
            "  python-registry-configure --outputs prod.json --project acme-prod --tool pip\n" +
            "  python-registry-configure --outputs https://packages.example.com/prod.json --project acme-prod\n" +
            "  pulumi stack output --json | python-registry-configure --outputs - --tool uv --scope project\n" +
            "  python-registry-configure --outputs registry.json --auth token --dry-run\n" +
            "  python-registry-configure --outputs registry.json --tool poetry --auth token --print auth.toml\n" +
            "  python-registry-configure --undo\n" +
            "\nThe exit code is 0 only if everything was done.",
    )
    .enablePositionalOptions()
    .action((options: Options, own: Command) =>
        setExitCode(() => {
            if (options.print !== undefined) return runPrint({ ...options, print: options.print });
            return options.undo ? runUndo(options, own) : runConfigure(options);
        }),
    );

const checkCommand = command
    .command("check")
    .description(
        "Checks whether the tools on this machine get packages from the registry: each one resolves a package, with its own configuration. " +
            "If one fails, reads its files to find out why. Changes nothing.",
    )
    .addOption(stackOption)
    .addOption(outputsOption)
    .addOption(toolOption)
    .addOption(
        new Option("--package <name>", "the package that the tools resolve (default: one of the registry's)")
            .argParser(packageName)
            .conflicts("offline"),
    )
    .option("--offline", "only read files: start no tool, ask no keyring and send no request", false)
    .option("--json", "print the findings as JSON", false)
    .addHelpText(
        "after",
        "\n✔ means that the tool itself did it. - means that it was not tried. i is a fact to judge: which names in internalPackages PyPI has too. The exit code is 0 only if there is no problem and no warning.",
    )
    .action((_, own: Command) => setExitCode(() => runCheck(own.optsWithGlobals<CheckOptions>())));

for (const option of expectedOptions) for (const each of [command, checkCommand]) each.addOption(option);

async function runConfigure(options: Options): Promise<boolean> {
    const request = configurableOnly(options);
    const { configure } = await import("./configure.ts");
    return configure(request, thisSystem());
}

async function runCheck(options: CheckOptions): Promise<boolean> {
    const system = thisSystem();
    const { tool: tools } = configurableOnly(options);
    const { isAddress } = await import("./registry/outputs.ts");
    if (options.offline && isAddress(options.outputs ?? "")) {
        throw new Error("--offline sends no request. Download the outputs, and use --outputs FILE");
    }
    const { readRegistry } = await import("./configure.ts");
    const { allWell, check, describe } = await import("./check/check.ts");
    const registry = await readRegistry(options, false, system);
    const { package: packageName, offline } = options;
    const findings = await check({
        registry,
        system,
        offline,
        ...(tools && { tools }),
        ...(packageName !== undefined && { packageName }),
    });
    process.stdout.write(describe(findings, { json: options.json, colours: true }));
    return allWell(findings);
}

async function runPrint(options: PrintOptions): Promise<boolean> {
    const { print } = await import("./print.ts");
    await print(options, thisSystem());
    return true;
}

async function runUndo(options: Options, own: Command): Promise<boolean> {
    const given = (name: keyof Options) => own.getOptionValueSource(name) === "cli";
    const unused = (["auth", "account", "credentialFile"] as const).filter(given);
    if (unused.length > 0) {
        throw new Error("--undo does not use --auth, --account or --credential-file. Remove them");
    }
    const { scope, ...rest } = configurableOnly(options);
    const { undo } = await import("./configure.ts");
    return undo({ ...rest, ...(given("scope") && { scope }) }, thisSystem());
}

/** Does the work and sets the exit code: 0 only if it succeeds. */
async function setExitCode(work: () => Promise<boolean>): Promise<void> {
    try {
        process.exitCode = (await work()) ? 0 : 1;
    } catch (error) {
        const { printError } = await import("./report.ts");
        printError((error as Error).message);
        process.exitCode = 1;
    }
}

// If the reader of a pipe closes it, the work still continues to its end.
for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code !== "EPIPE") throw error;
    });
}
void command.parseAsync();
