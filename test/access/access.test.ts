import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { githubActions } from "../../packages/sandbox/src/issuers/github-actions";
import { gitlabCi, gitlabServer } from "../../packages/sandbox/src/issuers/gitlab-ci";
import { pythonFile } from "../../packages/sandbox/src/python/simple-index";
import type { Role } from "../../packages/registry/src/names/principals";
import { itInRelease } from "../release";
import { createFederation, exchange, githubProvider, githubToken, poolName } from "../sandbox/federation";
import { PinnedTool } from "../clients/tools/tool";
import { needTools } from "../clients/registry";
import { AccessStack, type Answer } from "./access-stack";
import { findCaller, everyIdentity, type Identity, ownServers, strangers } from "./identities";
import { attempt, attemptEach, attemptWith, declared, type Operation, operations, ready } from "./operations";
import { type AgentRow, type MirrorCell, mirrorGrants } from "./mirror";
import { type Cell, page, type PublicCell, type RefusedRow } from "./page";
import {
    onlyUv,
    pipAndTwine,
    publishInstallable,
    type RealRun,
    realLogins,
    runClients,
} from "./real-clients";
import { neighbors } from "./neighbors";
import * as severalIssuers from "./several-issuers";
import { configuration, type Withdrawal, withdrawals } from "./withdrawn";

// Who gets in, and who does not: every kind of identity tries every operation, with a credential that it really exchanged.
// docs/access.md says what happened.

const written = join(__dirname, "..", "..", "docs", "access.md");
const { identities, groups } = everyIdentity("");

/** The identity in a row of the matrix. */
function find(row: string, role: Role): Identity {
    const found = identities.find((each) => each.row === row && each.role === role);
    assert.ok(found !== undefined, `there is no ${role} in the row ${row}`);
    return found;
}

