import { execa } from "execa";

/** Runs git in the current folder, and splits what it printed at zero bytes: no path is quoted. */
async function git(...args: string[]): Promise<string[]> {
    const { stdout } = await execa("git", args, { stdin: "ignore" });
    return stdout.split("\0").filter((path) => path !== "");
}

/** The paths in the current folder, relative to it, that differ between a commit and what it has in common with another. */
export function changedPaths(base: string, head: string): Promise<string[]> {
    return git("diff", "--name-only", "--no-renames", "--relative", "-z", `${base}...${head}`, "--");
}

/** The files directly in the current folder, as of a commit. */
export function filesAt(commit: string): Promise<string[]> {
    return git("ls-tree", "--name-only", "-z", commit);
}

/** Whether this is a commit that the repository has, and that a comparison can start from. */
export async function isAncestorKnown(base: string, head: string): Promise<boolean> {
    const { exitCode } = await execa("git", ["merge-base", "--end-of-options", base, head], {
        reject: false,
        stdin: "ignore",
    });
    return exitCode === 0;
}
