import { strict as assert } from "node:assert";
import fc from "fast-check";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { parseDuration, readable } from "../../packages/registry/src/lifecycle/duration";
import {
    cleanupDifferences,
    type FoundPolicy,
    repositoryPolicies,
} from "../../packages/registry/src/lifecycle/repository-policies";
import { mergeLogs } from "../../packages/registry/src/components/audit-logs";
import { parseSettings } from "../../src/settings";
import * as any from "./arbitraries";

// The settings about the life of a repository: cleanup, encryption, scanning and audit logs.

type Values = Record<string, unknown>;
const place: Values = { "gcp:project": "acme-tools", location: "europe-west1" };
const parse = (values: Values, secretKeys: readonly string[] = []) =>
    parseSettings(stackConfig({ ...place, ...values }), new Set(secretKeys));

function mistakesIn(values: Values, secretKeys: readonly string[] = []): readonly string[] {
    const parsed = parse(values, secretKeys);
    return "mistakes" in parsed ? parsed.mistakes : [];
}

function accepted(values: Values) {
    const parsed = parse(values);
    assert.ok("settings" in parsed, JSON.stringify(parsed));
    return parsed;
}

const policies = (given: Values): Values => ({ cleanup: { policies: given } });
const key = "projects/acme-keys/locations/europe-west1/keyRings/registry/cryptoKeys/python";

