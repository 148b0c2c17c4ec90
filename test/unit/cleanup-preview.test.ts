import { strict as assert } from "node:assert";
import { join } from "node:path";
import fc from "fast-check";
import { execa } from "execa";
import {
    applyPolicies,
    isDeleted,
    type Policies,
    type Policy,
    type Version,
} from "../../packages/operations/src/cleanup/evaluate";
import { RepositoryReader } from "../../packages/operations/src/cleanup/registry";
import { renderJson, renderReport } from "../../packages/operations/src/cleanup/report";
import { stackPolicies } from "../../packages/operations/src/cleanup/stack-policies";
import { ownTokens } from "../../packages/operations/src/google/access-tokens";
import { GoogleClient, registryApi } from "../../packages/operations/src/google/client";
import { openNetwork } from "../../packages/operations/src/google/network";
import { pythonFile } from "../../packages/sandbox/src/python/simple-index";
import { type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";
import { itInRelease } from "../release";
import { createRepository } from "../sandbox/client";
import * as any from "./arbitraries";

// What cleanup policies would delete, and the command that prints it.

const now = new Date("2026-11-29T12:00:00Z");
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000);
const made = (name: string, version: string, days: number, tags: string[] = []): Version => ({
    package: name,
    version,
    created: daysAgo(days),
    tags,
});
const key = ({ package: name, version }: Version) => `${name} ${version}`;
const deletedBy = (policies: Policies, versions: readonly Version[], at = now) =>
    applyPolicies(policies, versions, at)
        .filter(isDeleted)
        .map(({ version }) => key(version))
        .sort();

