import assert from "node:assert/strict";
import { join } from "node:path";
import type { FileTool } from "../../../packages/configure/src/check/client-files";
import { cooldownFindings } from "../../../packages/configure/src/check/cooldown-check";
import type { Finding } from "../../../packages/configure/src/check/findings";
import { type System, thisSystem } from "../../../packages/configure/src/machine/system";
import type { RegistryOutputs } from "../../../packages/configure/src/registry/outputs";
import type { PythonIndex } from "../../../packages/registry/src/clients/client";
import type { ToolEnvironment } from "../../../packages/sandbox/src/python/tool-environment";
import { itInRelease, itInReleaseUnless } from "../../release";
import { ready, type ToolRun } from "../registry";
import {
    type Command,
    contextFor,
    type Index,
    internalPackages,
    type TestContext,
    type ToolFixture,
} from "./tool";

// What each tool takes with the files of a stack with a cooldown: of a public package, an attacker has just uploaded a version; of the
// registry, all packages are new.

/** The public package that the attacker has taken over. */
export const taken = "long-known";

/** What a tool installs of the public package: the known version, the attacker's, or neither it nor the internal package. */
type Installed = "known" | "fresh" | "nothing";

/** A line of docs/clients.md. */
export interface ProvedCooldown {
    readonly tool: string;
    readonly file: string;
    readonly index: Index;
    readonly installs: Installed;
    readonly by: Command;
}

/** Installs packages in a new environment, and says which versions were installed. */
export type CooldownInstall = (
    context: TestContext,
    index: PythonIndex,
    packages: readonly string[],
) => Promise<ToolRun & { readonly versions: Readonly<Record<string, string | undefined>> }>;

const cooldowns: ProvedCooldown[] = [];
/** What the tests that were defined prove. */
export const provedCooldowns: readonly ProvedCooldown[] = cooldowns;

const prepared = new WeakMap<ToolFixture, Promise<void>>();

/**
 * Defines tests of the attack, on a public index that says when files were uploaded, and on one that does not. Whatever the tool does with
 * the public package, an internal package that was just uploaded is installed, unless the installation fails as a whole.
 *
 * @param installs by index; `npm test` tries the first file of each tool that waits by itself on an index with times
 */
export function testCooldown(
    tool: string,
    file: string,
    installs: Readonly<Record<Index, Installed>>,
    install: CooldownInstall,
): void {
    for (const index of ["with times", "without times"] as const) {
        const isProof =
            index === "with times" &&
            ["uv", "poetry", "pdm"].includes(tool) &&
            !cooldowns.some((each) => each.tool === tool);
        const expected = installs[index];
        const by = isProof ? "npm test" : "npm run test:release";
        cooldowns.push({ tool, file, index, installs: expected, by });
        itInReleaseUnless(
            isProof,
            `waits with ${file}, index ${index}: installs ${expected}`,
            async function () {
                const context = await contextFor(this, tool, index);
                const waiting = await prepare(context.fixture);
                const run = await install(context, waiting, [taken, ready.name]);
                const both = { known: "1.0.0", fresh: "2.0.0", nothing: undefined }[expected];
                assert.deepEqual(
                    { [taken]: run.versions[taken], [ready.name]: run.versions[ready.name] },
                    { [taken]: both, [ready.name]: both === undefined ? undefined : ready.version },
                    run.output,
                );
                assert.equal(run.exitCode === 0, expected !== "nothing", run.output);
            },
        );
    }
}

/**
 * Defines tests that `configure check` asks the tool, in a project with its files: it sees whether the tool waits. `npm test` tries
 * poetry on an index without times, where poetry takes every version without a message.
 */
