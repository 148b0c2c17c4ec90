import { output } from "@pulumi/pulumi";
import type { Stack } from "@pulumi/pulumi/automation";
import type { Candidate } from "./candidate";

/** Whether a candidate exists at Google, and with which mark. */
export type Lookup =
    { readonly exists: false } | { readonly exists: true; readonly mark: string | undefined };

/**
 * Looks up candidates at Google with the provider and the configuration of the stack: in a preview of a program that only reads.
 *
 * @throws Error that names the candidates that cannot be looked up
 */
export async function lookUp(
    stack: Pick<Stack, "preview">,
    candidates: readonly Candidate[],
): Promise<ReadonlyMap<Candidate, Lookup>> {
    const found = new Map<Candidate, Lookup>();
    const errors = new Map<Candidate, string>();
    const program = async () => {
        for (const candidate of candidates) {
            try {
                output(await candidate.readMark()).apply((mark) =>
                    found.set(candidate, { exists: true, mark }),
                );
            } catch (error) {
                const { message } = error as Error;
                // If its API was never enabled, it cannot exist.
                if (/\bnot found\b|SERVICE_DISABLED|has not been used in project/i.test(message))
                    found.set(candidate, { exists: false });
                else errors.set(candidate, message);
            }
        }
    };
    // It can fail after the program: the program has nothing of the stack, and the engine refuses to delete what is protected.
    const problem = await stack.preview({ program, color: "never", suppressOutputs: true }).then(
        () => undefined,
        (error: unknown) => error,
    );
    const failed = candidates.filter((candidate) => !found.has(candidate));
    if (failed.length === 0) return found;
    if (errors.size === 0 && problem instanceof Error) throw problem;
    const texts = failed.map(
        (candidate) => `${candidate.description}: ${errors.get(candidate) ?? "no answer"}`,
    );
    throw new Error(`Looking up what exists failed:\n${texts.join("\n")}`);
}
