import { Command } from "commander";
import { execa } from "execa";
import { findPulumi } from "../pulumi-cli";
import { type Cli, recover } from "./recover";

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

async function main({ stack }: { readonly stack: string }): Promise<boolean> {
    const line = (text: string) => {
        console.log(text);
    };
    const found = await findPulumi(line);
    if ("missing" in found) {
        throw new Error(`Recovering a stack needs ${found.missing}`);
    }
    const pulumi: Cli = async (args, environment = {}) => {
        const { exitCode, stdout, stderr } = await execa(
            "pulumi",
            [...args, "--non-interactive", "--color=never"],
            {
                env: { ...found.environment, ...environment },
                stdin: "ignore",
                reject: false,
            },
        );
        return { exitCode: exitCode ?? 1, stdout, stderr };
    };
    const complete = await recover({ stack, directory: process.cwd(), pulumi, onProgress: line });
    line(
        complete
            ? `\nThe state is up to date. Run: pulumi up --stack ${stack}`
            : "\nSolve the problems above first. Otherwise the next update fails.",
    );
    return complete;
}

command.action(async (options: { readonly stack: string }) => {
    try {
        process.exitCode = (await main(options)) ? 0 : 1;
    } catch (error) {
        console.error(`error: ${(error as Error).message}`);
        process.exitCode = 1;
    }
});
void command.parseAsync();
