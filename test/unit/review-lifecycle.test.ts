import assert from "node:assert/strict";
import fc from "fast-check";
import { applyPolicies, isDeleted, type Version } from "../../packages/operations/src/cleanup/evaluate";
import { parseEvents } from "../../packages/operations/src/review/events";
import { renderReview } from "../../packages/operations/src/review/markdown";
import { reviewPreview } from "../../packages/operations/src/review/review";
import { getEvents } from "./recorded-previews";

// What a comment says about cleanup, encryption and scanning: what can lose packages or protection is in bold.

type Inputs = Readonly<Record<string, unknown>>;

const outputs = {
    access: {},
    serviceAccounts: {},
    repository: { id: "python", project: "acme", location: "eu" },
};
const repositoryType = "gcp:artifactregistry/repository:Repository";
const old30 = { id: "old", action: "DELETE", condition: { olderThan: "2592000s", tagState: "ANY" } };
const newest = { id: "newest", action: "KEEP", mostRecentVersions: { keepCount: 5 } };

/** The lines of the comment on an update of a repository, or of what `step` says. */
function review(before: Inputs | undefined, after: Inputs | undefined, step: Inputs = {}): string[] {
    const state = (inputs: Inputs) => {
        const all = { repositoryId: "python", ...inputs };
        return { custom: true, inputs: all, outputs: all };
    };
    const made = {
        op: before === undefined ? "create" : "update",
        type: repositoryType,
        urn: "urn:pulumi:dev::python-registry::type::thing",
        ...(before && { old: state(before) }),
        ...(after && { new: state(after) }),
        ...step,
    };
    const preview = parseEvents(getEvents({ old: outputs, outputs, steps: [made] }), "dev");
    assert.ok(preview);
    return renderReview([reviewPreview(preview)])
        .split("\n")
        .filter((line) => line.startsWith("- "))
        .map((line) => line.slice(2));
}

/** The lines without the one that has the inputs as they are. */
const inWords = (...args: Parameters<typeof review>) =>
    review(...args).filter((line) => !/^(?:Updates|Creates) the repository/.test(line));

describe("the review of a cooldown", () => {
    /** The lines of the comment on an update that changes the outputs. */
    const lines = (before: object, after: object) => {
        const preview = parseEvents(
            getEvents({ old: { ...outputs, ...before }, outputs: { ...outputs, ...after }, steps: [] }),
            "dev",
        );
        assert.ok(preview);
        return renderReview([reviewPreview(preview)]).match(/^- \*\*.*$/gm) ?? [];
    };
    const days = (count: unknown) => ({ cooldown: { days: count } });
    const end = "before they take new versions of public packages.**";

    it("says in bold that it becomes shorter, or ends", () => {
        assert.deepEqual(lines(days(14), days(7)), [`- **The tools wait 7 days instead of 14 ${end}`]);
        assert.deepEqual(lines(days(14), {}), [`- **The tools no longer wait ${end}`]);
    });

    it("says nothing of one that is new, longer or the same", () => {
        for (const [before, after] of [
            [{}, days(7)],
            [days(7), days(14)],
            [days(7), days(7)],
            [{}, {}],
            [days("14"), days(7)],
        ])
            assert.deepEqual(lines(before!, after!), []);
    });
});

