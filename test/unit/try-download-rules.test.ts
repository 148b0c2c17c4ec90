import { strict as assert } from "node:assert";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import type { Dispatcher } from "undici";
import { parseArguments } from "../../packages/operations/src/download-rules/arguments";
import { control, denied } from "../../packages/operations/src/download-rules/observe";
import { renderFinding, renderLeftovers } from "../../packages/operations/src/download-rules/report";
import {
    type Outcome,
    permissions,
    type Trial,
    tryDownloadRules,
} from "../../packages/operations/src/download-rules/trial";
import { judge } from "../../packages/operations/src/download-rules/verdict";
import { AccessTokens } from "../../packages/operations/src/google/access-tokens";
import { GoogleClient, NoAnswer, Refusal, registryApi } from "../../packages/operations/src/google/client";
import { openNetwork } from "../../packages/operations/src/google/network";
import { type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";
import { eventually, limitSeconds, within } from "../deadline";
import { itInRelease } from "../release";
import { createRepository, ok, projectPath } from "../sandbox/client";

// npm run try-download-rules, against the sandbox, which can be either of what Google does not document.

const project = "sandbox-project";
const location = "europe-west1";
const tester = "user:tester@example.com";
const role = "projects/sandbox-project/roles/rulesTester";
type Permission = (typeof permissions)[number];
type Call = GoogleClient["call"];

/** No waiting. */
const now = { intervalSeconds: 0, operationSeconds: 0, inForceSeconds: 0, settleSeconds: 0 };

describe("npm run try-download-rules", () => {
    let sandbox: Sandbox;
    let network: Dispatcher;
    let token: string;
    let lines: string[];

    /** A sandbox with both public packages, and an identity that has these permissions on the project and no others. */
    async function open(
        options: Parameters<typeof startSandbox>[0] = {},
        allowed: readonly Permission[] = permissions,
    ): Promise<void> {
        sandbox = await startSandbox(options);
        network = await openNetwork(sandbox.clientEnvironment);
        await ok(sandbox, "POST", `/serviceusage/v1${projectPath}/services:batchEnable`, {
            serviceIds: ["artifactregistry.googleapis.com"],
        });
        for (const { name, filename } of [denied, control]) {
            sandbox.publishPublic({ project: name, filename, content: Buffer.from(name) });
        }
        sandbox.cloud.customRoles.set(role, allowed);
        sandbox.cloud.project(project).policy = {
            version: 1,
            etag: "x",
            bindings: [{ role, members: [tester] }],
        };
        token = sandbox.issueToken(tester);
        lines = [];
    }
    afterEach(async () => {
        await network.destroy();
        await sandbox.close();
    });

    const repositories = () => [...sandbox.cloud.project(project).repositories.keys()];

    const ownClient = () =>
        new GoogleClient(new AccessTokens(() => Promise.resolve(token)), network, registryApi({}));

    /** Runs the trial without waiting. @param intercept answers a call of the API in the place of the service */
    function run(
        more: Partial<Trial> = {},
        intercept: (method: string, path: string, forward: () => Promise<unknown>) => unknown = (
            _m,
            _p,
            forward,
        ) => forward(),
    ): Promise<Outcome> {
        const client = new GoogleClient(
            new AccessTokens(() => Promise.resolve(token)),
            network,
            registryApi({}),
        );
        const call = ((...args: Parameters<Call>) =>
            intercept(args[0], args[1], () => client.call(...args))) as Call;
        return tryDownloadRules({
            project,
            location,
            id: "test",
            client: { call, get: (...args) => client.get(...args) },
            say: (line) => lines.push(line),
            signal: new AbortController().signal,
            limits: now,
            ...more,
        });
    }

    const message = ({ result }: Pick<Outcome, "result">) =>
        result instanceof Error ? result.message : "no error";

    for (const deniedPackages of ["listed", "hidden"] as const) {
        for (const virtualRules of ["honoured", "ignored"] as const) {
            it(`finds out that denied packages are ${deniedPackages}, and rules ${virtualRules}`, async () => {
                await open({ deniedPackages, virtualRules });
                const { result, left } = await run();
                assert.ok(!(result instanceof Error), message({ result }));
                assert.deepEqual(result.verdict, {
                    index: deniedPackages,
                    rules: virtualRules,
                    isListedByVirtual: deniedPackages === "listed" || virtualRules === "ignored",
                });
                assert.deepEqual(left, []);
                assert.deepEqual(repositories(), []);
                const text = renderFinding(result, process.stdout);
                assert.match(text, new RegExp(`^Result: ${deniedPackages}, rules ${virtualRules}$`, "m"));
                assert.match(text, /^six \(no rule\) +listed, download 200 +listed, download 200$/m);
                assert.match(
                    text,
                    virtualRules === "ignored" ? /Use publicPackages: none/ : /are protected:/,
                );
                // Everyone who asked the service is this identity: in the end for each resource, when it is gone.
                const asked = sandbox.requests.filter(({ principal }) => principal === tester);
                const last = asked
                    .slice(-3)
                    .map(({ method, path, status }) => `${method} ${path.split("/").at(-1)} ${status}`);
                assert.deepEqual(last, [
                    "GET try-download-rules-test-remote 404",
                    `GET deny-${denied.name} 404`,
                    "GET try-download-rules-test-virtual 404",
                ]);
            });
        }
    }

    it("waits for a rule that is not in force yet, and believes an ignored one only if that lasts", async () => {
        await open({ deniedPackages: "hidden" });
        const client = ownClient();
        /** Where the rule holds, in each round of questions. */
        const states = ["nowhere", "nowhere", "remote", "remote"];
        let round = 0;
        const get: GoogleClient["get"] = async (address, accept) => {
            if (address.includes(`-remote/simple/${denied.name}/`)) round += 1;
            const state = states[round - 1] ?? "everywhere";
            const response = await client.get(address, accept);
            const holds = state === "everywhere" || (state === "remote" && address.includes("-remote/"));
            return address.endsWith(denied.filename) && !holds ? { ...response, statusCode: 200 } : response;
        };
        const { result } = await run({
            client: { call: (...args) => client.call(...args), get },
            // Nothing that has to last would be believed during this test.
            limits: { ...now, inForceSeconds: limitSeconds, settleSeconds: limitSeconds },
        });
        assert.ok(!(result instanceof Error), message({ result }));
        assert.deepEqual([result.verdict.index, result.verdict.rules, round], ["hidden", "honoured", 5]);
        assert.match(
            lines.join("\n"),
            /Waiting for at most \d+ seconds: the remote repository itself still lets/,
        );
        assert.match(lines.join("\n"), /The rule is in force\. Watching for \d+ seconds/);

        states.push(...Array<string>(100).fill("nowhere"));
        round = 0;
        const outcome = await run({ client: { call: (...args) => client.call(...args), get } });
        assert.match(
            message(outcome),
            /^No result: after 0 seconds, the remote repository itself still lets sampleproject/,
        );
        assert.deepEqual([outcome.left, repositories()], [[], []]);
    });

    it("has no result if the rule holds nowhere, if the control fails, or if a service does not answer", () => {
        const good = { page: 200, isListed: true, download: 200 };
        const refused = { page: 200, isListed: true, download: 403 };
        const all = { denied: refused, control: good };
        const because = (answers: Parameters<typeof judge>[0]) => {
            const verdict = judge(answers);
            return "because" in verdict ? verdict.because : "decided";
        };
        assert.equal(because({ remote: all, virtual: all }), "decided");
        for (const [answers, expected] of [
            [{ remote: { ...all, denied: good }, virtual: all }, /^the remote repository itself still lets/],
            [
                { remote: { ...all, denied: good }, virtual: { ...all, denied: good } },
                /^the remote repository itself/,
            ],
            [
                { remote: all, virtual: { ...all, control: refused } },
                /^the virtual repository answers 403 for a file of six/,
            ],
            [
                { remote: all, virtual: { ...all, control: { page: 403, isListed: false, download: 403 } } },
                /^the virtual repository answers 403 for the page of six/,
            ],
            [
                { remote: all, virtual: { ...all, denied: { ...good, download: 502 } } },
                /^the virtual repository answers 502/,
            ],
            [
                { remote: all, virtual: { ...all, denied: { ...good, download: undefined } } },
                /^the virtual repository does not answer/,
            ],
            [
                { remote: { ...all, denied: { ...refused, page: 500, isListed: false } }, virtual: all },
                /^the remote repository answers 500 for the page/,
            ],
        ] as const) {
            assert.match(because(answers), expected);
        }
    });

    it("leaves nothing when it is interrupted, whatever it waits for", async () => {
        await open();
        for (const what of ["-remote", "/rules", "-virtual"]) {
            for (const moment of ["before", "after", "during the operation"]) {
                const interruption = new AbortController();
                const { result, left, hasCreated } = await run(
                    { signal: interruption.signal, limits: { ...now, operationSeconds: limitSeconds } },
                    async (method, path, forward) => {
                        if (path.includes("/operations/")) {
                            // The operation ends only after the interruption.
                            if (!interruption.signal.aborted) interruption.abort("SIGINT");
                            return { name: path, done: true };
                        }
                        if (method !== "POST" || !path.includes(what)) return forward();
                        if (moment === "before") interruption.abort("SIGINT");
                        const answer = await forward();
                        if (moment === "after") interruption.abort("SIGINT");
                        return moment === "during the operation"
                            ? { name: "projects/p/locations/l/operations/o", done: false }
                            : answer;
                    },
                );
                assert.ok(result instanceof Error, `${what} ${moment}`);
                assert.deepEqual([left, hasCreated, repositories()], [[], true, []], `${what} ${moment}`);
            }
        }
        // While it asks the repositories, also if these do not answer.
        const interruption = new AbortController();
        const client = ownClient();
        const { left } = await run({
            signal: interruption.signal,
            client: {
                call: (...args) => client.call(...args),
                get: () => {
                    interruption.abort("SIGINT");
                    return new Promise(() => undefined);
                },
            },
        });
        assert.deepEqual([left, repositories()], [[], []]);
        const early = await run({ signal: AbortSignal.abort("SIGINT") });
        assert.deepEqual([early.hasCreated, early.left], [false, []]);
    });

    it("deletes what was created although the answer was lost, and nothing that is someone else's", async () => {
        await open();
        const lost = await run({}, async (method, path, forward) => {
            const answer = await forward();
            if (method === "POST" && path.includes("-virtual")) throw new NoAnswer("the connection broke");
            return answer;
        });
        assert.deepEqual([message(lost), lost.left, repositories()], ["the connection broke", [], []]);
        const offline = await run({}, () => {
            throw new NoAnswer("there is no connection", false);
        });
        assert.deepEqual([offline.hasCreated, offline.left], [false, []]);
        await createRepository(sandbox, { id: "try-download-rules-test-remote" });
        const taken = await run();
        assert.match(message(taken), /answered 409 .*the repository already exists/);
        assert.deepEqual([taken.left, taken.hasCreated], [[], false]);
        assert.deepEqual(repositories(), ["europe-west1/try-download-rules-test-remote"]);
    });

    it("says what is left if a deletion fails, why, and how to delete it", async () => {
        await open({ deniedPackages: "hidden" });
        const remote = `projects/${project}/locations/${location}/repositories/try-download-rules-test-remote`;
        for (const [answer, why] of [
            [
                () => Promise.reject(new Refusal(503, "the service is unavailable")),
                "the service is unavailable",
            ],
            [() => Promise.reject(new NoAnswer("no connection")), "no connection"],
            [
                () => Promise.resolve({ name: "o/operations/1", done: true, error: { message: "in use" } }),
                "Artifact Registry says: in use",
            ],
            // It says that it is done, and it is not.
            [() => Promise.resolve({}), "it still exists"],
        ] as const) {
            const { result, left } = await run({}, (method, path, forward) =>
                method === "DELETE" && path === remote ? answer() : forward(),
            );
            assert.ok(!(result instanceof Error));
            assert.equal(
                renderLeftovers(left, project),
                [
                    "1 of the resources can still be there:",
                    `  the remote repository ${remote}: ${why}`,
                    "    gcloud artifacts repositories delete try-download-rules-test-remote --project=sandbox-project --location=europe-west1 --quiet",
                ].join("\n"),
            );
            assert.deepEqual(repositories(), ["europe-west1/try-download-rules-test-remote"]);
            sandbox.cloud.project(project).repositories.clear();
        }
        // One that the service cannot do yet is tried again.
        let tries = 0;
        const { left } = await run(
            { limits: { ...now, operationSeconds: limitSeconds } },
            (method, path, forward) => {
                if (method !== "DELETE" || path !== remote || (tries += 1) > 2) return forward();
                throw new Refusal(400, "it has a virtual repository");
            },
        );
        assert.deepEqual([tries, left, repositories()], [3, [], []]);
        assert.match(
            lines.join("\n"),
            /Deleting the remote repository \S+ again, for at most \d+ seconds: it has a virtual/,
        );
    });

    it("needs the permissions that it lists, and says which one is missing", async () => {
        await open({ deniedPackages: "hidden" });
        const { result, left } = await run();
        assert.ok(!(result instanceof Error), message({ result }));
        assert.deepEqual(left, []);
        const page = await readFile(join(__dirname, "..", "..", "docs", "public-packages.md"), "utf8");
        for (const missing of permissions) {
            assert.ok(page.includes(`\`${missing}\``), missing);
            sandbox.cloud.customRoles.set(
                role,
                permissions.filter((each) => each !== missing),
            );
            const outcome = await run();
            const said = [message(outcome), renderLeftovers(outcome.left, project)].join("\n");
            // A rule is also deleted with its repository.
            if (missing === "artifactregistry.rules.delete") {
                assert.deepEqual([message(outcome), outcome.left, repositories()], ["no error", [], []]);
                continue;
            }
            assert.ok(outcome.result instanceof Error || outcome.left.length > 0, missing);
            // The hosts of Python packages say it in their own words.
            if (!missing.endsWith("downloadArtifacts"))
                assert.ok(said.includes(missing), `${missing}: ${said}`);
            const stays = /repositories\.delete$/.test(missing);
            assert.deepEqual(repositories().length, stays ? 2 : 0, missing);
            assert.equal(outcome.hasCreated, !/repositories\.create$/.test(missing));
            sandbox.cloud.project(project).repositories.clear();
        }
    });

    it("names every mistake on the command line, and asks nobody where there is no terminal", () => {
        assert.deepEqual(parseArguments({ project: "example.com:p", location: "us", yes: true }, [], false), {
            project: "example.com:p",
            location: "us",
            yes: true,
        });
        assert.equal(parseArguments({ project: "p", location: "us" }, [], true).yes, false);
        assert.throws(() => parseArguments({ project: "../p", location: true }, ["--force", "x"], false), {
            message: [
                '--project "../p" is not the id of a project',
                "--location is missing, as in europe-west1: the location of the stack that is to have a mirror",
                "--yes is missing: there is no terminal to ask whether to create resources",
                '"--force" is not an option of this command',
                '"x" is not an option of this command',
            ].join("\n"),
        });
    });

    /** Starts the command. */
    const start = (...args: string[]) =>
        execa(
            process.execPath,
            [
                ...["-C", "source", "-r", "./typescript.cjs"],
                ...["packages/operations/src/download-rules/main.ts", ...args],
            ],
            {
                cwd: join(__dirname, "..", ".."),
                reject: false,
                stdin: "ignore",
                all: true,
                env: { ...sandbox.clientEnvironment, GOOGLE_OAUTH_ACCESS_TOKEN: token },
            },
        );
    const inSandbox = ["--project", project, "--location", location, "--yes"];

    it("leaves nothing after Ctrl-C as npm passes it on: two signals", async () => {
        await open();
        const running = start(...inSandbox);
        // By default, it now watches for a minute.
        await eventually("the first questions", () =>
            sandbox.requests.some(({ plane, path }) => plane === "data" && path.includes(control.filename)),
        );
        assert.equal(repositories().length, 2);
        running.kill("SIGINT");
        running.kill("SIGINT");
        const { exitCode, all } = await within("the end of the command", running);
        assert.equal(exitCode, 130, all);
        assert.deepEqual(repositories(), []);
        assert.match(
            all,
            /^This creates, and deletes in the end:\n {2}projects\/sandbox-project\/.*-remote, a remote/,
        );
        assert.match(
            all,
            /SIGINT: deleting what was created[^]*\nNothing is left: Artifact Registry has none of it in/,
        );
        assert.equal(all.match(/SIGINT: /g)?.length, 1);
        // Neither the token nor a color in a pipe.
        assert.ok(!all.includes(token));
        assert.doesNotMatch(all, /\p{Cc}(?<!\n)/u);
    });

    itInRelease("prints the result, and ends with the exit codes that --help lists", async () => {
        await open({ deniedPackages: "hidden" });
        const found = await start(...inSandbox);
        assert.equal(found.exitCode, 0, found.all);
        assert.match(found.stdout, /^Result: hidden, rules honoured$/m);
        sandbox.cloud.customRoles.set(role, []);
        const refused = await start(...inSandbox);
        assert.equal(refused.exitCode, 1, refused.all);
        assert.match(
            refused.stderr,
            /^error: Artifact Registry answered 403 .*repositories\.create.*\nNothing was created$/m,
        );
        sandbox.cloud.customRoles.set(
            role,
            permissions.filter((each) => !each.endsWith("s.delete")),
        );
        const left = await start(...inSandbox);
        assert.equal(left.exitCode, 3, left.all);
        assert.match(
            left.stderr,
            /^error: {5}gcloud artifacts repositories delete try-download-rules-[0-9a-f]{8}-virtual --project/m,
        );
        const wrong = await start("--project");
        assert.equal(wrong.exitCode, 2, wrong.all);
        assert.match(wrong.stderr, /--project is missing[^]*--location is missing[^]*--yes is missing/);
        const help = await start("--help");
        assert.equal(help.exitCode, 0);
        for (const each of permissions) assert.ok(help.stdout.includes(each));
    });
});
