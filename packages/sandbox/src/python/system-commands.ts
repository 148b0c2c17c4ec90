import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { systemPython } from "./python-tools";

/** The commands that our scripts and the tools use. */
const commands =
    "base64 basename bash cat chmod cp curl cut date dirname echo env find git grep head id ln ls mkdir mktemp mount mv " +
    "printf readlink rm rmdir sed sh sleep sort stat tail test touch tr true umount uname unshare wc";

let folder: Promise<string> | undefined;

/**
 * A folder with links to the system's ordinary commands and to its `python3`, for the PATH of a tool environment. It has no other
 * commands, such as this machine's gcloud, or a C compiler, with which keyring searches for macOS's libraries at every start. It comes
 * first: where an environment of a tool comes before the system's Python, uv starts every Python of that environment, and then uses
 * none of them.
 */
export function systemCommands(): Promise<string> {
    return (folder ??= linked());
}

async function linked(): Promise<string> {
    const links = commands.split(" ").flatMap((name) => {
        const directory = ["/usr/bin", "/bin"].find((each) => existsSync(join(each, name)));
        return directory === undefined ? [] : [{ name, target: join(directory, name) }];
    });
    const python = await systemPython().catch(() => undefined);
    if (python !== undefined) links.push({ name: "python3", target: python.command });
    const key = createHash("sha256").update(JSON.stringify(links)).digest("hex").slice(0, 12);
    const kept = join(__dirname, "..", "..", "..", "..", ".venv");
    const made = join(kept, `system-${key}`);
    if (existsSync(made)) return made;
    await mkdir(kept, { recursive: true });
    const unfinished = await mkdtemp(join(kept, "system-"));
    await Promise.all(links.map(({ name, target }) => symlink(target, join(unfinished, name))));
    await rename(unfinished, made).catch(async () => {
        // Another process created it first.
        await rm(unfinished, { recursive: true });
    });
    return made;
}