describe("the review of a repository's settings", () => {
    it("has cleanup that is no longer a dry run in bold, with what it deletes", () => {
        assert.deepEqual(
            inWords(
                { cleanupPolicies: [old30, newest], cleanupPolicyDryRun: true },
                { cleanupPolicies: [newest, old30], cleanupPolicyDryRun: false },
            ),
            [
                "**Ends the dry run of the cleanup policies of the repository `python`. From now on, the service deletes the versions that they match: `old`, `DELETE older than 30d`**",
            ],
        );
    });

    it("has new policies of a dry run in a line each", () => {
        assert.deepEqual(
            inWords(undefined, { cleanupPolicies: [old30, newest], cleanupPolicyDryRun: true }),
            [
                "Cleanup of the repository `python` is a dry run: the service deletes nothing",
                "Adds the cleanup policy `newest` of the repository `python`: `KEEP the newest 5 of each package`",
                "Adds the cleanup policy `old` of the repository `python`: `DELETE older than 30d`",
            ],
        );
    });

    const active = (...cleanupPolicies: unknown[]) => ({ cleanupPolicies, cleanupPolicyDryRun: false });
    const change = (before: unknown[], after: unknown[]) => inWords(active(...before), active(...after));
    const isBold = (lines: readonly string[]) => {
        assert.equal(lines.length, 1, lines.join("\n"));
        return lines[0]!.startsWith("**");
    };

    it("has in bold what deletes more or keeps less", () => {
        const older = { ...old30, condition: { olderThan: "90d" } };
        const some = { ...old30, condition: { olderThan: "30d", packageNamePrefixes: ["acme-"] } };
        const fewer = { ...newest, mostRecentVersions: { keepCount: 2 } };
        assert.deepEqual(change([older], [old30]), [
            "**Changes the cleanup policy `old` of the repository `python`: `DELETE older than 90d` → `DELETE older than 30d`**",
        ]);
        for (const [before, after, bold] of [
            [[], [old30], true],
            [[old30], [], false],
            [[old30], [older], false],
            [[some], [old30], true],
            [[old30], [some], false],
            [[newest], [], true],
            [[], [newest], false],
            [[newest], [fewer], true],
            [[fewer], [newest], false],
            [[{ ...old30, action: "KEEP" }], [old30], true],
        ] as const) {
            assert.equal(isBold(change([...before], [...after])), bold, JSON.stringify([before, after]));
        }
    });

    it("says nothing of what stays the same, in whatever order and units", () => {
        const same = { ...old30, condition: { olderThan: "30d", tagPrefixes: null } };
        assert.deepEqual(change([old30, newest], [newest, same]), []);
    });

    it("does not know a policy of an unknown form, and says so in bold", () => {
        const odd = { id: "odd", action: "DELETE", condition: { olderThan: "a month" } };
        assert.deepEqual(change([], [odd]), [
            "**The cleanup policies of the repository `python` change in a form that this review does not know.**",
        ]);
    });

    it("names the key of a new repository, and scanning that is turned off in bold", () => {
        assert.deepEqual(
            inWords(undefined, {
                kmsKeyName: "projects/p/k",
                vulnerabilityScanningConfig: { enablementConfig: "INHERITED" },
            }),
            [
                "The repository `python` is encrypted with the key `projects/p/k`, which cannot be changed later",
                "Turns on scanning for vulnerabilities of the repository `python`",
            ],
        );
        assert.deepEqual(inWords({ vulnerabilityScanningConfig: { enablementConfig: "INHERITED" } }, {}), [
            "**Turns off scanning for vulnerabilities of the repository `python`.**",
        ]);
    });

    it("says what the end of the grant on a key means", () => {
        const inputs = {
            cryptoKeyId: "projects/p/locations/eu/keyRings/r/cryptoKeys/k",
            role: "roles/cloudkms.cryptoKeyEncrypterDecrypter",
            member: "serviceAccount:agent@example.com",
        };
        const type = "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember";
        const [first] = review(inputs, undefined, { op: "delete", type });
        assert.equal(
            first,
            "**Deletes the grant `roles/cloudkms.cryptoKeyEncrypterDecrypter` on the key `projects/p/locations/eu/keyRings/r/cryptoKeys/k`.** Repositories that are encrypted with this key can then neither be read nor written.",
        );
    });

    it("has every change in bold after which a version is deleted that was not", () => {
        const now = new Date("2026-11-29T12:00:00Z");
        const version = fc
            .tuple(
                fc.constantFrom("a", "acme", "b", "c-"),
                fc.constantFrom("0.1", "1.0", "10.0"),
                fc.integer({ min: 0, max: 4_000_000_000 }),
            )
            .map(([name, number, seconds]): Version => ({
                package: name,
                version: number,
                created: new Date(now.getTime() - seconds * 1000),
                tags: [],
            }));
        const versions = fc.uniqueArray(version, { selector: (each) => each.package + each.version });
        const prefix = fc.subarray(["a", "acme", "b", "c"], { minLength: 1 });
        const policy = fc.oneof(
            fc.record({
                action: fc.constantFrom("DELETE", "KEEP"),
                condition: fc.record(
                    {
                        olderThan: fc.integer({ min: 1, max: 40_000 }).map((days) => `${days}d`),
                        packageNamePrefixes: prefix,
                        versionNamePrefixes: fc.subarray(["0.", "1", "10."], { minLength: 1 }),
                    },
                    { requiredKeys: [] },
                ),
            }),
            fc.record({
                action: fc.constant("KEEP"),
                mostRecentVersions: fc.record(
                    { keepCount: fc.integer({ min: 1, max: 3 }), packageNamePrefixes: prefix },
                    { requiredKeys: ["keepCount"] },
                ),
            }),
        );
        const policies = fc.dictionary(fc.constantFrom("p", "q", "r"), policy, { maxKeys: 3 });
        const deleted = (given: Parameters<typeof applyPolicies>[0], list: readonly Version[]) =>
            applyPolicies(given, list, now)
                .filter(isDeleted)
                .map((verdict) => verdict.version);
        const written = (given: object) =>
            active(...Object.entries(given).map(([id, policy]) => ({ id, ...(policy as object) })));
        let found = 0;
        fc.assert(
            fc.property(policies, policies, versions, (before, after, list) => {
                const kept = new Set(deleted(before, list));
                if (deleted(after, list).every((each) => kept.has(each))) return;
                found++;
                const lines = inWords(written(before), written(after));
                assert.ok(
                    lines.some((line) => line.startsWith("**")),
                    lines.join("\n"),
                );
            }),
            { numRuns: 300 },
        );
        assert.ok(found > 20, String(found));
    });
});