describe("settings: cleanup", () => {
    it("is a dry run until said otherwise", () => {
        const old = { action: "DELETE", condition: { olderThan: "30d" } };
        const { settings } = accepted(policies({ old }));
        assert.deepEqual(settings.cleanup, {
            dryRun: true,
            policies: { old: { action: "DELETE", condition: { olderThan: "2592000s" } } },
        });
        assert.equal(
            accepted({ cleanup: { policies: { old }, dryRun: false } }).settings.cleanup?.dryRun,
            false,
        );
    });

    it("has one form, whatever the order and the units in the configuration", () => {
        const one = accepted(
            policies({
                keep: {
                    mostRecentVersions: { keepCount: 3, packageNamePrefixes: ["b", "a"] },
                    action: "KEEP",
                },
                drop: {
                    condition: { versionNamePrefixes: ["1.", "0."], olderThan: "48h" },
                    action: "DELETE",
                },
            }),
        );
        const other = accepted(
            policies({
                drop: { action: "DELETE", condition: { olderThan: "2d", versionNamePrefixes: ["0.", "1."] } },
                keep: {
                    action: "KEEP",
                    mostRecentVersions: { packageNamePrefixes: ["a", "b"], keepCount: 3 },
                },
            }),
        );
        const written = ({ settings }: typeof one) =>
            JSON.stringify(settings.cleanup && repositoryPolicies(settings.cleanup));
        assert.equal(written(one), written(other));
        assert.equal(JSON.stringify(one.settings.cleanup), JSON.stringify(other.settings.cleanup));
    });

    it("writes a condition that matches everything as one that the provider sends", () => {
        const { settings } = accepted(policies({ all: { action: "DELETE", condition: {} } }));
        assert.deepEqual(settings.cleanup && repositoryPolicies(settings.cleanup), [
            { id: "all", action: "DELETE", condition: { tagState: "ANY" } },
        ]);
    });

    it("is unset by an empty map, and removes all policies with an empty map of policies", () => {
        assert.equal(accepted({ cleanup: {} }).settings.cleanup, undefined);
        assert.deepEqual(accepted(policies({})).settings.cleanup, { dryRun: true, policies: {} });
    });

    const mistakes: readonly [what: string, given: unknown, message: string | RegExp][] = [
        ["a list", [], "cleanup: [] is a list, not a map. Allowed: a map with the keys policies and dryRun."],
        [
            "no policies",
            { dryRun: true },
            "cleanup.policies: is not set. Allowed: a map from id to {action, condition, mostRecentVersions}. An empty map removes all policies.",
        ],
        [
            "an unknown key",
            { policies: {}, dryrun: true },
            'cleanup.dryrun: "dryrun" is an unknown key of cleanup (its value: true). Allowed: policies, dryRun. Did you mean "dryRun"?',
        ],
        [
            "dryRun as text",
            { policies: {}, dryRun: "no" },
            'cleanup.dryRun: "no" is a string, not a boolean. Allowed: true, false.',
        ],
        [
            "an id in capitals",
            { policies: { Old: { action: "DELETE", condition: {} } } },
            'cleanup.policies.Old: "Old" is not valid. Allowed: 1 to 127 lowercase letters, digits, - and _, starting with a letter. Did you mean "old"?',
        ],
        [
            "an unknown action",
            { policies: { old: { action: "delete", condition: {} } } },
            'cleanup.policies.old.action: "delete" is not valid. Allowed: DELETE, KEEP. Did you mean "DELETE"?',
        ],
        [
            "neither of the two",
            { policies: { old: { action: "DELETE" } } },
            "cleanup.policies.old: has neither condition nor mostRecentVersions. Allowed: one of them, and with DELETE only condition.",
        ],
        [
            "both",
            { policies: { old: { action: "KEEP", condition: {}, mostRecentVersions: { keepCount: 1 } } } },
            "cleanup.policies.old: has both condition and mostRecentVersions. Allowed: one of them.",
        ],
        [
            "DELETE with the newest versions",
            { policies: { old: { action: "DELETE", mostRecentVersions: { keepCount: 1 } } } },
            "cleanup.policies.old.mostRecentVersions: cannot be set with DELETE. Allowed: with KEEP. To delete all but the newest versions, add a DELETE policy with a condition beside it.",
        ],
        [
            "a count of zero",
            { policies: { new: { action: "KEEP", mostRecentVersions: { keepCount: 0 } } } },
            "cleanup.policies.new.mostRecentVersions.keepCount: 0 is not valid. Allowed: a whole number of at least 1.",
        ],
        [
            "no count",
            { policies: { new: { action: "KEEP", mostRecentVersions: {} } } },
            "cleanup.policies.new.mostRecentVersions.keepCount: is not set. Allowed: a whole number of at least 1.",
        ],
        [
            "a duration in words",
            { policies: { old: { action: "DELETE", condition: { olderThan: "2 weeks" } } } },
            'cleanup.policies.old.condition.olderThan: "2 weeks" is not valid. Allowed: a number with the unit d, h, m or s, such as 30d or 12h. Did you mean "14d"?',
        ],
        [
            "a duration without a unit",
            { policies: { old: { action: "DELETE", condition: { olderThan: 30 } } } },
            "cleanup.policies.old.condition.olderThan: 30 is a number, not a string. Allowed: a number with the unit d, h, m or s, such as 30d or 12h.",
        ],
        [
            "a duration of more than 100 years",
            { policies: { old: { action: "DELETE", condition: { olderThan: "36526d" } } } },
            'cleanup.policies.old.condition.olderThan: "36526d" is too long. Allowed: at most 36525d.',
        ],
        [
            "ages that no version has",
            { policies: { old: { action: "DELETE", condition: { olderThan: "30d", newerThan: "240h" } } } },
            "cleanup.policies.old.condition: matches no version: none is both older than 30d and newer than 10d. Allowed: a newerThan that is longer than olderThan.",
        ],
        [
            "a prefix with an asterisk",
            { policies: { old: { action: "DELETE", condition: { packageNamePrefixes: ["Acme_*"] } } } },
            'cleanup.policies.old.condition.packageNamePrefixes[0]: "Acme_*" is not valid. Allowed: the beginning of a package\'s normalized name, of lowercase letters, digits and hyphens, without an asterisk (acme-). Did you mean "acme-"?',
        ],
        [
            "a version with an asterisk",
            { policies: { old: { action: "DELETE", condition: { versionNamePrefixes: ["0.*"] } } } },
            'cleanup.policies.old.condition.versionNamePrefixes[0]: "0.*" is not valid. Allowed: the beginning of a version, without an asterisk, in quotes ("0.", "1.2."). Did you mean "0."?',
        ],
        [
            "an empty list, which would match everything",
            { policies: { old: { action: "DELETE", condition: { packageNamePrefixes: [] } } } },
            "cleanup.policies.old.condition.packageNamePrefixes: [] is empty, and so matches every version. Allowed: a list of beginnings of package names, or no list.",
        ],
        [
            "a prefix twice",
            { policies: { old: { action: "DELETE", condition: { packageNamePrefixes: ["a", "a"] } } } },
            'cleanup.policies.old.condition.packageNamePrefixes[1]: "a" is listed twice. Allowed: each prefix once.',
        ],
        [
            "eleven policies",
            {
                policies: Object.fromEntries(
                    Array.from({ length: 11 }, (_, n) => [`p${n}`, { action: "KEEP", condition: {} }]),
                ),
            },
            "cleanup.policies: has 11 policies. Allowed: at most 10.",
        ],
    ];
    for (const [what, given, message] of mistakes) {
        it(`refuses ${what}`, () => {
            assert.deepEqual(mistakesIn({ cleanup: given }), [`python-registry:${message.toString()}`]);
        });
    }

    it("reports all mistakes at once", () => {
        const given = {
            a: { action: "x", condition: {} },
            b: { action: "KEEP", condition: { olderThan: "x", newerThan: "y" } },
            c: 7,
        };
        assert.equal(mistakesIn(policies(given)).length, 4);
    });

    it("shows nothing of a secret in a message", () => {
        const found = mistakesIn(policies({ hush: { action: "DELETE", condition: { hidden: "value" } } }), [
            "python-registry:cleanup",
        ]);
        assert.equal(found.length, 1);
        assert.match(found[0] ?? "", /^python-registry:cleanup: \[secret\] has a mistake\./);
        assert.doesNotMatch(found[0] ?? "", /hush|hidden|value of|DELETE/);
    });

    const notices: readonly [what: string, given: Values, notice: readonly string[]][] = [
        ["a usual set", { old: { action: "DELETE", condition: { olderThan: "30d" } } }, []],
        [
            "policies that delete nothing",
            { new: { action: "KEEP", mostRecentVersions: { keepCount: 3 } } },
            [
                "cleanup deletes nothing: all its policies have the action KEEP, which only makes exceptions from DELETE.",
            ],
        ],
        [
            "a policy that deletes everything",
            {
                all: { action: "DELETE", condition: { tagState: "ANY" } },
                new: { action: "KEEP", mostRecentVersions: { keepCount: 3 } },
            },
            [
                "cleanup.policies.all would delete every version that no KEEP policy keeps: its condition has neither an age nor a prefix.",
            ],
        ],
        [
            "a policy that keeps everything",
            {
                old: { action: "DELETE", condition: { olderThan: "30d" } },
                all: { action: "KEEP", condition: {} },
            },
            ["cleanup.policies.all keeps every version, so that no other policy deletes anything."],
        ],
        [
            "a policy for tags, which Python packages do not have",
            { old: { action: "DELETE", condition: { tagState: "TAGGED" } } },
            ["cleanup.policies.old matches nothing: versions of Python packages have no tags."],
        ],
    ];
    for (const [what, given, expected] of notices) {
        it(`tells about ${what}`, () => {
            assert.deepEqual(accepted(policies(given)).notices, expected);
        });
    }
});