export function testCooldownCheck(
    tool: Exclude<FileTool, "twine" | "netrc">,
    statuses: Readonly<Record<Index, Finding["status"]>>,
    projectFile: string,
    getProject: (index: PythonIndex) => Readonly<Record<string, string>>,
): void {
    for (const index of ["with times", "without times"] as const) {
        const isProof = tool === "poetry" && index === "without times";
        const status = statuses[index];
        const title = `configure check sees whether it waits, index ${index}: ${status}`;
        itInReleaseUnless(isProof, title, async function () {
            const context = await contextFor(this, tool, index);
            const waiting = await prepare(context.fixture);
            await using toolEnvironment = await context.fixture.toolEnvironment("keyring", "install", {
                path: [context.tool.bin],
                files: getProject(waiting),
            });
            const reading = {
                places: { install: projectFile },
                indexName: waiting.name,
                projectFile: join(toolEnvironment.home, "project", projectFile),
                daysToWait: 7,
                files: [],
                logins: {},
            };
            const registry = { index: waiting } as RegistryOutputs;
            const system = await systemAt(toolEnvironment);
            const findings = await cooldownFindings(
                { tool, launcher: join(context.tool.bin, tool), reading },
                { registry, system, isOffline: false },
                taken,
            );
            assert.deepEqual(
                findings.map((finding) => [finding.subject, finding.status]),
                [["cooldown", status]],
                JSON.stringify(findings),
            );
            const { message = "", fix = "" } = findings[0] ?? {};
            const expected = {
                ok: /waits 7 days or longer/,
                problem: new RegExp(`^${tool} does not wait: it takes ${taken} 2\\.0\\.0 from pypi\\.org`),
                skipped: new RegExp(`^Set to 7 days\\. Not tried: ${tool} finds no ${taken} at all`),
                warning: /^$/,
                notice: /^$/,
            };
            assert.match(message, expected[status]);
            if (status === "problem") assert.match(fix, /pypi\.org\/simple/);
        });
    }
}

/** Defines a test that the tool would not wait for this registry either if it said when its files were uploaded. */
export function testRegistryWithTimes(tool: string, install: CooldownInstall): void {
    itInRelease("does not wait for this registry, even if that says times", async function () {
        const context = await contextFor(this, tool);
        const waiting = await prepare(context.fixture);
        // Every host name but Google's is the public index.
        const index = { ...waiting, indexUrl: "https://registry.example/simple/" };
        const run = await install(context, index, [taken]);
        assert.equal(run.versions[taken], "2.0.0", run.output);
    });
}

/** The machine that a tool finds in its environment. */
async function systemAt(toolEnvironment: ToolEnvironment): Promise<System> {
    const { output } = await toolEnvironment.run("env");
    const environment = Object.fromEntries(
        [...output.matchAll(/^([^=\n]+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]),
    );
    const { home } = toolEnvironment;
    return { ...thisSystem(), environment, home, workingDirectory: join(home, "project") };
}

/** Publishes the versions, and returns the registry as the client files take it. */
async function prepare(fixture: ToolFixture): Promise<PythonIndex> {
    if (!prepared.has(fixture)) prepared.set(fixture, publishVersions(fixture));
    await prepared.get(fixture);
    return { ...fixture.index, internalPackages: [...internalPackages], cooldown: { days: 7 } };
}

async function publishVersions({ registry }: ToolFixture): Promise<void> {
    const hours = (count: number) => new Date(Date.now() - count * 3600 * 1000);
    for (const [version, uploaded] of [
        ["1.0.0", hours(30 * 24)],
        ["2.0.0", hours(1)],
    ] as const) {
        for (const path of await registry.build({ name: taken, version })) {
            await registry.publishPublic(taken, path, uploaded);
        }
    }
    // The registry's own packages were uploaded when the fixture was made.
    assert.ok([...registry.repository.files.values()].every(({ uploaded }) => uploaded > hours(24)));
}

/** The versions of both packages, in the output of a tool. */
export function versionsIn(find: (name: string) => string | undefined): Record<string, string | undefined> {
    return Object.fromEntries([taken, ready.name].map((name) => [name, find(name)]));
}
