import { isDeepStrictEqual } from "node:util";
import { tools } from "python-registry/clients/tools";
import type { System } from "../machine/system";
import type { RegistryOutputs } from "../registry/outputs";
import type { Use } from "../tools/descriptor";
import { configurable, type ConfigurableTool } from "../tools/configurable";
import { descriptors } from "../tools/descriptors";
import { installedTools, findLauncher } from "../tools/tool-plan";
import { cooldownFindings } from "./cooldown-check";
import { presentFiles } from "./client-files";
import { fileModeFindings } from "./credential-check";
import { type Finding, passed, problem, skipped } from "./findings";
import { identityFinding } from "./identity";
import { Network } from "../machine/network";
import { type Choice, choosePackage } from "./packages";
import { type Answer, ask } from "./probe";
import { ProbeCache } from "./probe-cache";
import { Progress } from "./progress";
import { publicNameFindings } from "./public-names";
import { readTool, type ToolReading } from "./tool-check";

// `configure check`: whether a machine's tools reach the registry, and if not, why. Each tool is asked to resolve a package;
// its files are read to find the reason of a failure. No message contains a credential.

export { allWell, describe, type Finding } from "./findings";

export interface CheckOptions {
    readonly registry: RegistryOutputs;
    /** Those on PATH, unless named here. */
    readonly tools?: readonly ConfigurableTool[];
    /** The package that the tools resolve; by default one of the registry's. */
    readonly packageName?: string;
    /** Whether to read files only. */
    readonly offline?: boolean;
    readonly system: System;
}

/** Checks whether the tools get a package from a registry, with their own configuration. Changes nothing. */
export async function check({
    registry,
    tools: wanted,
    packageName,
    offline = false,
    system,
}: CheckOptions): Promise<readonly Finding[]> {
    await using network = await Network.open(system);
    using progress = new Progress();
    const probes = new ProbeCache(registry, system, network, offline);
    const checked = [...new Set(wanted ?? (await configuredTools(probes)))];
    const ofMachine = offline ? [] : networkFindings(probes);
    const ofNames = publicNameFindings(registry.index, network, offline);
    const readings = await progress.during(
        "the index and the keyring",
        Promise.all(
            checked.map(async (tool) => {
                const launcher = findLauncher(tool, system);
                return {
                    tool,
                    launcher,
                    reading: await readTool(tool, launcher, probes),
                };
            }),
        ),
    );
    const choice: Choice = offline ? { notTried: "--offline" } : await choosePackage(probes, packageName);
    const ofTools = readings.map(async (read) => {
        const [answer, ofCooldown] = await progress.during(
            read.tool,
            Promise.all([askTool(read, choice, probes), cooldownFindings(read, probes)]),
        );
        return [...findingsFor(read, answer, registry), ...ofCooldown].map((finding) => ({
            tool: read.tool,
            ...finding,
        }));
    });
    const fix = `Install one, or name it with --tool: ${configurable.join(", ")}`;
    return [
        ...(checked.length > 0 ? [] : [problem("tool", "No tool is on PATH", fix)]),
        ...(await ofMachine),
        ...(await findingsForIdentity(probes)),
        ...(await progress.during("PyPI", ofNames)),
        ...("fault" in choice ? [choice.fault] : []),
        ...(await Promise.all(ofTools)).flat(),
    ];
}

async function configuredTools({ registry, system }: ProbeCache): Promise<ConfigurableTool[]> {
    const files = await presentFiles("netrc", registry.index, system);
    const hasNetrc = files.some(({ entries, error }) => entries.length > 0 || error !== undefined);
    return [...installedTools(system), ...(hasNetrc ? (["netrc"] as const) : [])];
}

