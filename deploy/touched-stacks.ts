import { Command, Option } from "commander";
import { removedStacks, stacksIn, touchedStacks } from "./changes";
import { changedPaths, filesAt, isAncestorKnown } from "./git";
import { type GitlabJob, gitlabJobs, gitlabPipeline } from "./gitlab-pipeline";

// npm run touched-stacks: the stacks that a workflow previews or updates.

interface Options {
    readonly base?: string;
    readonly all?: true;
    readonly head: string;
    readonly gitlab?: GitlabJob;
}

const command = new Command("npm run --silent touched-stacks --")
    .description(
        "Prints the stacks that the commits since a base touch, as a JSON list: a changed Pulumi.STACK.yaml touches its " +
            "stack, changed code touches all stacks, and changed documentation and tests touch none.",
    )
    .addOption(
        new Option(
            "--base <commit>",
            "the commit that the change starts from; if git does not have it, all stacks",
        ),
    )
    .addOption(new Option("--all", "print all stacks").conflicts("base"))
    .option("--head <commit>", "the last commit of the change", "HEAD")
    .addOption(
        new Option(
            "--gitlab <job>",
            "print a child pipeline of GitLab that runs this job for each stack, instead of the list",
        ).choices(gitlabJobs),
    );

async function main({ base, all, head, gitlab }: Options): Promise<void> {
    if (base === undefined && all !== true) throw new Error("Use --base COMMIT or --all");
    const stacks = stacksIn(await filesAt(head));
    const touched = base === undefined ? stacks : await touchedSince(base, head, stacks);
    console.log(JSON.stringify(gitlab === undefined ? touched : gitlabPipeline(gitlab, touched)));
}

async function touchedSince(
    base: string,
    head: string,
    stacks: readonly string[],
): Promise<readonly string[]> {
    if (!(await isAncestorKnown(base, head))) {
        // A new branch, a branch that was overwritten, or a clone that does not reach back far enough.
        console.error(
            `${base} is not a commit with which ${head} can be compared: all stacks count as touched`,
        );
        return stacks;
    }
    const changed = await changedPaths(base, head);
    for (const stack of removedStacks(changed, stacks)) {
        console.error(
            `The file of stack ${stack} is gone, but the stack is not. To delete what it created, run: pulumi destroy --stack ${stack}`,
        );
    }
    return touchedStacks(changed, stacks);
}

command.action(async (options: Options) => {
    try {
        await main(options);
    } catch (error) {
        console.error(`error: ${(error as Error).message}`);
        process.exitCode = 1;
    }
});
void command.parseAsync();
