import type { System } from "../machine/system";
import type { RegistryOutputs } from "../registry/outputs";
import { installedTools, launcherOf } from "../tools/tool-plan";
import { configurable, descriptors } from "../tools/descriptors";
import { presentFiles } from "./client-files";
import { fileModeFindings } from "./credential-check";
import { type Finding, passed, problem } from "./findings";
import { identityFinding } from "./identity";
import { Network } from "./network";
import { pipFindings } from "./pip-check";
import { ProbeCache } from "./probe-cache";
import { toolFindings } from "./tool-check";

// `configure check`: whether a machine's tools reach the registry, and if not, why. No message contains a credential, nor
// any text of a server or a program.

export { allWell, describe, type Finding } from "./findings";

export interface CheckOptions {
    readonly registry: RegistryOutputs;
    /** Those on PATH, unless named here. */
    readonly tools?: readonly string[];
    readonly system: System;
}

/** After this time, a user who waits is told why. */
const noticeMilliseconds = 1500;

/**
 * Checks what the tools need to reach a registry: their files, the keyring, the identity, the credentials in files, and
 * the index itself. Changes nothing.
 */
export async function check({ registry, tools, system }: CheckOptions): Promise<readonly Finding[]> {
    const notice = setTimeout(() => {
        if (process.stderr.isTTY) console.error("Asking the tools, the keyring and the index…");
    }, noticeMilliseconds);
    try {
        await using network = await Network.open(system);
        const probes = new ProbeCache(registry, system, network);
        const checked = tools ?? (await configuredTools(probes));
        const [ofNetwork, ...ofTools] = await Promise.all([
            networkFindings(probes),
            ...[...new Set(checked)].map(async (tool) =>
                (await findingsFor(tool, probes)).map((finding) => ({ tool, ...finding })),
            ),
        ]);
        const fix = `Install one, or name it with --tool: ${configurable.join(", ")}`;
        return [
            ...(checked.length > 0 ? [] : [problem("tool", "No tool is on PATH", fix)]),
            ...ofNetwork,
            ...(await findingsForIdentity(probes)),
            ...ofTools.flat(),
        ];
    } finally {
        clearTimeout(notice);
    }
}

async function configuredTools({ registry, system }: ProbeCache): Promise<string[]> {
    const files = await presentFiles("netrc", registry.index, system);
    const hasNetrc = files.some(({ entries, error }) => entries.length > 0 || error !== undefined);
    return [...installedTools(system), ...(hasNetrc ? ["netrc"] : [])];
}

async function findingsFor(name: string, probes: ProbeCache): Promise<Finding[]> {
    const tool = configurable.find((known) => known === name);
    if (tool === undefined) {
        return [problem("tool", "Unknown tool", `Use one or more of ${configurable.join(", ")}`)];
    }
    const launcher = launcherOf(tool, probes.system);
    return [
        ...(launcher === undefined && descriptors[tool].commands.length > 0
            ? [problem("tool", "Not on PATH", "Install it, or add its folder to PATH")]
            : []),
        ...(tool === "pip"
            ? await pipFindings(launcher, probes)
            : await toolFindings(tool, launcher, probes)),
    ];
}

/** Whether the index can be reached at all. */
async function networkFindings(probes: ProbeCache): Promise<Finding[]> {
    const { registry, network } = probes;
    const response = await probes.index();
    const { configurationError: error } = network;
    return [
        ...(error === undefined ? [] : [problem("network", error, "Correct or unset the variable")]),
        "failure" in response
            ? problem("network", response.failure, response.fix)
            : passed("network", `${new URL(registry.index.indexUrl).hostname} answers`),
    ];
}

/** Whose token the keyrings returned; nothing if no tool asks a keyring. */
async function findingsForIdentity(probes: ProbeCache): Promise<Finding[]> {
    const replies = await probes.keyringReplies();
    if (replies.length === 0) return [];
    const identities = await probes.identities();
    const reply = replies.find((each) => "token" in each);
    const info = reply && (await probes.tokenInfo(reply.token));
    const { file } = identities.default ?? {};
    return [
        identityFinding(identities, reply, info?.email),
        ...(await fileModeFindings(file === undefined ? [] : [file], probes.system)),
    ];
}
