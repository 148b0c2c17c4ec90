import { tokenUsername } from "../../src/clients/credential";
import { type System, variable } from "../machine/system";
import type { Use } from "../tools/descriptor";
import { descriptors } from "../tools/descriptors";
import {
    type FileTool,
    hasSetting,
    type IndexEntry,
    type PresentFile,
    presentFiles,
    registryAddress,
} from "./client-files";
import {
    fileModeFindings,
    keyringFindings,
    loginFindings,
    netrcFindings,
    noKeyring,
    packageKeyringFindings,
} from "./credential-check";
import { type Finding, passed, problem } from "./findings";
import { type FoundLogin, foundLogin, isPassword } from "./login";
import type { ProbeCache } from "./probe-cache";
import { inspectPython } from "./python-environment";

/** An entry, and the file or variable that holds it. */
interface LocatedEntry extends IndexEntry {
    readonly from: string;
    /** Undefined for a variable. */
    readonly file?: string;
}

/**
 * Checks a tool by what its files and variables say.
 *
 * @param launcher the command's file; undefined if it is not on PATH
 */
export async function toolFindings(
    tool: FileTool,
    launcher: string | undefined,
    probes: ProbeCache,
): Promise<Finding[]> {
    const { system, registry } = probes;
    const files = await presentFiles(tool, registry.index, system);
    const inFiles = files.flatMap(({ path, entries }) =>
        entries.map((entry): LocatedEntry => ({ ...entry, from: path, file: path })),
    );
    const withPassword = files.filter(
        ({ entries, logins }) =>
            entries.some(({ login }) => isPassword(login.password)) ||
            inFiles.some(({ name = "" }) => isPassword(logins.get(name)?.password)),
    );
    const findings = files.flatMap(({ path, error }) =>
        error === undefined ? [] : [unreadable(tool, path, error)],
    );
    const isReadable = findings.length === 0;
    findings.push(
        ...(await fileModeFindings(
            withPassword.map(({ path }) => path),
            system,
        )),
    );
    const entries = [...inFiles, ...entriesInVariables(tool, probes)];
    if (entries.length === 0) return isReadable ? [...findings, notConfigured(tool)] : findings;
    findings.push(passed("configuration", `Found in ${described(entries, files)}`));

    const withoutLogin = new Set<Use>();
    const logins = new Map<string, FoundLogin>();
    for (const entry of entries) {
        const found =
            loginInVariables(tool, entry, system) ??
            ownLogin(entry, system) ??
            loginByName(tool, entry, entries, files);
        if (found === undefined) withoutLogin.add(entry.use);
        else if ("missing" in found) findings.push(variableNotSet(tool, found.missing, entry.from));
        else logins.set(`${found.from} ${found.password}`, found);
    }
    const ofLogins = [...logins.values()].map((login) => loginFindings(tool, login, probes));
    findings.push(...(await Promise.all(ofLogins)).flat());
    if (withoutLogin.size === 0) return findings;
    const keyrings = () => keyringsFor(tool, launcher, files, withoutLogin, probes);
    const inNetrc = descriptors[tool].readsNetrc === true ? await probes.netrcLogin() : undefined;
    return [
        ...findings,
        ...(await (inNetrc === undefined ? keyrings() : netrcFindings(tool, inNetrc, probes, keyrings))),
    ];
}

/** The registry is in no file that the tool reads. */
export function notConfigured(tool: string): Finding {
    const message = "The registry is in none of its files here";
    return problem("configuration", message, `Run configure --tool ${tool}`);
}

/** A file that the tool itself would refuse. */
export function unreadable(tool: string, file: string, reason: string): Finding {
    const fix = `Correct the file, then run configure --tool ${tool}`;
    return problem("configuration", `${file}: ${reason}`, fix);
}

function variableNotSet(tool: string, name: string, from: string): Finding {
    const fix = `Set ${name} to the output of gcloud auth print-access-token`;
    return problem("token", `${from} takes the access token from ${name}, which is not set`, fix);
}

/** Where the entries are, each place with its scope and uses. */
function described(entries: readonly LocatedEntry[], files: readonly PresentFile[]): string {
    return [...Map.groupBy(entries, ({ from }) => from)]
        .map(([from, own]) => {
            const scope = files.find(({ path }) => path === from)?.scope;
            const uses = new Set(own.map(({ use }) => use));
            return `${from} (${[...(scope === undefined ? [] : [scope]), ...uses].join(", ")})`;
        })
        .join(" and ");
}