describe("settings: encryption", () => {
    it("is a key in the location of the repository, also in a multi-region", () => {
        assert.deepEqual(accepted({ encryption: { kmsKey: key } }).settings.encryption, { kmsKey: key });
        for (const location of ["us", "europe", "asia"]) {
            accepted({ location, encryption: { kmsKey: key.replace("europe-west1", location) } });
        }
        assert.deepEqual(mistakesIn({ location: "europe", encryption: { kmsKey: key } }), [
            `python-registry:encryption.kmsKey: "${key}" is in europe-west1. Allowed: a key in europe, the location of the repository.`,
        ]);
    });

    it("refuses what is no key, and finds the key in what was pasted", () => {
        const allowed =
            "Allowed: the resource name of a Cloud KMS key, projects/PROJECT/locations/LOCATION/keyRings/KEY_RING/cryptoKeys/KEY.";
        for (const kmsKey of [`${key}/cryptoKeyVersions/1`, `//cloudkms.googleapis.com/${key}`]) {
            assert.deepEqual(mistakesIn({ encryption: { kmsKey } }), [
                `python-registry:encryption.kmsKey: "${kmsKey}" is not valid. ${allowed} Did you mean "${key}"?`,
            ]);
        }
        assert.deepEqual(mistakesIn({ encryption: { kmskey: key } }), [
            `python-registry:encryption.kmskey: "kmskey" is an unknown key of encryption (its value: "${key}"). Allowed: kmsKey. Did you mean "kmsKey"?`,
            `python-registry:encryption.kmsKey: is not set. ${allowed}`,
        ]);
    });
});

