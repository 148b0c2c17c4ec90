import { Command, CommanderError } from "commander";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { constants } from "node:os";
import { createInterface } from "node:readline/promises";
import { styleText } from "node:util";
import { ownTokens } from "../google/access-tokens";
import { GoogleClient } from "../google/client";
import { openNetwork } from "../google/network";
import { printable } from "../output";
import { UsageError } from "../usage-error";
import { type GivenOptions, parseArguments } from "./arguments";
import { denied } from "./observe";
import { renderFinding, renderIntention, renderLeftovers } from "./report";
import { nameResources, permissions, tryDownloadRules } from "./trial";

// npm run try-download-rules: what download rules for Python packages do, tried once on a real project.

/** How the command ends. After a signal, 128 and its number. */
const exitCodes = { found: 0, failed: 1, usage: 2, left: 3 } as const;

const command = new Command("npm run try-download-rules --")
    .description(
        "Tries on a real project what Google does not document about download rules for Python packages: whether the index still lists a " +
            "package that a rule denies, and whether a virtual repository honours the rules of its upstream. It creates a remote repository, " +
            `a rule that denies ${denied.name}, and a virtual repository; asks both; and deletes all three.`,
    )
    .option("--project [id]", "the project in which to try it (required)")
    .option("--location [location]", "the location, as in europe-west1 (required)")
    .option("--yes", "create the resources without asking")
    .allowUnknownOption()
    .allowExcessArguments()
    .exitOverride()
    .addHelpText(
        "after",
        "\nAccess tokens come from CLOUDSDK_AUTH_ACCESS_TOKEN or GOOGLE_OAUTH_ACCESS_TOKEN, Application Default Credentials, or gcloud's account. " +
            "The API artifactregistry.googleapis.com must be enabled.\n" +
            `\nPermissions on the project, which roles/artifactregistry.admin has:\n${permissions.map((each) => `  ${each}\n`).join("")}` +
            "\nExample:\n" +
            "  npm run try-download-rules -- --project my-project --location europe-west1\n" +
            "\nExit codes:\n" +
            `  ${exitCodes.found}  it found out which it is, and nothing is left\n` +
            `  ${exitCodes.failed}  no result, and nothing is left. The message says why\n` +
            `  ${exitCodes.usage}  the command line is wrong. Nothing was created\n` +
            `  ${exitCodes.left}  something can be left. The message says what, and how to delete it\n` +
            "  130, 143  a signal ended it, and nothing is left",
    );

const progress = (text: string) => {
    console.error(styleText("dim", printable(text), { stream: process.stderr }));
};
const fail = (message: string) => {
    for (const each of printable(message).split("\n")) {
        console.error(`${styleText("red", "error:", { stream: process.stderr })} ${each}`);
    }
};

async function main(options: GivenOptions, rest: readonly string[]): Promise<number> {
    const isTerminal = process.stdin.isTTY && process.stderr.isTTY;
    const { project, location, yes } = parseArguments(options, rest, isTerminal);
    const tokens = ownTokens();
    // Fails before anything is asked or created.
    await tokens.get();
    const id = randomBytes(4).toString("hex");
    console.error(renderIntention(nameResources({ project, location, id })));
    if (!yes && !(await confirm())) {
        console.error("Nothing was created");
        return exitCodes.failed;
    }
    const interruption = interruptible();
    const network = await openNetwork();
    try {
        const client = new GoogleClient(tokens, network);
        const { signal } = interruption;
        const { result, left, hasCreated } = await tryDownloadRules({
            project,
            location,
            id,
            client,
            say: (text) => {
                progress(client.mask(text));
            },
            signal,
        });
        if (!(result instanceof Error)) console.log(renderFinding(result, process.stdout));
        else if (!signal.aborted) fail(client.mask(result.message));
        if (left.length > 0) fail(client.mask(renderLeftovers(left, project)));
        else console.error(hasCreated ? renderLeftovers(left, project) : "Nothing was created");
        if (left.length > 0) return exitCodes.left;
        if (signal.aborted) return 128 + constants.signals[signal.reason as NodeJS.Signals];
        return result instanceof Error ? exitCodes.failed : exitCodes.found;
    } finally {
        await network.destroy();
    }
}

async function confirm(): Promise<boolean> {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
        // Ctrl-C is a key for readline, and not a signal. It closes the terminal, as Ctrl-D does.
        const closed = once(terminal, "close").then(() => "");
        const question = terminal.question("Create them? [y/N] ").catch(() => "");
        const answer = await Promise.race([question, closed]);
        return /^y(?:es)?$/i.test(answer.trim());
    } finally {
        terminal.close();
    }
}

/** Aborted, with its name as the reason, by the first signal. Later ones change nothing: npm sends a second one by itself. */
function interruptible(): AbortController {
    const controller = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
        process.on(signal, () => {
            if (controller.signal.aborted) return;
            controller.abort(signal);
            progress(
                `${signal}: deleting what was created. This takes some seconds, and does not stop at another signal`,
            );
        });
    }
    return controller;
}

// The terminal or the reader of a pipe can go away: the deletion goes on.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
command.action(async (options: GivenOptions, own: Command) => {
    try {
        process.exitCode = await main(options, own.args);
    } catch (error) {
        fail((error as Error).message);
        process.exitCode = error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
    }
});
command.parseAsync().catch((error: unknown) => {
    if (!(error instanceof CommanderError)) throw error;
    // It has printed the message, or the help.
    process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage;
});