describe("cleanup policies", () => {
    const versions = [
        made("acme-core", "0.1.0", 200),
        made("acme-core", "0.2.0", 100),
        made("acme-core", "1.0.0", 10),
        made("tools", "1.0.0", 200),
    ];
    const cases: readonly [what: string, policies: Policies, deleted: readonly string[]][] = [
        ["delete nothing without policies", {}, []],
        [
            "delete what is older",
            { old: { action: "DELETE", condition: { olderThan: "150d" } } },
            ["acme-core 0.1.0", "tools 1.0.0"],
        ],
        [
            "delete what is newer",
            { new: { action: "DELETE", condition: { newerThan: "864001s" } } },
            ["acme-core 1.0.0"],
        ],
        [
            "compare with the time of upload, and not at the very second",
            { old: { action: "DELETE", condition: { olderThan: "200d" } } },
            [],
        ],
        [
            "match one of several prefixes, and all of several conditions",
            {
                some: {
                    action: "DELETE",
                    condition: {
                        packageNamePrefixes: ["x", "acme-"],
                        versionNamePrefixes: ["0."],
                        olderThan: "150d",
                    },
                },
            },
            ["acme-core 0.1.0"],
        ],
        [
            "keep the newest of each package",
            {
                all: { action: "DELETE", condition: { tagState: "ANY" } },
                newest: { action: "KEEP", mostRecentVersions: { keepCount: 1 } },
            },
            ["acme-core 0.1.0", "acme-core 0.2.0"],
        ],
        [
            "keep the newest only of packages that match",
            {
                all: { action: "DELETE", condition: {} },
                newest: {
                    action: "KEEP",
                    mostRecentVersions: { keepCount: 2, packageNamePrefixes: ["acme"] },
                },
            },
            ["acme-core 0.1.0", "tools 1.0.0"],
        ],
        [
            "keep what both match",
            {
                old: { action: "DELETE", condition: { olderThan: "1d" } },
                released: { action: "KEEP", condition: { versionNamePrefixes: ["1."] } },
            },
            ["acme-core 0.1.0", "acme-core 0.2.0"],
        ],
        ["delete nothing with KEEP alone", { k: { action: "KEEP", condition: { olderThan: "500d" } } }, []],
        ["match only tagged versions", { t: { action: "DELETE", condition: { tagState: "TAGGED" } } }, []],
        [
            "ignore a DELETE that counts versions, and a policy without a condition",
            { a: { action: "DELETE", mostRecentVersions: { keepCount: 1 } }, b: { action: "DELETE" } },
            [],
        ],
    ];
    for (const [what, policies, expected] of cases) {
        it(what, () => {
            assert.deepEqual(deletedBy(policies, versions), expected);
        });
    }

    it("match tags by their beginnings", () => {
        const tagged = [made("a", "1", 1, ["dev-1"]), made("a", "2", 2, ["prod"]), made("a", "3", 3)];
        const deleted = (condition: Policy["condition"]) =>
            deletedBy({ p: { action: "DELETE", condition } }, tagged);
        assert.deepEqual(deleted({ tagState: "TAGGED" }), ["a 1", "a 2"]);
        assert.deepEqual(deleted({ tagState: "UNTAGGED" }), ["a 3"]);
        assert.deepEqual(deleted({ tagState: "TAGGED", tagPrefixes: ["dev"] }), ["a 1"]);
    });

    it("stop at a duration that is not known", () => {
        assert.throws(
            () => deletedBy({ p: { action: "DELETE", condition: { olderThan: "1 month" } } }, versions),
            /duration that is not known: 1 month/,
        );
    });

    const version = fc
        .tuple(
            fc.constantFrom("acme-core", "acme-web", "b", "tools"),
            fc.constantFrom("0.1", "0.2", "1.0", "1.1", "2.0", "10.0"),
            fc.integer({ min: 0, max: 120_000_000 }),
        )
        .map(([name, number, seconds]): Version => ({
            package: name,
            version: number,
            created: new Date(now.getTime() - seconds * 1000),
            tags: [],
        }));
    const list = fc.uniqueArray(version, { selector: key, maxLength: 20 });
    const prefix = fc.subarray(["a", "acme-", "acme-w", "b", "x"], { minLength: 1 });
    const policy: fc.Arbitrary<Policy> = fc.oneof(
        any.cleanupPolicy,
        fc.record({
            action: fc.constantFrom("DELETE", "KEEP"),
            condition: fc.record(
                {
                    olderThan: fc.integer({ min: 1, max: 1500 }).map((days) => `${days}d`),
                    packageNamePrefixes: prefix,
                    versionNamePrefixes: fc.subarray(["0", "1", "1.", "2.0"], { minLength: 1 }),
                },
                { requiredKeys: [] },
            ),
        }),
        fc.record({
            action: fc.constant("KEEP"),
            mostRecentVersions: fc.record(
                { keepCount: fc.integer({ min: 1, max: 4 }), packageNamePrefixes: prefix },
                { requiredKeys: ["keepCount"] },
            ),
        }),
    );
    const set = fc.dictionary(fc.constantFrom("a", "b", "c", "d", "e"), policy, { maxKeys: 5 });

    it("delete more with another DELETE, and less with another KEEP", () => {
        fc.assert(
            fc.property(set, policy, list, (policies, more, versions) => {
                const before = deletedBy(policies, versions);
                const after = deletedBy({ ...policies, more }, versions);
                const [smaller, larger] = more.action === "KEEP" ? [after, before] : [before, after];
                assert.ok(smaller.every((each) => larger.includes(each)));
            }),
        );
    });

    it("delete nothing that one KEEP matches, and nothing that no DELETE matches", () => {
        fc.assert(
            fc.property(set, list, (policies, versions) => {
                for (const [id, single] of Object.entries(policies)) {
                    if (single.action !== "KEEP") continue;
                    // As a DELETE, this policy alone would delete what it keeps.
                    const kept = applyPolicies({ [id]: single }, versions, now)
                        .filter(({ keptBy }) => keptBy.length > 0)
                        .map((verdict) => key(verdict.version));
                    assert.ok(!deletedBy(policies, versions).some((each) => kept.includes(each)));
                }
                const keeps = Object.fromEntries(
                    Object.entries(policies).filter(([, { action }]) => action === "KEEP"),
                );
                assert.deepEqual(deletedBy(keeps, versions), []);
            }),
        );
    });

    it("leave of each package at least as many as the newest that are kept", () => {
        fc.assert(
            fc.property(set, fc.integer({ min: 1, max: 5 }), list, (policies, keepCount, versions) => {
                const newest: Policy = { action: "KEEP", mostRecentVersions: { keepCount } };
                const all: Policy = { action: "DELETE", condition: {} };
                const deleted = new Set(deletedBy({ ...policies, newest, all }, versions));
                for (const [, ofPackage] of Map.groupBy(versions, (each) => each.package)) {
                    const left = ofPackage.filter((each) => !deleted.has(key(each)));
                    assert.ok(left.length >= Math.min(keepCount, ofPackage.length));
                    const youngest = Math.max(...ofPackage.map(({ created }) => created.getTime()));
                    assert.ok(left.some(({ created }) => created.getTime() === youngest));
                }
            }),
        );
    });

    it("delete no less later, if their ages have no upper limit", () => {
        fc.assert(
            fc.property(set, list, fc.integer({ min: 0, max: 1e10 }), (policies, versions, later) => {
                const aging = Object.fromEntries(
                    Object.entries(policies).filter(
                        ([, { action, condition }]) =>
                            condition?.newerThan === undefined &&
                            (action === "DELETE" || condition?.olderThan === undefined),
                    ),
                );
                const then = deletedBy(aging, versions, new Date(now.getTime() + later));
                assert.ok(deletedBy(aging, versions).every((each) => then.includes(each)));
            }),
        );
    });

    it("do not depend on the order of the policies, of their lists or of the versions", () => {
        fc.assert(
            fc.property(set, list, (policies, versions) => {
                const reversed = Object.fromEntries(
                    Object.entries(policies)
                        .toReversed()
                        .map(([id, { action, condition, mostRecentVersions }]): [string, Policy] => [
                            id,
                            {
                                action,
                                ...(condition && {
                                    condition: {
                                        ...condition,
                                        packageNamePrefixes: condition.packageNamePrefixes?.toReversed(),
                                        versionNamePrefixes: condition.versionNamePrefixes?.toReversed(),
                                    },
                                }),
                                ...(mostRecentVersions && { mostRecentVersions }),
                            },
                        ]),
                );
                assert.deepEqual(deletedBy(reversed, versions.toReversed()), deletedBy(policies, versions));
            }),
        );
    });
});