describe("settings: scanning and audit logs", () => {
    it("are unset by their defaults", () => {
        const { settings } = accepted({ scanning: false, auditLogs: [] });
        assert.deepEqual(["scanning" in settings, "auditLogs" in settings], [false, false]);
    });

    it("take a boolean and a list of types, each once", () => {
        assert.deepEqual(accepted({ auditLogs: ["DATA_WRITE", "ADMIN_READ"] }).settings.auditLogs, [
            "ADMIN_READ",
            "DATA_WRITE",
        ]);
        assert.deepEqual(mistakesIn({ scanning: "yes" }), [
            'python-registry:scanning: "yes" is a string, not a boolean. Allowed: true, false.',
        ]);
        assert.deepEqual(mistakesIn({ auditLogs: ["DATA_READ", "read", "DATA_READ"] }), [
            'python-registry:auditLogs[1]: "read" is not valid. Allowed: ADMIN_READ, DATA_READ, DATA_WRITE.',
        ]);
        assert.deepEqual(mistakesIn({ auditLogs: ["DATA_READ", "DATA_READ"] }), [
            'python-registry:auditLogs[1]: "DATA_READ" is listed twice. Allowed: each type once.',
        ]);
        assert.deepEqual(mistakesIn({ auditLogs: "DATA_READ" }), [
            'python-registry:auditLogs: "DATA_READ" is a string, not a list. Allowed: a list of ADMIN_READ, DATA_READ, DATA_WRITE.',
        ]);
    });
});

describe("settings: the life of a repository that someone else manages", () => {
    it("is refused with existing: use, except the audit logs", () => {
        const managed =
            "cannot be set with existing: use, because the owner manages the resource. Allowed: remove it, or set existing: adopt.";
        assert.deepEqual(
            mistakesIn({
                existing: "use",
                access: "additive",
                cleanup: { policies: {} },
                encryption: { kmsKey: key },
                scanning: true,
                auditLogs: ["DATA_READ"],
            }),
            ["cleanup", "encryption", "scanning"].map((name) => `python-registry:${name}: ${managed}`),
        );
        accepted({ existing: "use", access: "additive", auditLogs: ["DATA_READ"] });
    });
});