describe("access", () => {
    const results: {
        cells: Cell[];
        publicCells: PublicCell[];
        refused: RefusedRow[];
        mirror: { readonly cells: readonly MirrorCell[]; readonly agent: readonly AgentRow[] };
        withdrawn: Withdrawal[];
        real: RealRun[];
    } = {
        cells: [],
        publicCells: [],
        refused: [],
        mirror: { cells: [], agent: [] },
        withdrawn: [],
        real: [],
    };
    /** The tests that have not passed. The page is about a run in which all did. */
    let missing = 0;
    const test = (title: string, body: (this: Mocha.Context) => Promise<void>) => {
        missing += 1;
        it(title, async function () {
            await body.call(this);
            missing -= 1;
        });
    };

    let opened: AccessStack | undefined;
    before(async () => {
        opened = await AccessStack.up(async ({ issuers }) => {
            const { issuer } = gitlabServer(ownServers.gitlab);
            const keys = await issuers.jwksJson(issuer);
            issuers.disconnect(issuer);
            return everyIdentity(keys).configuration;
        });
        putReady(opened);
        for (const [group, member] of Object.entries(groups)) {
            opened.sandbox.cloud.groups.set(group, new Set([member]));
        }
    });
    after(() => opened?.[Symbol.asyncDispose]());
    const stack = () => {
        assert.ok(opened !== undefined);
        return opened;
    };

    test("is what the configuration declares, for every identity and operation", async () => {
        results.cells = await matrix(stack(), [...strangers, ...identities]);
        const wrong = results.cells.filter(
            ({ identity, operation, done }) => done !== declared(identity.role, operation),
        );
        assert.deepEqual(wrong.map(sentence), []);
        const strange = [...strangers, ...identities].filter((identity) => !isLogged(stack(), identity));
        assert.deepEqual(strange, [], "the log of the service has a different caller");
    });

    test("is reading for everyone, if the configuration says so", async () => {
        for (const everyone of ["allUsers", "allAuthenticatedUsers"] as const) {
            await using open = await AccessStack.up({
                location: "europe-west1",
                readers: [everyone],
                allowPublic: true,
                serviceAccounts: {},
                workloads: { release: configuration.workloads.release },
            });
            putReady(open);
            const claims = { ...githubActions.claims, repository_id: "9999" };
            const { issuer } = githubActions;
            const workload: Identity = {
                id: "workload",
                row: "a workload without a role, of the stack's own pool",
                role: undefined,
                login: { kind: "federation", workload: "release", issuer, claims },
            };
            for (const { identity, operation, done } of await matrix(open, [...strangers, workload])) {
                const reads = everyone === "allUsers" || identity.id === "stranger";
                assert.equal(
                    done,
                    operation === "install" && reads,
                    `${everyone}: ${identity.id}: ${operation}`,
                );
                results.publicCells.push({ everyone, row: identity.row, operation, done });
            }
        }
    });

    test("is reading for everyone with a role, in a registry with a mirror", async () => {
        const people = (["reader", "writer", "admin"] as const).map((role) => find("user", role));
        results.mirror = await mirrorGrants(stack(), [
            ...people,
            find("service account with a key", "reader"),
            find("githubActions, ref", "reader"),
            ...strangers,
        ]);
        const { cells, agent } = results.mirror;
        assert.deepEqual(
            cells
                .filter(({ done, declared: wanted }) => done !== wanted)
                .map(({ identity, operation }) => `${identity.id}: ${operation}`),
            [],
        );
        assert.deepEqual(
            agent.filter(({ done, declared: wanted }) => done !== wanted),
            [],
        );
    });

    describe("is refused to the neighbors of an identity, by the step that must refuse them:", () => {
        for (const { group, who, identity, deviation, operation, refusedBy } of neighbors(find)) {
            test(`${group}: ${who}`, async () => {
                const { answer } = await attempt(stack(), identity, operation, deviation);
                assertRefused(answer, refusedBy);
                results.refused.push({ group, who, operation, answer });
            });
        }
    });

    test("is refused to an issuer that signs what a different workload is granted", async () => {
        await using several = await AccessStack.up(severalIssuers.configuration);
        putReady(several);
        for (const { who, login, operation, refusedBy } of severalIssuers.cases) {
            const { answer } = await attempt(several, { id: "somebody", login }, operation);
            assertRefused(answer, refusedBy, who);
            results.refused.push({ group: "Issuers of type oidc", who, operation, answer });
        }
    });

    test("comes through a provider of your own, in a pool that the stack uses", async () => {
        await using own = await AccessStack.up(async (sandbox) => {
            await createFederation(sandbox, {
                ...githubProvider,
                attributeMapping: {
                    ...githubProvider.attributeMapping,
                    "attribute.own_release":
                        "assertion.event_name == 'push' && assertion.ref.startsWith('refs/tags/v') ? assertion.repository_id : 'none'",
                },
            });
            const pool = `iam.googleapis.com/${poolName}`;
            return {
                location: "europe-west1",
                serviceAccounts: {},
                pool: { id: "machines", existing: "use" },
                writers: [`principalSet://${pool}/attribute.own_release/2002`],
                readers: [`principal://${pool}/subject/github:2002:77`],
                workloads: { build: { type: "gitlabCi", access: "writer", projectId: 202 } },
            };
        });
        putReady(own);
        const denied = ["registry", 403] as const;
        for (const [who, claims, operation, refusedBy] of [
            ["a tag that matches a pattern", { ref: "refs/tags/v1.2" }, "upload", undefined],
            ["a tag that does not match", { ref: "refs/tags/x1.2" }, "upload", denied],
            ["a branch with the name of the tag", { ref: "refs/heads/v1.2" }, "upload", denied],
            ["a pull request", { ref: "refs/tags/v1.2", event_name: "pull_request" }, "upload", denied],
            ["one subject, by principal://", { run_id: "77" }, "install", undefined],
            ["another subject", { run_id: "78" }, "install", denied],
        ] as const) {
            const { json } = await exchange(own.sandbox, await githubToken(own.sandbox, claims));
            const { access_token: token } = json as unknown as { access_token: string };
            const { answer } = await attemptWith(own, "somebody", operation, token);
            assertRefused(answer, refusedBy, who);
            results.refused.push({ group: "A provider of your own", who, operation, answer });
        }
        // The stack adds its own providers to that pool.
        const claims = { ...gitlabCi.claims };
        const { issuer } = gitlabCi;
        const login = { kind: "federation", workload: "build", issuer, claims } as const;
        assertRefused((await attempt(own, { id: "somebody", login }, "upload")).answer, undefined);
    });

    test("ends when it is taken away", async () => {
        await using small = await AccessStack.up(configuration);
        results.withdrawn = await withdrawals(small);
        for (const { who, answer, refusedBy } of results.withdrawn) assertRefused(answer, refusedBy, who);
    });

    itInRelease(
        "is the same with real clients, the registry's files and the login of the snippets",
        async function () {
            const tools = await needTools(this);
            const { bin } = await PinnedTool.install("uv");
            await publishInstallable(stack(), tools);
            const writers = await realLogins(stack(), find, "writer");
            const readers = await realLogins(stack(), find, "reader");
            const runs = [
                ...writers.map((login) => () => runClients(stack(), login, pipAndTwine(tools), tools)),
                ...[...writers, ...readers]
                    .filter(({ credential }) => /token URL of GitHub|metadata server of GKE/.test(credential))
                    .map((login) => () => runClients(stack(), login, onlyUv(bin), tools)),
                ...readers
                    .filter(({ credential }) => /impersonation|key as the password/.test(credential))
                    .map((login) => () => runClients(stack(), login, pipAndTwine(tools), tools)),
            ];
            results.real = await twoAtATime(runs);
            for (const { credential, identity, tools: names, installed, uploaded, output } of results.real) {
                const message = `${credential}, ${identity.role ?? ""}, ${names}:\n${output}`;
                assert.equal(installed, declared(identity.role, "install"), message);
                assert.equal(uploaded, declared(identity.role, "upload"), message);
            }
            if (process.env["WRITE_DOCS"] === undefined)
                assert.equal((await read())[1], (await parts(results))[1], outdated);
        },
    );

    // A suite of its own: a test beside the suites would run before them.
    describe("as a whole", () => {
        it("is as docs/access.md says", async function () {
            if (missing > 0) {
                console.log(
                    "      skipped: docs/access.md is compared only after a run in which every test passed",
                );
                return this.skip();
            }
            if (process.env["WRITE_DOCS"] !== undefined) await writeFile(written, await page(results));
            assert.equal((await read())[0], (await parts(results))[0], outdated);
        });
    });
});

