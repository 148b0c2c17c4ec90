import assert from "node:assert/strict";
import { parseEvents } from "../../packages/operations/src/review/events";
import { renderReview } from "../../packages/operations/src/review/markdown";
import { reviewPreview } from "../../packages/operations/src/review/review";
import { getEvents } from "./recorded-previews";

// What a comment says about resources of any type: all of what changes, or that it does not show it.

const secret = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    ciphertext: "[secret]",
};
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const access = {
    access: {},
    serviceAccounts: {},
    repository: { id: "python", project: "acme", location: "eu" },
};
const repositoryType = "gcp:artifactregistry/repository:Repository";

interface Step {
    readonly op: string;
    readonly type: string;
    readonly old?: object;
    readonly new?: object;
    readonly more?: object;
}

/** The comment on a preview of one step, with these inputs, and whether it claims to show everything. */
function reviewStep({ op, type, old, new: next, more = {} }: Step): { comment: string; complete: boolean } {
    const state = (inputs: object | undefined) =>
        inputs === undefined ? {} : { custom: true, inputs, outputs: inputs };
    const step = {
        ...{ op, type, urn: `urn:pulumi:dev::python-registry::${type}::thing` },
        ...(old ? { old: state(old) } : {}),
        ...(next ? { new: state(next) } : {}),
        ...more,
    };
    const preview = parseEvents(getEvents({ old: access, outputs: access, steps: [step] }), "dev");
    assert.ok(preview);
    const review = reviewPreview(preview);
    assert.ok(!review.failed && !review.unchanged);
    return { comment: renderReview([review]), complete: review.entries.hidden.length === 0 };
}

