import type { Stack } from "@pulumi/pulumi/automation";
import * as v from "valibot";
import { type Candidate, findCandidate } from "./candidate";
import type { Lookup } from "./look-up";

/** What `recover` needs. */
export interface RecoverOptions {
    readonly stack: Pick<Stack, "exportStack" | "refresh" | "preview" | "import">;
    readonly lookUp: (candidates: readonly Candidate[]) => Promise<ReadonlyMap<Candidate, Lookup>>;
    readonly onProgress: (line: string) => void;
}

const deploymentSchema = v.object({
    resources: v.optional(v.array(v.object({ urn: v.string() })), []),
    pending_operations: v.optional(
        v.array(
            v.object({
                type: v.string(),
                resource: v.object({
                    type: v.string(),
                    inputs: v.optional(v.record(v.string(), v.unknown()), {}),
                }),
            }),
        ),
        [],
    ),
});

/**
 * Repairs the state of a stack after an interrupted update: clears pending operations, and imports each repository and
 * service account that the update created but did not record. A resource without this stack's mark was created by others:
 * it is reported and not changed. Only the state changes, nothing at Google.
 *
 * @returns whether the next update can continue; what prevents it is reported
 * @throws Error with the CLI's output if a command fails
 */
export async function recover({ stack, lookUp, onProgress }: RecoverOptions): Promise<boolean> {
    const { resources, pending_operations: operations } = v.parse(
        deploymentSchema,
        (await stack.exportStack()).deployment,
    );
    const pending = operations.filter(({ type }) => type === "creating");
    onProgress(
        pending.length === 0
            ? "No operation is pending. Refreshing the state…"
            : `Clearing ${pending.length} pending ${pending.length === 1 ? "operation" : "operations"} and refreshing the state…`,
    );
    await stack.refresh({ clearPendingCreates: true, suppressOutputs: true, color: "never" });

    onProgress("Looking for existing resources that are missing in the state…");
    const candidates: Candidate[] = [];
    await stack.preview({
        color: "never",
        suppressOutputs: true,
        onEvent: ({ resourcePreEvent: { metadata } = {} }) => {
            const candidate = metadata?.op === "create" && metadata.new && findCandidate(metadata.new);
            if (candidate) candidates.push(candidate);
        },
    });
    let complete = true;
    for (const [candidate, found] of candidates.length === 0 ? [] : await lookUp(candidates)) {
        const { description, urn, type, id, parent, mark } = candidate;
        if (!found.exists) {
            onProgress(`${description} does not exist yet: the next update creates it`);
        } else if (mark === "" || found.mark !== mark) {
            complete = false;
            onProgress(
                `${description} exists, but this stack did not create it. It was not changed. ` +
                    "To use or adopt it, set existing for it. Otherwise use a different id.",
            );
        } else if (!resources.some((resource) => resource.urn === parent)) {
            complete = false;
            onProgress(
                `${description} was created by this stack, but its parent is not in the state. To import it, set existing: adopt for it.`,
            );
        } else {
            // The import protects the resource. The next update applies the configured protection.
            await stack.import({
                resources: [{ type, name: urn.split("::").slice(3).join("::"), id, parent: "parent" }],
                nameTable: { parent },
                generateCode: false,
                suppressOutputs: true,
                color: "never",
            });
            onProgress(`${description} was created by this stack: imported`);
        }
    }
    for (const { resource } of pending) {
        const account = resource.inputs["serviceAccountId"];
        if (resource.type !== "gcp:serviceaccount/key:Key" || typeof account !== "string") continue;
        const email = account.slice(account.lastIndexOf("/") + 1);
        onProgress(
            `A key of ${email} was being created. If it exists at Google, its private part is lost: delete it. To list the keys, run: ` +
                `gcloud iam service-accounts keys list --managed-by=user --iam-account=${email}`,
        );
    }
    return complete;
}
