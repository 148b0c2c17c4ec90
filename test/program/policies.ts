import assert from "node:assert/strict";
import type { LoggedRequest } from "../../packages/sandbox/src/sandbox";

/** Role → members. */
type Roles = Readonly<Record<string, readonly string[]>>;

/** The policies that these requests gave the repository, oldest first. */
export function policiesSet(requests: readonly LoggedRequest[]): Roles[] {
    return requests
        .filter(({ path, status }) => /:setIamPolicy(\?|$)/.test(path) && status === 200)
        .map(({ body }) => {
            const { policy } = body as { policy: { bindings?: { role: string; members: string[] }[] } };
            return Object.fromEntries((policy.bindings ?? []).map(({ role, members }) => [role, members]));
        });
}

/** Checks that these members have their role at every moment: each policy that was set names them. */
export function assertKeepRole(
    requests: readonly LoggedRequest[],
    role: string,
    members: readonly string[],
): void {
    for (const policy of policiesSet(requests)) {
        const lost = members.filter((member) => !policy[role]?.includes(member));
        assert.deepEqual(lost, [], `lost ${role} for a moment: ${JSON.stringify(policy)}`);
    }
}
