import { Command } from "commander";
import { text } from "node:stream/consumers";
import { publishedOutputs } from "./outputs";

// npm run published-outputs: the file that other repositories give to `configure --outputs`.

new Command("pulumi stack output --json | npm run --silent published-outputs")
    .description(
        "Reads a stack's outputs, and prints the part that may be published: no secrets, no names of people.",
    )
    .action(async (_options: object, command: Command) => {
        try {
            process.stdout.write(publishedOutputs(await text(process.stdin)));
        } catch (error) {
            command.error(`error: ${(error as Error).message}`);
        }
    })
    .parse();