/** Checks the keyrings that a tool asks for these uses. */
async function keyringsFor(
    tool: FileTool,
    launcher: string | undefined,
    files: readonly PresentFile[],
    uses: ReadonlySet<Use>,
    probes: ProbeCache,
): Promise<Finding[]> {
    const { keyring } = descriptors[tool];
    if (keyring === undefined) {
        const fix = `Run configure --tool ${tool} --auth token, or --auth key`;
        return [problem("login", "The entry has no password", fix)];
    }
    const kinds = new Set([...uses].map((use) => keyring[use]));
    const findings = kinds.has("command") ? await commandKeyringFindings(tool, files, probes) : [];
    if (!kinds.has("package") || launcher === undefined) return findings;
    const environment = await inspectPython(probes.system, launcher, tool);
    return [...findings, ...(await packageKeyringFindings(tool, environment, probes))];
}

/** Checks the keyring on PATH, and whether the tool is told to ask it. */
async function commandKeyringFindings(
    tool: FileTool,
    files: readonly PresentFile[],
    probes: ProbeCache,
): Promise<Finding[]> {
    const { variable: name = "", setting } = descriptors[tool].keyringProvider ?? {};
    const isEnabled =
        variable(probes.system, name) === "subprocess" ||
        files.some(({ settings }) =>
            [name, ...(setting === undefined ? [] : [setting])].some((key) =>
                hasSetting(settings, key, "subprocess"),
            ),
        );
    const keyring = await probes.commandKeyring();
    return [
        isEnabled
            ? passed("provider", `subprocess: ${tool} asks the keyring on PATH`)
            : problem(
                  "provider",
                  `${tool} asks a keyring only if it is told to, and it is not`,
                  setting === undefined ? `Set ${name}=subprocess` : `Run configure --tool ${tool} again`,
              ),
        ...(keyring === undefined
            ? [noKeyring(tool, "on PATH", probes)]
            : await keyringFindings(tool, keyring, probes)),
    ];
}

function entriesInVariables(tool: FileTool, { system, registry }: ProbeCache): LocatedEntry[] {
    return (descriptors[tool].addressVariables ?? []).flatMap((from) =>
        (variable(system, from) ?? "").split(/\s+/).flatMap((word) => {
            const [, name, url = ""] = /^(?:([\w.-]+)=)?(.*)$/s.exec(word) ?? [];
            const found = registryAddress(url, registry.index);
            return found === undefined ? [] : [{ ...found, name, from }];
        }),
    );
}

function loginInVariables(
    tool: FileTool,
    { name = "", use, login }: IndexEntry,
    system: System,
): FoundLogin | undefined {
    const [user, secret] = descriptors[tool].loginVariables?.(use, name) ?? [];
    const password = secret && variable(system, secret);
    if (!user || !secret || password === undefined) return undefined;
    return { username: variable(system, user) ?? login.username ?? tokenUsername, password, from: secret };
}

/** The login in an entry itself, or in the variable that it names in the password's place. */
function ownLogin(
    { login, from, file }: LocatedEntry,
    system: System,
): FoundLogin | { readonly missing: string } | undefined {
    const name = /^\$\{(\w+)\}$/.exec(login.password ?? "")?.[1];
    if (name === undefined) return foundLogin(login, from, file);
    const password = variable(system, name);
    return password === undefined
        ? { missing: name }
        : { username: login.username ?? tokenUsername, password, from: name };
}

/** The login that another place has for the same name: a login without an address, or another entry. */
function loginByName(
    tool: FileTool,
    { name, use }: IndexEntry,
    entries: readonly LocatedEntry[],
    files: readonly PresentFile[],
): FoundLogin | undefined {
    if (name === undefined) return undefined;
    const isShared = descriptors[tool].sharesLogin === true;
    const others = entries.filter((entry) => entry.name === name && (isShared || entry.use === use));
    return [
        ...files.map(({ path, logins }) => foundLogin(logins.get(name) ?? {}, path, path)),
        ...others.map(({ login, from, file }) => foundLogin(login, from, file)),
    ].find((found) => found !== undefined);
}
