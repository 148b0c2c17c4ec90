import { format } from "prettier";

/** What happened when a stack or a part of it ended or moved. */
export interface Ending {
    readonly what: string;
    readonly how: string;
    /** What was at Google afterwards. */
    readonly after: readonly string[];
}

/** The text of docs/ends.md. */
export function endsPage(endings: readonly Ending[]): Promise<string> {
    const rows = endings.map(({ what, how, after }) => [
        what,
        how,
        after.length === 0
            ? "nothing"
            : after.map((line) => line.replace(/principalSet:\S+\/attribute\./, "…/")).join("<br>"),
    ]);
    const text = `# What ends and moves leave behind

The engine tests write this page (\`WRITE_DOCS=1\`), and fail if it is out of date. Each row is a run of the real engine and the real
Google provider against the sandbox. The last column is what was at Google afterwards: the resources, and everyone with a role on
one. \`group:owner@example.com\` had its roles before the stack existed.

${[["what ends or moves", "how", "at Google afterwards"], ["---", "---", "---"], ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n")}

- **The stack's workload identity pool and its providers stay**, because Google keeps the id of a deleted one for 30 days. Without
  grants, they give access to nothing. In a pool of someone else (\`pool.existing: use\`), the stack's providers are deleted: their ids
  are free again after 30 days, or after \`undelete\` (see [workloads](workloads.md#a-deleted-pool)). APIs stay enabled.
- **Audit logs stay on** (\`auditLogs\`), because another stack can have asked for them. They give access to nothing. \`cleanup\` and
  \`scanning\` stay as they are on a repository that stays.
- **What a repository that stays needs, stays with it**: the download rules of a mirror, and what Google's service agent is granted for an
  upstream and on a key (\`encryption\`). They end with the repository (see [the life of a repository](lifecycle.md)).
- **A grant has one owner.** If a principal that you list had the role before, without the stack, it loses the role when the stack
  removes its grant.
- **Change \`access\`, and \`existing\`, in an update of its own.** A principal that the same update removes can keep its role.
- **Authoritative access removes other members**, and nothing restores them: not even destroying a stack that uses a repository of
  someone else. The preview names them. Use \`access: additive\` on a repository that others manage, too.
- **What the state no longer has, Pulumi cannot remove.** After \`pulumi state delete\` or \`pulumi stack rm --force\`, the resources and
  grants stay at Google. To rebuild the state, create a stack with the same name and the same settings, with \`existing: adopt\` for the
  repository and for each account, with \`mirror.existing\` and \`existingRules\` for a [mirror](existing-resources.md#a-mirror), and without \`keys\`. \`pulumi up\` finds the pool and its providers. Then delete the old keys,
  which nobody can read again: \`gcloud iam service-accounts keys list --iam-account=ACCOUNT\`.
- **An account that was deleted and created again** is a different account: the policy names the old one, as
  \`deleted:serviceAccount:…?uid=…\`, and \`pulumi up\` sees no difference. \`pulumi up --refresh\` grants the roles to the new account.
- **A refused \`pulumi destroy --skip-preview\`** has deleted the accounts and forgotten the grants before it reaches the protected
  repository. Run \`pulumi up\` to restore them. Without \`--skip-preview\`, it changes nothing.
- **A stack that was last updated by an earlier version** of this program needs one \`pulumi up\` before you destroy it: that version's grants on
  a repository with \`existing: use\` would stay.
`;
    return format(text, { parser: "markdown", printWidth: 132, proseWrap: "preserve" });
}
