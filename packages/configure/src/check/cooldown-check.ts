import { tools } from "python-registry/clients/tools";
import { cooldownIn } from "../formats/cooldown";
import { formatOfFile } from "../tools/tool-plan";
import { type Finding, passed, problem, skipped } from "./findings";
import { ask } from "./probe";
import type { ProbeCache } from "./probe-cache";
import type { ToolReading } from "./tool-check";

/** A hundred years: no package is that old. */
const century = 36_500;

/**
 * Whether a tool waits for public versions as the registry wants it. Its files can say so without any effect: an old version of the tool
 * ignores them, and Poetry and Pipenv take every version of an index that does not say when a file was uploaded. So the tool is asked for a
 * public package that would have to be a hundred years old. One that waits finds none, and finds one with its own settings.
 *
 * @param publicPackage one that every index of public packages has
 */
export async function cooldownFindings(
    { tool, launcher, reading }: ToolReading,
    { registry: { index }, system, isOffline }: Pick<ProbeCache, "registry" | "system" | "isOffline">,
    publicPackage = "pip",
): Promise<Finding[]> {
    const wanted = index.cooldown?.days;
    if (wanted === undefined || reading.places.install === undefined) return [];
    const files = tools[tool].client(index, { form: "keyring" })?.install ?? [];
    const canWait = files.some(
        (file) => formatOfFile(file) === "toml" && cooldownIn(file.text) !== undefined,
    );
    if (!canWait) {
        const why = `${tool} cannot wait beside this registry: it takes new versions of public packages`;
        return tool === "pip" || tool === "pdm" ? [skipped("cooldown", why)] : [];
    }
    const { daysToWait = 0, projectFile } = reading;
    if (daysToWait < wanted) {
        const how = daysToWait === 0 ? "does not wait" : `waits only ${Math.floor(daysToWait)} days`;
        const message = `${tool} ${how} before it takes new versions of public packages; this registry wants ${wanted} days`;
        return [problem("cooldown", message, `Run python-registry-configure --tool ${tool}`)];
    }
    const skip = (reason: string) => [skipped("cooldown", `Set to ${wanted} days. Not tried: ${reason}`)];
    if (isOffline) return skip("--offline");
    if (launcher === undefined) return skip("it is not on PATH");
    const question = {
        tool,
        launcher,
        packageName: publicPackage,
        others: [],
        index,
        indexName: undefined,
        projectFile,
    };
    const answer = await ask({ ...question, daysToWait: century }, system);
    if ("notTried" in answer) return skip(answer.notTried);
    if ("failed" in answer) {
        // Not all tools say why they find nothing.
        const found = await ask(question, system);
        if ("notTried" in found) return skip(found.notTried);
        if ("failed" in found)
            return skip(`${tool} finds no ${publicPackage} at all. ${tool} says: ${found.failed}`);
        return [passed("cooldown", `${tool} waits ${wanted} days or longer for public versions`)];
    }
    const { name, version, url } = answer.resolved;
    if (answer.isFromRegistry) return skip(`${name} comes from this registry`);
    const host = URL.canParse(url) ? new URL(url).hostname : "its index";
    return [
        problem(
            "cooldown",
            `${tool} does not wait: it takes ${name} ${version} from ${host} even if told to wait for ${century} days. Either this version of ` +
                `${tool} does not know the setting, or the index does not say when a file was uploaded`,
            `Update ${tool}. If it still does not wait, let it ask https://pypi.org/simple/ itself, not through a mirror or a proxy`,
        ),
    ];
}