describe("the policies of a repository that is adopted", () => {
    /** What the provider returns for what the program writes, with the lists in reverse. */
    const found = (written: ReturnType<typeof repositoryPolicies>): FoundPolicy[] =>
        written.toReversed().map(({ id, action, condition, mostRecentVersions }) => ({
            id,
            action,
            conditions: condition
                ? [
                      {
                          tagState: condition.tagState ?? "",
                          olderThan: condition.olderThan ?? "",
                          newerThan: condition.newerThan ?? "",
                          packageNamePrefixes: (condition.packageNamePrefixes ?? []).toReversed(),
                          versionNamePrefixes: (condition.versionNamePrefixes ?? []).toReversed(),
                          tagPrefixes: [],
                      },
                  ]
                : [],
            mostRecentVersions: mostRecentVersions
                ? [{ packageNamePrefixes: [], ...mostRecentVersions }]
                : [],
        }));

    it("do not differ from the configuration if they are the same", () => {
        fc.assert(
            fc.property(any.cleanup, (cleanup) => {
                assert.deepEqual(
                    cleanupDifferences(found(repositoryPolicies(cleanup)), cleanup.policies),
                    [],
                );
            }),
        );
    });

    it("are named by their ids where they differ", () => {
        const { settings } = accepted(
            policies({
                new: { action: "KEEP", mostRecentVersions: { keepCount: 3 } },
                old: { action: "DELETE", condition: { olderThan: "30d", packageNamePrefixes: ["acme-"] } },
            }),
        );
        const [first] = found([{ id: "old", action: "DELETE", condition: { olderThan: "7776000s" } }]);
        assert.ok(first);
        const tagged = {
            ...first,
            id: "tagged",
            conditions: [{ ...first.conditions[0]!, tagPrefixes: ["v"] }],
        };
        assert.deepEqual(cleanupDifferences([first, tagged], settings.cleanup?.policies ?? {}), [
            'cleanupPolicies.new: not set becomes "KEEP the newest 3 of each package"',
            'cleanupPolicies.old: "DELETE older than 90d" becomes "DELETE older than 30d, of packages acme-*"',
            'cleanupPolicies.tagged: "DELETE older than 90d, with tags v*" is removed',
        ]);
    });
});

describe("a duration", () => {
    it("is the same in its largest unit", () => {
        fc.assert(
            fc.property(
                fc.integer({ min: 1, max: 3_000_000_000 }),
                fc.constantFrom("s", "m", "h", "d"),
                (n, unit) => {
                    const seconds = parseDuration(`${n}${unit}`);
                    assert.ok(seconds !== undefined);
                    assert.equal(parseDuration(readable(`${seconds}s`)), seconds);
                },
            ),
        );
        assert.deepEqual(["2592000s", "3600s", "90s", "0s", "1.5s"].map(readable), [
            "30d",
            "1h",
            "90s",
            "0s",
            "1.5s",
        ]);
    });
});

describe("audit logs", () => {
    const log = fc.record(
        {
            logType: fc.constantFrom("ADMIN_READ", "DATA_READ", "DATA_WRITE"),
            exemptedMembers: fc.array(fc.constantFrom("user:a@example.com", "user:b@example.com"), {
                minLength: 1,
            }),
        },
        { requiredKeys: ["logType"] },
    );
    const asked = fc.subarray(["ADMIN_READ", "DATA_READ", "DATA_WRITE"]);

    it("keep what the project has, and are stable", () => {
        fc.assert(
            fc.property(fc.array(log), asked, asked, (found, ours, theirs) => {
                const merged = mergeLogs(found, ours);
                const types = merged.map(({ logType }) => logType);
                assert.deepEqual(types, [...new Set(types)].sort());
                for (const { logType, exemptedMembers = [] } of found) {
                    const kept = merged.find((each) => each.logType === logType)?.exemptedMembers ?? [];
                    assert.ok(exemptedMembers.every((member) => kept.includes(member)));
                }
                assert.ok(ours.every((type) => types.includes(type)));
                assert.deepEqual(mergeLogs(merged, ours), merged);
                assert.deepEqual(mergeLogs(mergeLogs(found, theirs), ours), mergeLogs(merged, theirs));
            }),
        );
    });
});
