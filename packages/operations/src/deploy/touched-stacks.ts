import { Command, Option } from "commander";
import { removedStacks, stacksIn, touchedStacks } from "./changes";
import { changedPaths, filesAt, findCommit } from "./git";
import { type GitlabJob, gitlabJobs, gitlabPipeline } from "./gitlab-pipeline";

// npm run touched-stacks: the stacks that a workflow previews or updates.

interface Options {
    readonly base?: string;
    readonly all?: true;
    readonly head: string;
    readonly except: readonly string[];
    readonly gitlab?: GitlabJob;
    readonly expectUntouched?: string;
}

const command = new Command("npm run --silent touched-stacks --")
    .description(
        "Prints the stacks for which two commits differ, as a JSON list: a changed Pulumi.STACK.yaml touches its stack, " +
            "changed code or policies touch all stacks, and changed documentation and tests touch none.",
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
        new Option("--except <stacks>", "leave these stacks out; separate them with commas or spaces")
            .argParser((stacks: string) => stacks.split(/[\s,]+/).filter((stack) => stack !== ""))
            .default([], "none"),
    )
    .addOption(
        new Option(
            "--gitlab <job>",
            "print a child pipeline of GitLab that runs this job for each stack, instead of the list",
        ).choices(gitlabJobs),
    )
    .addOption(
        new Option(
            "--expect-untouched <stack>",
            "print nothing, and fail if the change touches this stack: an update to the base would restore an older state",
        ).conflicts(["all", "gitlab"]),
    );

async function main({ base, all, head, except, gitlab, expectUntouched }: Options): Promise<void> {
    if (base === undefined && all !== true) throw new Error("Use --base COMMIT or --all");
    const stacks = stacksIn(await filesAt(head));
    const touched = base === undefined ? stacks : await touchedSince(base, head, stacks);
    if (expectUntouched !== undefined) {
        if (stacks.includes(expectUntouched) && !touched.includes(expectUntouched)) return;
        throw new Error(
            `${head} (${(await findCommit(head)) ?? ""}) differs from ${base ?? ""} in what the stack ${expectUntouched} reads. ` +
                "An update would restore an older state, so nothing was updated. Approve the update of the newest commit instead",
        );
    }
    const left = touched.filter((stack) => !except.includes(stack));
    for (const stack of touched.filter((each) => !left.includes(each))) {
        console.error(`The stack ${stack} is left out (--except)`);
    }
    console.log(JSON.stringify(gitlab === undefined ? left : gitlabPipeline(gitlab, left)));
}

async function touchedSince(
    base: string,
    head: string,
    stacks: readonly string[],
): Promise<readonly string[]> {
    const from = await findCommit(base);
    if (from === undefined) {
        // A new branch, or a clone that does not reach back far enough.
        console.error(
            `${base} is not a commit with which ${head} can be compared: all stacks count as touched`,
        );
        return stacks;
    }
    const changed = await changedPaths(from, head);
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
        command.error(`error: ${(error as Error).message}`);
    }
});
void command.parseAsync();
