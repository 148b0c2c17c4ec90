import { Command, InvalidArgumentError, Option } from "commander";
import { readFile, writeFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { findPulumi } from "../pulumi-cli";
import { visible } from "./code";
import { failedPreview, parseEvents, type Preview } from "./events";
import { renderComment, renderReview } from "./markdown";
import { preview } from "./preview";
import { reviewPreview } from "./review";
import { hideSecrets } from "./secrets";

// npm run review: the comment on a pull request.

interface Options {
    readonly stack?: readonly string[];
    readonly from?: readonly string[];
    readonly policyPack?: readonly string[];
    readonly policyPackConfig?: readonly string[];
    readonly refresh?: boolean;
    readonly expectNoChanges?: boolean;
    readonly output?: string;
    readonly details?: string;
    readonly limit: number;
}

/** The longest comment on GitHub: https://github.com/orgs/community/discussions/27190 */
const githubLimit = 65_536;
/** Less than this cannot name what was left out. */
const smallestLimit = 2000;

const collect = (value: string, earlier: readonly string[] = []) => [...new Set([...earlier, value])];
/** Prints a message to the log of a job as one line. A runner takes lines that begin with `::`, and `##[`, as its commands. */
const ownLine = (text: string) => {
    console.error(visible(text.replaceAll("\n", "⏎")).replaceAll("##[", "## ["));
};
/** How the command ends. */
const exitCodes = { reviewed: 0, failed: 1, incomplete: 2, changes: 3 } as const;

const command = new Command("npm run review --")
    .description(
        "Previews stacks and prints the comment for a pull request: what is replaced or deleted, who gains and who loses " +
            "access, client files that change, findings of policies, and the rest in a line each. No secrets. Changes nothing.",
    )
    .addOption(
        new Option("--stack <name>", "preview this stack; repeat it for more stacks")
            .argParser(collect)
            .conflicts("from"),
    )
    .addOption(
        new Option(
            "--from <file>",
            "read a recorded preview instead: what PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json printed; repeat it for more stacks",
        ).argParser(collect),
    )
    .addOption(
        new Option("--policy-pack <folder>", "check the stacks with this policy pack; can be repeated")
            .argParser(collect)
            .conflicts("from"),
    )
    .addOption(
        new Option("--policy-pack-config <file>", "the configuration of the policy pack; one for each pack")
            .argParser(collect)
            .conflicts("from"),
    )
    .addOption(
        new Option(
            "--refresh",
            "compare with what exists at Google, and not only with the state; the state stays as it is",
        ).conflicts("from"),
    )
    .option("--expect-no-changes", `end with the exit code ${exitCodes.changes} if something changes`)
    .option("--output <file>", "write the comment to a file instead of standard output")
    .option("--details <file>", "also write the whole review to a file; the comment names it if it was cut")
    .addOption(
        new Option(
            "--limit <characters>",
            "the longest comment: GitHub's limit is 65536, GitLab's is 1000000",
        )
            .argParser(parseLimit)
            .default(githubLimit),
    )
    .addHelpText(
        "after",
        "\nExamples:\n" +
            "  npm run review -- --stack dev --stack prod\n" +
            "  npm run review -- --stack dev --policy-pack packages/policy --output comment.md --details review.md\n" +
            "  npm run review -- --from previews/dev.json --from previews/prod.json --limit 1000000\n" +
            "  npm run review -- --stack prod --refresh --expect-no-changes\n" +
            "\nExit codes:\n" +
            `  ${exitCodes.reviewed}  the comment shows everything that changes\n` +
            `  ${exitCodes.failed}  a preview failed, and the comment says why; or the command could not run\n` +
            `  ${exitCodes.incomplete}  something is not shown: the comment says what, under "Not shown"\n` +
            `  ${exitCodes.changes}  something changes, and you gave --expect-no-changes`,
    );

function parseLimit(text: string): number {
    const number = Number(text);
    if (!Number.isInteger(number) || number < smallestLimit) {
        throw new InvalidArgumentError(`It must be a number from ${smallestLimit} on.`);
    }
    return number;
}

async function main(options: Options): Promise<number> {
    const { stack: stacks = [], from = [], output, details, limit, expectNoChanges = false } = options;
    if (stacks.length + from.length === 0) {
        throw new Error("Name the stacks with --stack, or recorded previews with --from");
    }
    const previews =
        from.length > 0 ? await Promise.all(from.map(recorded)) : await previewAll(stacks, options);
    const reviews = previews.map(reviewPreview);
    if (details !== undefined) await writeFile(details, renderReview(reviews));
    const comment = renderComment(reviews, { limit, ...(details === undefined ? {} : { details }) });
    if (output === undefined) process.stdout.write(comment);
    else await writeFile(output, comment);
    if (reviews.some(({ failed }) => failed)) return exitCodes.failed;
    if (reviews.some(({ entries }) => entries.hidden.length > 0)) return exitCodes.incomplete;
    return expectNoChanges && reviews.some(({ unchanged }) => !unchanged)
        ? exitCodes.changes
        : exitCodes.reviewed;
}

/** Previews one stack after the other: each preview starts a program and a provider. */
async function previewAll(
    stacks: readonly string[],
    { policyPack = [], policyPackConfig = [], refresh = false }: Options,
): Promise<Preview[]> {
    const cli = await findPulumi(ownLine);
    if ("missing" in cli) throw new Error(`A preview needs ${cli.missing}`);
    const previews: Preview[] = [];
    for (const stack of stacks) {
        ownLine(`Previewing ${stack}…`);
        const { events, stderr, exitCode } = await preview(cli, {
            stack,
            policyPacks: policyPack,
            policyPackConfigs: policyPackConfig,
            refresh,
        });
        const parsed = parseEvents(events, stack);
        // The CLI's own message, without the engine: there is nothing to comment on.
        if (parsed === undefined && /no stack named|no Pulumi\.yaml|could not locate/i.test(stderr)) {
            throw new Error(stderr.trim().replace(/^error: /, ""));
        }
        previews.push(
            parsed === undefined
                ? failedPreview(stack, stderr.trim())
                : { ...parsed, failed: parsed.failed || exitCode !== 0 },
        );
    }
    return previews;
}

async function recorded(file: string): Promise<Preview> {
    const text = await readFile(file, "utf8");
    const name = basename(file, extname(file));
    const parsed = parseEvents(text, name);
    if (parsed === undefined && text.trim() !== "") {
        throw new Error(
            `${file} is not a recorded preview. Record it with: PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json > ${file}`,
        );
    }
    return parsed ?? failedPreview(name, "");
}

command.action(async (options: Options) => {
    try {
        process.exitCode = await main(options);
    } catch (error) {
        ownLine(`error: ${hideSecrets((error as Error).message)}`);
        process.exitCode = exitCodes.failed;
    }
});
void command.parseAsync();