async function askTool(
    { tool, launcher, reading: { indexName, projectFile } }: ToolReading,
    choice: Choice,
    { registry: { index }, system }: ProbeCache,
): Promise<Answer> {
    if ("fault" in choice) return { notTried: choice.fault.message };
    if ("notTried" in choice) return choice;
    // A file that belongs to no command has a reason of its own.
    const found = launcher ?? (descriptors[tool].commands.length === 0 ? "" : undefined);
    if (found === undefined) return { notTried: "it is not on PATH" };
    const { packageName, others } = choice;
    const question = { tool, launcher: found, packageName, others, index, indexName, projectFile };
    const answer = await ask(question, system);
    // One that does not fit here, such as to this Python, says nothing about the registry.
    return "failed" in answer && answer.isTimeout !== true && others.length > 0
        ? ask({ ...question, others: [] }, system)
        : answer;
}

const notConfigured = "The registry is in none of its files here";

/** What to say about a tool: its own answer; if that is not good, the reason, from its files; and what is known about publishing. */
function findingsFor(
    { tool, launcher, reading: { places, files, logins } }: ToolReading,
    answer: Answer,
    { index }: RegistryOutputs,
): Finding[] {
    const faults = (use: Use) => (logins[use] ?? []).filter(({ status }) => status !== "ok");
    const accepted = (use: Use) => logins[use]?.find(({ status }) => status === "ok")?.message;
    const skip = (use: Use, reason: string) =>
        skipped(
            use === "install" ? "index" : "publish",
            [`Configured in ${places[use] ?? ""}`, accepted(use), `Not tried: ${reason}`]
                .filter(Boolean)
                .join(". "),
        );
    const isUnreadable = files.some(
        ({ status, subject }) => status === "problem" && subject === "configuration",
    );
    const missing =
        Object.keys(places).length === 0 && !isUnreadable
            ? [problem("configuration", notConfigured, `Run python-registry-configure --tool ${tool}`)]
            : [];
    return [
        ...(launcher === undefined && descriptors[tool].commands.length > 0
            ? [problem("tool", "Not on PATH", "Install it, or add its folder to PATH")]
            : []),
        ...files,
        ...installFindings(),
        ...faults("publish"),
        ...(places.publish === undefined || faults("publish").some(({ status }) => status === "problem")
            ? []
            : [skip("publish", `only an upload shows whether ${tool} can publish`)]),
    ].filter((finding, at, all) => all.findIndex((each) => isDeepStrictEqual(each, finding)) === at);

    function installFindings(): Finding[] {
        if ("notTried" in answer) {
            const reason = places.install === undefined ? [] : [skip("install", answer.notTried)];
            return [...missing, ...faults("install"), ...reason];
        }
        if ("failed" in answer) {
            const reasons = [...missing, ...faults("install")];
            if (isUnreadable || reasons.some(({ status }) => status === "problem")) return reasons;
            const { keyringSwitches, keyring } = descriptors[tool];
            const command = tools[tool].client(index, { form: "keyring" })?.commands.install.posix.at(-1);
            const message = [
                `${tool} does not find ${answer.packageName}`,
                accepted("install"),
                `${tool} says: ${answer.failed}`,
            ];
            const fix = [
                ...(accepted("install") === undefined ||
                keyring?.install === undefined ||
                keyringSwitches === undefined
                    ? []
                    : [`Check ${keyringSwitches}`]),
                `For all of its output, run: ${command?.replace("PACKAGE", answer.packageName) ?? tool}`,
            ];
            return [...reasons, problem("index", message.filter(Boolean).join(". "), fix.join(". "))];
        }
        const { name, version, url } = answer.resolved;
        if (answer.isFromRegistry) {
            const tick = passed("index", `${tool} finds ${name} ${version} in the registry`);
            return [tick, ...faults("install").filter(({ status }) => status === "warning")];
        }
        const host = URL.canParse(url) ? new URL(url).hostname : "a different index";
        const fix =
            "Anyone who can publish that name there can run code here. See docs/dependency-confusion.md";
        return [
            ...missing,
            ...faults("install"),
            problem("index", `${tool} takes ${name} ${version} from ${host} instead of the registry`, fix),
        ];
    }
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
