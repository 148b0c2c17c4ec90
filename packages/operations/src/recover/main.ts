import { CommandError, LocalWorkspace, Stack } from "@pulumi/pulumi/automation";
import { Command } from "commander";
import { findPulumi } from "../pulumi-cli";
import { lookUp } from "./look-up";
import { recover } from "./recover";

// npm run recover: repairs a stack's state after an interrupted update.

const command = new Command("npm run recover --")
    .description(
        "Repairs a stack's state after `pulumi up` was interrupted: clears pending operations, and imports the repository " +
            "and the service accounts that the update created but did not record. Changes nothing at Google. Run " +
            "`pulumi cancel` first and `pulumi up` afterwards.",
    )
    .requiredOption("--stack <name>", "the stack whose update was interrupted")
    .addHelpText(
        "after",
        "\nThe exit code is 0 if the next update can continue, and 1 if a resource that this stack did not create prevents it.",
    );

async function main(name: string): Promise<boolean> {
    const line = (text: string) => {
        console.log(text);
    };
    const cli = await findPulumi(line);
    if ("missing" in cli) throw new Error(`Recovering a stack needs ${cli.missing}`);
    Object.assign(process.env, cli.environment);
    const workspace = await LocalWorkspace.create({ workDir: process.cwd() });
    // Every command names the stack: the one that the user has selected stays selected.
    workspace.selectStack = () => Promise.resolve();
    const stack = await Stack.select(name, workspace);
    const complete = await recover({
        stack,
        lookUp: (candidates) => lookUp(stack, candidates),
        onProgress: line,
    });
    line(
        complete
            ? `\nThe state is up to date. Run: pulumi up --stack ${name}`
            : "\nSolve the problems above first. Otherwise the next update fails.",
    );
    return complete;
}

command.action(async (options: { readonly stack: string }) => {
    try {
        process.exitCode = (await main(options.stack)) ? 0 : 1;
    } catch (error) {
        const { message } = error as Error;
        // The message of the SDK has everything twice.
        const said = error instanceof CommandError ? message.split(/^ (?:stderr|err\?): /m)[1] : message;
        command.error(`error: ${said ?? message}`);
    }
});
void command.parseAsync();