describe("the report on cleanup", () => {
    const policies: Policies = {
        old: { action: "DELETE", condition: { olderThan: "150d" } },
        zero: { action: "DELETE", condition: { versionNamePrefixes: ["0."] } },
    };
    const versions = [
        made("acme-core", "0.1.0", 200.9),
        made("acme-core", "1.0.0", 10),
        made("tools", "1.0.0", 200),
    ];
    const source = {
        repository: "projects/p/locations/us/repositories/python",
        from: "of the repository",
        dryRun: true,
        policies: 2,
        now,
    };

    it("is a table and a summary", () => {
        assert.equal(
            renderReport(applyPolicies(policies, versions, now), source),
            [
                "Repository projects/p/locations/us/repositories/python",
                "Policies: 2, of the repository",
                "",
                "PACKAGE    VERSION  UPLOADED    AGE   DELETED BY",
                "acme-core  0.1.0    2026-05-12  200d  old, zero",
                "tools      1.0.0    2026-05-13  200d  old",
                "",
                "2 versions of 3 in 2 packages would be deleted.",
                "No version is left of: tools",
                "dryRun is true: the service deletes nothing.",
                "",
            ].join("\n"),
        );
        assert.match(
            renderReport(applyPolicies({}, versions, now), { ...source, dryRun: false }),
            /\n0 versions of 3 in 2 packages would be deleted\.\ndryRun is false: the service deletes them, within about a day\.\n$/,
        );
    });

    it("is the same in JSON", () => {
        assert.deepEqual(JSON.parse(renderJson(applyPolicies(policies, versions, now), source)), {
            repository: source.repository,
            policies: "of the repository",
            dryRun: true,
            time: now.toISOString(),
            versions: 3,
            deleted: [
                {
                    package: "acme-core",
                    version: "0.1.0",
                    created: daysAgo(200.9).toISOString(),
                    deletedBy: ["old", "zero"],
                },
                {
                    package: "tools",
                    version: "1.0.0",
                    created: daysAgo(200).toISOString(),
                    deletedBy: ["old"],
                },
            ],
            emptiedPackages: ["tools"],
        });
    });
});

describe("the policies of a stack", () => {
    const config = { "gcp:project": "acme-tools", "acme:location": "us" };

    it("come from its configuration, and its repository too", () => {
        assert.deepEqual(stackPolicies(config, "acme"), {
            repository: "projects/acme-tools/locations/us/repositories/python",
            cleanup: undefined,
        });
        const cleanup = JSON.stringify({
            policies: { old: { action: "DELETE", condition: { olderThan: "1d" } } },
        });
        const given = {
            "gcp:project": "acme-tools",
            "gcp:region": "europe-west1",
            "acme:location": "",
            "acme:repository": "tools",
            "acme:cleanup": cleanup,
        };
        assert.deepEqual(stackPolicies(given, "acme"), {
            repository: "projects/acme-tools/locations/europe-west1/repositories/tools",
            cleanup: {
                dryRun: true,
                policies: { old: { action: "DELETE", condition: { olderThan: "86400s" } } },
            },
        });
        // The default in Pulumi.yaml.
        assert.equal(stackPolicies({ ...config, "acme:cleanup": "{}" }, "acme").cleanup, undefined);
    });

    it("are refused with every mistake", () => {
        const cleanup = JSON.stringify({ policies: { old: { action: "DELETE" } }, dryRun: 1 });
        assert.throws(() => stackPolicies({ ...config, "acme:cleanup": cleanup }, "acme"), {
            message:
                "The configuration has mistakes:\n  - acme:cleanup.dryRun: 1 is a number, not a boolean. Allowed: true, false.\n" +
                "  - acme:cleanup.policies.old: has neither condition nor mostRecentVersions. Allowed: one of them, and with DELETE only condition.",
        });
        assert.throws(() => stackPolicies({ "gcp:project": "acme-tools" }, "acme"), /has no location/);
        assert.throws(() => stackPolicies({ ...config, "acme:cleanup": "off" }, "acme"), {
            message: "acme:cleanup is not a map",
        });
    });

    it("are not shown if they are a secret", () => {
        const cleanup = JSON.stringify({ policies: { hidden: { action: "hidden" } } });
        for (const text of [cleanup, "hidden"]) {
            const given = { ...config, "acme:cleanup": text };
            assert.throws(
                () => stackPolicies(given, "acme", new Set(["acme:cleanup"])),
                (error: Error) =>
                    /^acme:cleanup (?:has mistakes|is not a map)/.test(error.message) &&
                    !/hidden/.test(error.message),
            );
        }
    });
});

