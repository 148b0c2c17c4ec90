import { LocalWorkspace } from "@pulumi/pulumi/automation";
import { Command, Option } from "commander";
import { ownTokens } from "../google/access-tokens";
import { GoogleClient } from "../google/client";
import { openNetwork } from "../google/network";
import { findCli } from "../pulumi-cli";
import { applyPolicies } from "./evaluate";
import { RepositoryReader } from "./registry";
import { renderJson, renderReport } from "./report";
import { stackPolicies, type StackPolicies } from "./stack-policies";

// npm run cleanup-preview: what cleanup policies would delete.

interface Options {
    readonly stack?: string;
    readonly repository?: string;
    readonly json?: true;
}

const repositoryPattern = /^projects\/[^/]+\/locations\/[^/]+\/repositories\/[^/]+$/;

const command = new Command("npm run --silent cleanup-preview --")
    .description(
        "Prints which versions the cleanup policies of a repository would delete, from the registry's own list of packages " +
            "and versions. Changes nothing.",
    )
    .option(
        "--stack <name>",
        "a stack: applies the policies of its configuration, or those of its repository if it has none",
    )
    .addOption(
        new Option(
            "--repository <name>",
            "projects/P/locations/L/repositories/R: applies the policies that this repository has",
        ).conflicts("stack"),
    )
    .option("--json", "print JSON")
    .addHelpText("after", "\nThe exit code is 0, also if versions would be deleted, and 1 after an error.");

async function main({ stack, repository, json }: Options): Promise<void> {
    const chosen = await chooseRepository(stack, repository);
    const network = await openNetwork();
    const reader = new RepositoryReader(chosen.repository, new GoogleClient(ownTokens(), network));
    const { policies, dryRun } = chosen.cleanup ?? (await reader.policies());
    const versions = await reader.versions(showProgress);
    await network.destroy();
    const now = new Date();
    const source = {
        repository: chosen.repository,
        from: chosen.cleanup === undefined ? "of the repository" : `of the configuration of ${stack ?? ""}`,
        dryRun,
        policies: Object.keys(policies).length,
        now,
    };
    const verdicts = applyPolicies(policies, versions, now);
    process.stdout.write(json === true ? renderJson(verdicts, source) : renderReport(verdicts, source));
}

async function chooseRepository(
    stack: string | undefined,
    repository: string | undefined,
): Promise<StackPolicies> {
    if (repository !== undefined) {
        if (repositoryPattern.test(repository)) return { repository, cleanup: undefined };
        throw new Error(`${repository} is not a repository. Use projects/P/locations/L/repositories/R`);
    }
    if (stack === undefined) throw new Error("Use --stack NAME or --repository NAME");
    const cli = await findCli((line) => {
        console.error(line);
    });
    if ("missing" in cli) throw new Error(`--stack needs ${cli.missing}. Or use --repository`);
    Object.assign(process.env, cli.environment);
    const workspace = await LocalWorkspace.create({ workDir: process.cwd() });
    const config = Object.entries(await workspace.getAllConfig(stack));
    const secretKeys = config.flatMap(([key, { secret = false }]) => (secret ? [key] : []));
    return stackPolicies(
        Object.fromEntries(config.map(([key, { value }]) => [key, value])),
        (await workspace.projectSettings()).name,
        new Set(secretKeys),
    );
}

/** A line for every hundred packages. */
function showProgress(done: number, of: number): void {
    if (of > 100 && (done % 100 === 0 || done === of)) console.error(`Read ${done} of ${of} packages`);
}

command.action(async (options: Options) => {
    try {
        await main(options);
    } catch (error) {
        command.error(`error: ${(error as Error).message}`);
    }
});
void command.parseAsync();