describe("a resource in a review", () => {
    it("shows everyone in the bindings of a whole policy", () => {
        const type = "google-native:artifactregistry/v1:RepositoryIamPolicy";
        const bindings = (...members: unknown[]) => ({
            repositoryId: "python",
            bindings: [
                { role: "roles/artifactregistry.reader", members: ["user:ada@acme.example"] },
                {
                    role: "roles/artifactregistry.writer",
                    members,
                    condition: { expression: "request.time < x" },
                },
            ],
        });
        const created = reviewStep({ op: "create", type, new: bindings("user:mallory@evil.example") });
        assert.ok(created.complete);
        assert.match(
            created.comment,
            /\*\*grants `roles\/artifactregistry\.reader`\*\*[^\n]*: `user:ada@acme\.example`/,
        );
        assert.match(
            created.comment,
            /\*\*grants `roles\/artifactregistry\.writer`\*\*[^\n]*: `user:mallory@evil\.example`, with the condition `[^\n]*request\.time/,
        );
        const updated = reviewStep({
            ...{ op: "update", type, old: bindings("user:bob@acme.example") },
            new: bindings("user:mallory@evil.example"),
        });
        assert.match(updated.comment, /\*\*grants `[^\n]*writer`\*\*[^\n]*: `user:mallory@evil\.example`/);
        assert.match(updated.comment, /\*\*revokes `[^\n]*writer`\*\*[^\n]*: `user:bob@acme\.example`/);
        assert.doesNotMatch(updated.comment, /s `roles\/artifactregistry\.reader`\*\*/);
        const deleted = reviewStep({ op: "delete", type, old: bindings("user:bob@acme.example") });
        assert.match(deleted.comment, /\*\*revokes `[^\n]*writer`\*\*[^\n]*: `user:bob@acme\.example`/);
        const hidden = reviewStep({ op: "create", type, new: bindings(secret) });
        assert.match(
            hidden.comment,
            /### Not shown\n\n- `bindings\[1\]\.members\[0\]` of the resource `thing`/,
        );
    });

    it("is not shown if its type is that of a grant and its inputs do not say of whom", () => {
        for (const type of [
            "google-native:artifactregistry/v1:RepositoryIamPolicy",
            "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
            "gcp:projects/iAMBinding:IAMBinding",
        ]) {
            for (const inputs of [
                {},
                { role: "roles/owner" },
                { role: "roles/owner", member: "" },
                { role: "roles/owner", principals: ["user:mallory@evil.example"] },
                { member: "user:mallory@evil.example" },
                { policy: { bindings: [{ role: "roles/owner", members: ["user:mallory@evil.example"] }] } },
                { bindings: { role: "roles/owner", members: ["user:mallory@evil.example"] } },
                { bindings: [{ role: "roles/owner", member: "user:mallory@evil.example" }] },
                { bindings: [{ members: ["user:mallory@evil.example"] }] },
                {
                    role: "roles/viewer",
                    member: "user:a@b.example",
                    bindings: [{ who: "user:m@evil.example" }],
                },
            ]) {
                for (const op of ["create", "import", "update", "delete"]) {
                    const old = op === "create" || op === "import" ? {} : { old: inputs };
                    const { comment, complete } = reviewStep({
                        ...{ op, type, ...old },
                        ...(op === "delete" ? {} : { new: inputs }),
                    });
                    assert.ok(!complete, `${op} ${type} ${JSON.stringify(inputs)}`);
                    assert.match(comment, /What the resource `thing` \([^)]*\) grants cannot be read\./);
                    assert.doesNotMatch(comment, /: none/);
                }
            }
        }
        const none = reviewStep({
            op: "create",
            type: "gcp:projects/iAMBinding:IAMBinding",
            new: { role: "r", members: [] },
        });
        assert.ok(none.complete);
    });

    it("shows its inputs when it is made or imported, if nothing else tells them", () => {
        for (const [type, inputs] of [
            [
                "gcp:privilegedaccessmanager/entitlement:entitlement",
                {
                    eligibleUsers: [{ principals: ["user:mallory@evil.example"] }],
                    privilegedAccess: { role: "roles/owner" },
                },
            ],
            [
                "gcp:projects/iAMCustomRole:IAMCustomRole",
                { roleId: "x", permissions: ["resourcemanager.projects.setIamPolicy"] },
            ],
            [
                "gcp:iam/workforcePoolProvider:WorkforcePoolProvider",
                { oidc: { issuerUri: "https://evil.example" } },
            ],
            [
                "google:index/iamWorkloadIdentityPoolProvider:IamWorkloadIdentityPoolProvider",
                { attributeCondition: "true" },
            ],
            ["constructor", { size: "1" }],
            [
                "gcp:cloudidentity/groupMembership:GroupMembership",
                { group: "groups/1", preferredMemberKey: { id: "mallory@evil.example" } },
            ],
            [
                "gcp:storage/bucketIAMMember:BucketIAMMember",
                { bucket: "backups", role: "r", member: "allUsers" },
            ],
            [repositoryType, { repositoryId: "python", cleanupPolicies: [{ id: "all", action: "DELETE" }] }],
            ["gcp:serviceaccount/key:Key", { serviceAccountId: "x", publicKeyData: "TUFMTE9SWQ" }],
            [
                "gcp:iam/workloadIdentityPool:WorkloadIdentityPool",
                { workloadIdentityPoolId: "p", mode: "TRUST_DOMAIN" },
            ],
        ] as const) {
            for (const op of ["create", "import", "create-replacement"]) {
                const { comment, complete } = reviewStep({ op, type, new: inputs });
                assert.ok(complete, `${op} ${type}`);
                for (const [key, value] of Object.entries<unknown>(inputs)) {
                    if (/^(?:repositoryId|serviceAccountId|workloadIdentityPoolId)$/.test(key)) continue;
                    const shown = typeof value === "string" ? value : JSON.stringify(value);
                    assert.ok(
                        comment.includes(`\`${key}\` = \`${shown}\``),
                        `${op} ${type} ${key}\n${comment}`,
                    );
                }
            }
        }
        const type = "gcp:projects/iAMCustomRole:IAMCustomRole";
        for (const [value, why] of [
            [secret, "is a secret"],
            [unknown, "is known after the update"],
            ["Bearer abcdefghijklmnopqrstuvwxyz", "contains what looks like a credential, and changes"],
        ] as const) {
            const { comment } = reviewStep({ op: "create", type, new: { permissions: ["a", value] } });
            assert.ok(
                comment.includes(
                    `### Not shown\n\n- \`permissions[1]\` of the resource \`thing\` (\`${type}\`) ${why}.`,
                ),
                comment,
            );
            assert.ok(!comment.includes("abcdefghijkl"));
        }
        const long = reviewStep({
            op: "create",
            type,
            new: { title: "x".repeat(5000), permissions: ["last"] },
        });
        assert.ok(long.comment.includes(`\`permissions\` = \`["last"]\``));
        assert.match(long.comment, /`title` = `x{4096}` … 904 more characters/);
    });

    it("shows each input that an update or a replacement changes, also if the engine does not name it", () => {
        const policy = { id: "all", action: "DELETE", condition: { olderThan: "1s" } };
        const inputs = {
            repositoryId: "python",
            labels: { team: "a", tier: "1" },
            docker: { immutable: true },
        };
        const old = { ...inputs, cleanupPolicies: [] };
        for (const more of [
            {},
            { detailedDiff: null, diffs: [] },
            { detailedDiff: {} },
            { detailedDiff: { "": { kind: "update" } } },
            { detailedDiff: { description: { kind: "update" } } },
            { detailedDiff: { "labels.team": { kind: "update" } }, diffs: ["labels"] },
            { diffs: ["labels"] },
        ]) {
            for (const op of ["update", "replace"]) {
                const next = { ...inputs, labels: { team: "b", tier: "2" }, cleanupPolicies: [policy] };
                const keys = op === "replace" ? { keys: ["labels"] } : {};
                const step = { op, type: repositoryType, old, new: next, more: { ...more, ...keys } };
                const { comment, complete } = reviewStep(step);
                assert.ok(complete);
                const shown = JSON.stringify([policy]);
                assert.ok(comment.includes(`\`cleanupPolicies\`, \`[]\` → \`${shown}\``), comment);
                assert.match(
                    comment,
                    /`labels\.tier`, `1` → `2`|`labels`, `[^`]*"tier":"1"\}` → `[^`]*"tier":"2"\}`/,
                );
            }
        }
        const items = reviewStep({
            ...{ op: "update", type: repositoryType },
            ...{ old: { list: ["a", "b"] }, new: { list: ["c", "d"] } },
            more: { detailedDiff: { "list[0]": { kind: "update" } } },
        });
        assert.ok(items.comment.includes('`list`, `["a","b"]` → `["c","d"]`'), items.comment);
        const keys = reviewStep({
            ...{ op: "update", type: repositoryType },
            ...{ old: { size: 1, labels: { "a\nb": "x" } }, new: { size: 2, labels: { "a\nb": "y" } } },
        });
        assert.match(keys.comment, /`labels`, `\{[^`]*"x"\}` → `\{[^`]*"y"\}`/);
        const provider = reviewStep({
            ...{ op: "update", type: "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider" },
            ...{ old: { deletionPolicy: "PREVENT" }, new: { deletionPolicy: "DELETE" } },
        });
        assert.ok(provider.comment.includes("`deletionPolicy`, `PREVENT` → `DELETE`"), provider.comment);
    });

    it("is not shown if nothing says what an update changes", () => {
        for (const type of [repositoryType, "other:index:Thing"]) {
            for (const more of [{}, { detailedDiff: { gone: { kind: "update" } } }, { diffs: ["__meta"] }]) {
                const inputs = { repositoryId: "python", size: 1 };
                const step = { op: "update", type, old: inputs, new: inputs, more };
                const { comment, complete } = reviewStep(step);
                assert.ok(!complete);
                assert.match(comment, /What the update changes in the [^\n]* is not in the events\./);
            }
        }
        // A secret looks the same before and after the update.
        for (const [op, more] of [
            ["update", {}],
            ["update", { detailedDiff: { other: { kind: "update" } } }],
            ["replace", { keys: ["size"] }],
        ] as const) {
            const { comment } = reviewStep({
                ...{ op, type: repositoryType, more },
                ...{ old: { password: secret, size: 1 }, new: { password: secret, size: 2 } },
            });
            assert.match(comment, /`password` of the repository `thing` is a secret\./);
        }
    });
});

