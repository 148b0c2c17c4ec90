import { execa } from "execa";

/** Runs git in the current folder, and splits what it printed at zero bytes: no path is quoted. */
async function git(...args: string[]): Promise<string[]> {
    const { stdout } = await execa("git", args, { stdin: "ignore" });
    return stdout.split("\0").filter((path) => path !== "");
}

/** The paths in the current folder, relative to it, that differ between two commits. */
export function changedPaths(base: string, head: string): Promise<string[]> {
    return git("diff", "--name-only", "--no-renames", "--relative", "-z", base, head, "--");
}

/** The files directly in the current folder, as of a commit. */
export function filesAt(commit: string): Promise<string[]> {
    return git("ls-tree", "--name-only", "-z", commit);
}

/** The id of a commit; undefined if the repository does not have it. */
export async function findCommit(name: string): Promise<string | undefined> {
    const { exitCode, stdout } = await execa(
        "git",
        ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`],
        { reject: false, stdin: "ignore" },
    );
    return exitCode === 0 ? stdout : undefined;
}