describe("npm run cleanup-preview", () => {
    const repository = "projects/sandbox-project/locations/europe-west1/repositories/python";
    let sandbox: Sandbox;
    before(async () => {
        sandbox = await startSandbox();
        await createRepository(sandbox, {
            cleanupPolicies: {
                old: { action: "DELETE", condition: { olderThan: "86400s", versionNamePrefixes: ["1.100"] } },
            },
        });
        const { files } = sandbox.cloud.repository(
            sandbox.cloud.project("sandbox-project"),
            "europe-west1",
            "python",
        );
        // More versions than the largest page has.
        for (let number = 0; number <= 1000; number += 1) {
            const filename = `acme_core-1.${number}.tar.gz`;
            files.set(filename, pythonFile("acme-core", filename, Buffer.from(""), daysAgo(100)));
        }
        files.set("tools-1.0.tar.gz", pythonFile("tools", "tools-1.0.tar.gz", Buffer.from(""), daysAgo(0)));
    });
    after(() => sandbox.close());

    const run = (...args: string[]) =>
        execa(
            process.execPath,
            [
                ...["-C", "source", "-r", "./typescript.cjs"],
                ...["packages/operations/src/cleanup/main.ts", ...args],
            ],
            {
                cwd: join(__dirname, "..", ".."),
                reject: false,
                env: { ...sandbox.clientEnvironment, GOOGLE_OAUTH_ACCESS_TOKEN: sandbox.accessToken },
            },
        );

    it("reads every page, and changes nothing", async () => {
        const before = sandbox.requests.length;
        const { stdout, exitCode, stderr } = await run("--repository", repository, "--json");
        assert.equal(exitCode, 0, stderr);
        const { deleted, dryRun, versions } = JSON.parse(stdout) as Record<string, unknown>;
        assert.deepEqual([versions, dryRun], [1002, false]);
        assert.deepEqual(
            (deleted as { version: string }[]).map(({ version }) => version),
            ["1.100", "1.1000"],
        );
        const sent = sandbox.requests.slice(before);
        assert.deepEqual(new Set(sent.map(({ method }) => method)), new Set(["GET"]));
        // The policies, the packages, two pages of versions, and one.
        assert.equal(sent.length, 5);
    });

    it("says that there is no such repository, and that a service cannot be trusted", async () => {
        const read = async (variables: Readonly<Record<string, string>>, token = sandbox.accessToken) => {
            const network = await openNetwork(variables);
            const client = new GoogleClient(
                ownTokens({ GOOGLE_OAUTH_ACCESS_TOKEN: token }),
                network,
                registryApi({}),
            );
            try {
                await new RepositoryReader(`${repository}-2`, client).policies();
                return "it exists";
            } catch (error) {
                return (error as Error).message;
            } finally {
                await network.destroy();
            }
        };
        const name = "projects/sandbox-project/locations/europe-west1/repositories/python-2";
        assert.equal(
            await read(sandbox.clientEnvironment),
            `Artifact Registry answered 404 for ${name}: Repository "${name}" not found`,
        );
        const unknown = await read(sandbox.clientEnvironment, "ya29.unknown");
        assert.match(unknown, /^Artifact Registry answered 401 for/);
        // The authority of the sandbox is in the other variables.
        const { HTTPS_PROXY = "" } = sandbox.clientEnvironment;
        assert.match(
            await read({ HTTPS_PROXY }),
            /^artifactregistry\.googleapis\.com does not answer \([A-Z_]*CERT[A-Z_]*\)\. Check the network/,
        );
    });

    itInRelease("says what is wrong on the command line", async () => {
        const wrong = await run("--repository", "python");
        assert.equal(wrong.exitCode, 1);
        assert.match(wrong.stderr, /^error: python is not a repository\. Use projects\/P/);
        assert.match((await run()).stderr, /^error: Use --stack NAME or --repository NAME$/);
    });
});