describe("a mirror in a review", () => {
    const type = "gcp:artifactregistry/rule:Rule";
    const rule = {
        project: "acme",
        location: "eu",
        repositoryId: "python-public",
        ruleId: "package-acme-core",
    };
    const deny = { ...rule, action: "DENY", operation: "DOWNLOAD", packageId: "acme-core" };
    const opened = /\*\*No longer keeps the package `acme-core` out of the repository `python-public`\.\*\*/;

    it("says in bold that a rule no longer keeps a package out", () => {
        assert.match(reviewStep({ op: "delete", type, old: deny }).comment, opened);
        for (const change of [{ action: "ALLOW" }, { condition: { expression: "false" } }]) {
            const more = { detailedDiff: { [Object.keys(change)[0] ?? ""]: { kind: "update" } } };
            const update = { op: "update", type, old: deny, new: { ...deny, ...change }, more };
            assert.match(reviewStep(update).comment, opened);
        }
        const all = { ...deny, ruleId: "other-packages", packageId: undefined };
        assert.match(
            reviewStep({ op: "delete", type, old: all }).comment,
            /\*\*No longer keeps packages without a rule of their own out of/,
        );
    });

    it("says what a rule allows or denies from now on, and nothing of one that allowed", () => {
        const created = reviewStep({ op: "create", type, new: deny });
        assert.match(
            created.comment,
            /Creates the rule `package-acme-core` of the repository `python-public` with `action` = `DENY`; `operation` = `DOWNLOAD`; `packageId` = `acme-core`/,
        );
        assert.doesNotMatch(created.comment, /No longer/);
        const allowed = reviewStep({ op: "delete", type, old: { ...deny, action: "ALLOW" } });
        assert.doesNotMatch(allowed.comment, /No longer/);
    });

    it("says what adoption imports and what it changes, and that a rule without its condition denies more", () => {
        const found = { ...deny, condition: { expression: "pkg.version.id > '2'" } };
        const more = { detailedDiff: { condition: { kind: "delete" } } };
        const { comment } = reviewStep({ op: "update", type, old: found, new: deny, more });
        assert.match(
            comment,
            /Updates the rule `package-acme-core` of the repository `python-public`: `condition`, `[^\n]*2[^\n]*` → none/,
        );
        assert.doesNotMatch(comment, /No longer/);
        const other = { ...deny, condition: { expression: "pkg.version.id > '3'" } };
        const changed = { detailedDiff: { "condition.expression": { kind: "update" } } };
        assert.match(
            reviewStep({ op: "update", type, old: found, new: other, more: changed }).comment,
            /\*\*No longer keeps the package `acme-core`, under a condition, out of the repository `python-public`\.\*\*/,
        );

        const imported = reviewStep({ op: "import", type, new: found });
        assert.match(
            imported.comment,
            /Imports the rule `package-acme-core` of the repository `python-public`, which exists already with `action` = `DENY`; [^\n]*`condition` = /,
        );
        const virtual = {
            ...{ project: "acme", location: "eu", repositoryId: "python-all", mode: "VIRTUAL_REPOSITORY" },
            virtualRepositoryConfig: { upstreamPolicies: [{ id: "x", priority: 1, repository: "theirs" }] },
        };
        assert.match(
            reviewStep({ op: "import", type: repositoryType, new: virtual }).comment,
            /Imports the repository `python-all`, which exists already with `virtualRepositoryConfig` = `[^\n]*theirs/,
        );
    });

    it("names what is only read as Google does", () => {
        const read = { custom: true, inputs: {}, outputs: deny };
        const { comment } = reviewStep({ op: "read", type, more: { new: read } });
        assert.match(comment, /Reads the rule `package-acme-core` of the repository `python-public`/);
    });

    it("says in bold that an upstream changes", () => {
        const virtual = (repository: string) => ({
            ...{ project: "acme", location: "eu", repositoryId: "python-all", mode: "VIRTUAL_REPOSITORY" },
            virtualRepositoryConfig: { upstreamPolicies: [{ id: "public", priority: 100, repository }] },
        });
        const path = "virtualRepositoryConfig.upstreamPolicies[0].repository";
        const { comment } = reviewStep({
            ...{ op: "update", type: repositoryType, old: virtual("ours"), new: virtual("theirs") },
            more: { detailedDiff: { [path]: { kind: "update", inputDiff: true } } },
        });
        assert.match(
            comment,
            /\*\*Changes where the packages of the repository `python-all` come from\*\*[^\n]*`ours` → `theirs`/,
        );
    });
});
