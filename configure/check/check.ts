import { modeFindings } from "./credential-check";
import { configurable, installedTools, launcherOf } from "../tools/tool-plan";
import { type Finding, fine, problem } from "./findings";
import { identityFindings } from "./identity";
import type { RegistryOutputs } from "../registry/outputs";
import { pipFindings } from "./pip-check";
import { Network } from "./probe";
import { Questions } from "./questions";
import type { System } from "../machine/system";
import { toolFindings } from "./tool-check";

// `configure check`: whether a machine's tools would reach the registry, and if not, why. No message has a credential
// in it, nor anything that a server or a program has said.

export { allWell, describe, type Finding } from "./findings";

/** What to check. */
export interface CheckOptions {
    readonly registry: RegistryOutputs;
    /** Those that are on PATH, unless named here. */
    readonly tools?: readonly string[];
    readonly system: System;
}

/** Milliseconds until somebody who waits is told why. */
const patience = 1500;

/**
 * Checks what the tools need to reach a registry: their files, the keyring, the identity, the credentials in files, and
 * the index itself. Changes nothing.
 */
export async function check({ registry, tools, system }: CheckOptions): Promise<readonly Finding[]> {
    const waiting = setTimeout(() => {
        if (process.stderr.isTTY) console.error("Asking the tools, the keyring and the index …");
    }, patience);
    try {
        await using network = await Network.open(system);
        const questions = new Questions(registry, system, network);
        const found = tools ?? (await installed(questions));
        const [reachable, ...each] = await Promise.all([
            networkFindings(questions),
            ...[...new Set(found)].map((tool) => findingsOf(tool, questions)),
        ]);
        return [
            ...(found.length > 0
                ? []
                : [
                      problem(
                          undefined,
                          "tool",
                          "none of the tools is on PATH",
                          `install one, or name it with --tool: ${configurable.join(", ")}`,
                      ),
                  ]),
            ...reachable,
            ...(await findingsOnIdentity(questions)),
            ...each.flat(),
        ];
    } finally {
        clearTimeout(waiting);
    }
}

async function installed(questions: Questions): Promise<string[]> {
    const netrc = (await questions.netrcLogin()) === undefined ? [] : ["netrc"];
    return [...installedTools(questions.system), ...netrc];
}

async function findingsOf(name: string, questions: Questions): Promise<Finding[]> {
    const tool = configurable.find((known) => known === name);
    if (tool === undefined) {
        const fix = `name some of: ${configurable.join(", ")}`;
        return [problem(name, "tool", "no tool that this program knows", fix)];
    }
    const launcher = launcherOf(tool, questions.system);
    return [
        ...(launcher === undefined && tool !== "netrc"
            ? [problem(tool, "tool", "is not on PATH", "install it, or correct PATH")]
            : []),
        ...(tool === "pip"
            ? await pipFindings(launcher, questions)
            : await toolFindings(tool, launcher, questions)),
    ];
}

/** Whether the index can be reached at all. */
async function networkFindings(questions: Questions): Promise<Finding[]> {
    const { registry, network } = questions;
    const answer = await questions.index();
    return [
        ...(network.problem === undefined
            ? []
            : [problem(undefined, "network", network.problem, "correct or unset it")]),
        "problem" in answer
            ? problem(undefined, "network", answer.problem, answer.fix)
            : fine(undefined, "network", `${new URL(registry.index.indexUrl).hostname} answers`),
    ];
}

/** Whom the keyrings that were asked gave a token for; nothing if no tool asks one. */
async function findingsOnIdentity(questions: Questions): Promise<Finding[]> {
    const answers = await questions.keyringAnswers();
    if (answers.length === 0) return [];
    const identities = await questions.identities();
    const answer = answers.find((given) => "token" in given);
    const info = answer === undefined ? undefined : await questions.tokenInfo(answer.token);
    const { file } = identities.default ?? {};
    return [
        ...identityFindings(identities, answer, info?.email),
        ...(await modeFindings(undefined, file === undefined ? [] : [file], questions.system)),
    ];
}