const outdated = "docs/access.md is out of date. Run: npm run docs";
/** The page in two parts: what `npm test` shows, and what `npm run test:release` shows in addition. */
const inParts = (text: string) => text.split(/(?=^## Real clients$)/m);
const read = async () => inParts(await readFile(written, "utf8"));
const parts = async (results: Parameters<typeof page>[0]) => inParts(await page(results));

function putReady({ repository }: AccessStack): void {
    repository.files.set(ready.filename, pythonFile(ready.name, ready.filename, Buffer.from("ready made")));
}

/** Tries every operation as every identity, in the order of the identities. */
async function matrix(stack: AccessStack, all: readonly Identity[]): Promise<Cell[]> {
    const rows = await fourAtATime(
        all.map((identity) => async () => {
            const cells: Cell[] = [];
            const outcomes = await attemptEach(stack, identity, operations);
            for (const [index, operation] of operations.entries()) {
                cells.push({ identity, operation, ...outcomes[index]! });
            }
            return cells;
        }),
    );
    return rows.flat();
}

const twoAtATime = <T>(tasks: readonly (() => Promise<T>)[]) => atATime(2, tasks);
const fourAtATime = <T>(tasks: readonly (() => Promise<T>)[]) => atATime(4, tasks);

async function atATime<T>(count: number, tasks: readonly (() => Promise<T>)[]): Promise<T[]> {
    const done: T[] = [];
    const queue = [...tasks.entries()];
    const work = async () => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
            done[next[0]] = await next[1]();
        }
    };
    await Promise.all(Array.from({ length: count }, work));
    return done;
}

/** Whether the service saw the caller that an identity is: its deletion has its id in the path. */
function isLogged({ sandbox }: AccessStack, identity: Identity): boolean {
    const { principal } =
        sandbox.requests.find(
            ({ method, path }) => method === "DELETE" && path.includes(`/packages/probe-${identity.id}-`),
        ) ?? {};
    const expected = findCaller(identity);
    return expected?.endsWith("/subject/") === true
        ? principal?.startsWith(expected) === true
        : principal === expected;
}

function assertRefused(
    { step, status, text }: Answer,
    refusedBy: readonly [string, number] | undefined,
    who = "",
): void {
    assert.deepEqual([step, status], refusedBy ?? ["registry", 200], `${who}: ${step} ${status} ${text}`);
}

function sentence({ identity, operation, answer }: Cell): string {
    return `${identity.id} (${identity.row}): ${operation satisfies Operation}: ${answer.step} ${answer.status} ${answer.text}`;
}
