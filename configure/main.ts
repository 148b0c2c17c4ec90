import { Command, InvalidArgumentError, Option } from "commander";
import { scopes } from "../src/clients/client";
import { forms } from "../src/clients/credential";
import { type Tool, tools } from "../src/clients/tools";
import { allWell, check, describe } from "./check/check";
import { configure, type ConfigureOptions, readRegistry, undo } from "./configure";
import { configurable, type ConfigurableTool } from "./tools/contributions";
import { print, type PrintOptions } from "./print";
import { printError } from "./report";
import { thisSystem } from "./machine/system";

// The command line of `configure`.

interface Options extends Omit<ConfigureOptions, "tool"> {
    readonly tool?: readonly Tool[];
    readonly undo: boolean;
    /** The name of a file, or true for the tool's only one. */
    readonly print?: string | true;
}

interface CheckOptions extends Options {
    readonly json: boolean;
}

const everyTool = Object.keys(tools) as Tool[];

function toolList(text: string, earlier: readonly Tool[] = []): Tool[] {
    const named = text.split(",").map((name) => {
        const tool = everyTool.find((each) => each === name.trim());
        if (tool === undefined) {
            throw new InvalidArgumentError(`${name} is none of ${everyTool.join(", ")}.`);
        }
        return tool;
    });
    return [...new Set([...earlier, ...named])];
}

/**
 * The options without a tool whose file can only be printed.
 *
 * @throws Error that names such a tool
 */
function configurableOnly<T extends Pick<Options, "tool">>({ tool: named, ...rest }: T) {
    const tool = named?.map((name): ConfigurableTool => {
        const known = configurable.find((each) => each === name);
        if (known === undefined) throw new Error(`the file of ${name} can only be printed: add --print`);
        return known;
    });
    return { ...rest, ...(tool && { tool }) };
}

const stackOption = new Option(
    "--stack <name>",
    "take the registry from this stack's outputs, by the Pulumi CLI",
);
const outputsOption = new Option(
    "--outputs <file>",
    "take it from what `pulumi stack output --json` printed; - for standard input",
).conflicts("stack");
const toolOption = new Option(
    "--tool <names>",
    `which tools, with commas between: ${configurable.join(", ")} (default: those that are installed)`,
).argParser(toolList);

const command = new Command("configure")
    .description(
        "Works a registry's settings into the files of the Python tools on this machine, and takes them out again. " +
            "Everything else in those files stays as it is.",
    )
    .addOption(stackOption)
    .addOption(outputsOption)
    .addOption(toolOption)
    .addOption(
        new Option(
            "--auth <form>",
            "how the tools prove who you are: they ask the keyring, or the files hold an access token (one hour) or a service account's key",
        )
            .choices(forms)
            .default("keyring"),
    )
    .option("--account <id>", "the dedicated account whose key it is, or whom the token is for")
    .option(
        "--credential-file <file>",
        "the token or the key (JSON); - for standard input. Otherwise a token comes from CLOUDSDK_AUTH_ACCESS_TOKEN, GOOGLE_OAUTH_ACCESS_TOKEN or gcloud, a key from the stack's outputs or GOOGLE_APPLICATION_CREDENTIALS",
    )
    .addOption(
        new Option(
            "--scope <scope>",
            "for whom: you, a virtual environment, the project in this folder, the machine",
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
            "print one tool's file to standard output as it would be created, and write nothing; --tool also takes " +
                `${everyTool.filter((tool) => !configurable.some((each) => each === tool)).join(", ")}. ` +
                "Name the file where the tool has several",
        ).conflicts(["undo", "dryRun"]),
    )
    .option(
        "--undo",
        "take it out again: files become what they were before the first run, save for what you have edited since. " +
            "With --stack or --outputs only that registry, with --tool or --scope only that tool or scope",
        false,
    )
    .addHelpText(
        "after",
        "\nExamples:\n" +
            "  configure --stack team-dev\n" +
            "  pulumi stack output --json | configure --outputs - --tool uv --scope project\n" +
            "  configure --outputs registry.json --auth token --dry-run\n" +
            "  configure --outputs registry.json --tool poetry --auth token --print auth.toml\n" +
            "  configure --undo\n" +
            "\nThe exit code is 0 only if all of it was done.",
    )
    .enablePositionalOptions()
    .action((options: Options, own: Command) =>
        setExitCode(() => {
            if (options.print !== undefined) return runPrint({ ...options, print: options.print });
            return options.undo ? runUndo(options, own) : configure(configurableOnly(options), thisSystem());
        }),
    );

command
    .command("check")
    .description("Tells, tool by tool, whether this machine would work with the registry. Changes nothing.")
    .addOption(stackOption)
    .addOption(outputsOption)
    .addOption(toolOption)
    .option("--json", "print the findings as JSON", false)
    .addHelpText("after", "\nThe exit code is 0 only if all is well.")
    .action((_, own: Command) => setExitCode(() => runCheck(own.optsWithGlobals<CheckOptions>())));

async function runCheck(options: CheckOptions): Promise<boolean> {
    const system = thisSystem();
    const { tool: tools } = configurableOnly(options);
    const registry = await readRegistry(options, false, system);
    const findings = await check({ registry, system, ...(tools && { tools }) });
    process.stdout.write(describe(findings, { json: options.json, colours: true }));
    return allWell(findings);
}

async function runPrint(options: PrintOptions): Promise<boolean> {
    await print(options, thisSystem());
    return true;
}

async function runUndo(options: Options, own: Command): Promise<boolean> {
    const given = (name: keyof Options) => own.getOptionValueSource(name) === "cli";
    const useless = (["auth", "account", "credentialFile"] as const).filter(given);
    if (useless.length > 0) {
        throw new Error("--undo needs no --auth, --account or --credential-file: it takes out what is there");
    }
    const { scope, ...rest } = configurableOnly(options);
    return undo({ ...rest, ...(given("scope") && { scope }) }, thisSystem());
}

/** The exit code is 0 only if all was done, or is well. */
async function setExitCode(work: () => Promise<boolean>): Promise<void> {
    try {
        process.exitCode = (await work()) ? 0 : 1;
    } catch (error) {
        printError((error as Error).message);
        process.exitCode = 1;
    }
}

// Whoever reads along may stop doing so: the work goes on to its end.
for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code !== "EPIPE") throw error;
    });
}
void command.parseAsync();
