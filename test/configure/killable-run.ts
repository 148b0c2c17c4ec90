import { readFileSync } from "node:fs";
import promises, { open } from "node:fs/promises";
import { devNull } from "node:os";
import { applyRun, type Run } from "./journal-fixture";

// A program that tests start by its path. It does the run that standard input describes, as any user, and
// can be killed at any step.

type Method = (this: unknown, ...args: unknown[]) => Promise<unknown>;

/** Kills the process at its n-th call that writes. */
async function killAt(n: number): Promise<void> {
    const probe = await open(devNull);
    const handle = Object.getPrototypeOf(probe) as object;
    await probe.close();
    let step = 0;
    const watch = (object: object, name: string) => {
        const methods = object as Record<string, Method>;
        const method = methods[name]!;
        methods[name] = async function (...args) {
            if (++step === n) {
                const [content] = args;
                if (name === "writeFile" && Buffer.isBuffer(content)) {
                    await method.call(this, content.subarray(0, content.length / 2));
                }
                process.kill(process.pid, "SIGKILL");
            }
            return method.apply(this, args);
        };
    };
    for (const name of ["open", "rename", "rm", "rmdir", "mkdir", "chmod"]) watch(promises, name);
    for (const name of ["writeFile", "sync", "chmod", "chown"]) watch(handle, name);
}

/** Acts as another user from here on. All modules are loaded, so the project may be where that user cannot read. */
function become(user: number): void {
    process.setgroups?.([]);
    process.setgid?.(user);
    process.setuid?.(user);
}

void (async () => {
    const run = JSON.parse(readFileSync(0, "utf8")) as Run;
    if (run.user !== undefined) become(run.user);
    if (run.killAt !== undefined) await killAt(run.killAt);
    await applyRun(run).catch((error: unknown) => {
        console.error(error instanceof Error ? error.message : error);
        process.exitCode = 1;
    });
})();
