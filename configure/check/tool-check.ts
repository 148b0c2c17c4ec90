import { tokenUsername } from "../../src/clients/credential";
import type { ConfigurableTool } from "../tools/tool-plan";
import { keyringFindings, loginFindings, modeFindings, noKeyring } from "./credential-check";
import { type Finding, fine, problem, skipped } from "./findings";
import { addressVariables, type FoundLogin, isPassword, password, passwordVariables } from "./logins";
import { type Entry, ownAddress, type PresentFile, presentFiles, says, type Use } from "./present-files";
import { inspect, ownKeyring } from "./python-environment";
import type { Questions } from "./questions";
import { type System, variable } from "../machine/system";

/** Every tool but pip. */
type Tool = Exclude<ConfigurableTool, "pip">;

/** A place where the registry is named: a file, or a variable. */
interface Place extends Entry {
    readonly from: string;
    readonly file?: string;
}

/**
 * Checks a tool by what its files say.
 *
 * @param launcher the command's file; undefined if it is not on PATH
 */
export async function toolFindings(
    tool: Tool,
    launcher: string | undefined,
    questions: Questions,
): Promise<Finding[]> {
    const { system, registry } = questions;
    const files = await presentFiles(tool, registry.index, system);
    const written = files.flatMap(({ path, entries }) =>
        entries
            // hatch lends uv's file to install with, and publishes by itself.
            .filter(({ use }) => tool !== "hatch" || use === "install" || !path.endsWith("uv.toml"))
            .map((entry): Place => ({ ...entry, from: path, file: path })),
    );
    const secret = files.filter(
        ({ entries, logins }) =>
            entries.some(({ login }) => isPassword(login.password)) ||
            written.some(({ name }) => isPassword(logins.get(name ?? "")?.password)),
    );
    const refused = files.flatMap(({ path, problem: reason }) =>
        reason === undefined ? [] : [unreadable(tool, path, reason)],
    );
    const findings = [
        ...refused,
        ...(await modeFindings(
            tool,
            secret.map(({ path }) => path),
            system,
        )),
    ];
    const places = [...written, ...fromVariables(tool, questions)];
    if (places.length === 0) return refused.length > 0 ? findings : [...findings, notConfigured(tool)];
    findings.push(fine(tool, "configuration", `in ${described(places, files)}`));

    const asking = new Set<Use>();
    const logins = new Map<string, FoundLogin>();
    for (const place of places) {
        const found =
            passwordVariable(tool, place, system) ??
            passwordOf(place, system) ??
            passwordBeside(tool, place, places, files) ??
            (tool === "uv" || tool === "pipenv" ? await questions.netrcLogin() : undefined);
        if (found === undefined) asking.add(place.use);
        else if ("missing" in found) findings.push(notSet(tool, found.missing, place.from));
        else logins.set(`${found.from} ${found.password}`, found);
    }
    const told = await Promise.all(
        [...logins.values()].map((login) => loginFindings(tool, login, questions)),
    );
    findings.push(...told.flat());
    if (asking.size > 0) findings.push(...(await keyringsOf(tool, launcher, files, asking, questions)));
    return findings;
}

/** The registry is nowhere in what a tool reads. */
export function notConfigured(tool: string): Finding {
    const message = "the registry is in none of its files here";
    return problem(tool, "configuration", message, `run: configure --tool ${tool}`);
}

/** A file that the tool itself would refuse. */
export function unreadable(tool: string, file: string, reason: string): Finding {
    const fix = `correct the file, then run: configure --tool ${tool}`;
    return problem(tool, "configuration", `${file}: ${reason}`, fix);
}

function notSet(tool: string, name: string, from: string): Finding {
    const fix = `set ${name} to what this prints: gcloud auth print-access-token`;
    return problem(tool, "token", `${from} takes the access token from ${name}, which is not set`, fix);
}

/** Where the registry is named, with scopes and uses. */
function described(places: readonly Place[], files: readonly PresentFile[]): string {
    return [...new Set(places.map(({ from }) => from))]
        .map((from) => {
            const scope = files.find(({ path }) => path === from)?.scope;
            const uses = new Set(places.flatMap((place) => (place.from === from ? [place.use] : [])));
            return `${from} (${[...(scope === undefined ? [] : [scope]), ...uses].join(", ")})`;
        })
        .join(" and ");
}

/** The keyrings that a tool asks for these uses. */
async function keyringsOf(
    tool: Tool,
    launcher: string | undefined,
    files: readonly PresentFile[],
    uses: ReadonlySet<Use>,
    questions: Questions,
): Promise<Finding[]> {
    if (tool === "netrc") {
        const fix = "run configure --tool netrc --auth token, or --auth key";
        return [problem(tool, "login", "the entry has no password", fix)];
    }
    // hatch installs by uv.
    const byCommand = tool === "uv" || tool === "pipenv" || (tool === "hatch" && uses.has("install"));
    const findings = byCommand ? await commandKeyring(tool, files, questions) : [];
    if (byCommand && (tool !== "hatch" || !uses.has("publish"))) return findings;
    if (launcher === undefined) return findings;
    const environment = await inspect(questions.system, launcher, tool);
    if (environment === undefined) {
        const message = `it cannot be told which Python ${tool} runs in, and whether that has a keyring`;
        return [...findings, skipped(tool, "keyring", message)];
    }
    const keyring = ownKeyring(tool, environment, questions.system);
    return keyring === undefined
        ? [...findings, noKeyring(tool, `in ${tool}'s own environment`, questions)]
        : [...findings, ...(await keyringFindings(tool, keyring, questions))];
}

/** Some tools call a keyring on PATH, and only if they are told to. */
async function commandKeyring(
    tool: Tool,
    files: readonly PresentFile[],
    questions: Questions,
): Promise<Finding[]> {
    const name = tool === "pipenv" ? "PIPENV_KEYRING_PROVIDER" : "UV_KEYRING_PROVIDER";
    const told =
        variable(questions.system, name) === "subprocess" ||
        files.some(({ settings }) =>
            ["keyring-provider", name].some((key) => says(settings, key, "subprocess")),
        );
    const keyring = await questions.keyringCommand();
    return [
        told
            ? fine(tool, "provider", "subprocess: it asks the keyring on PATH")
            : problem(
                  tool,
                  "provider",
                  "it is not told to ask a keyring, and never does so by itself",
                  tool === "pipenv" ? `set ${name}=subprocess` : `run configure --tool ${tool} again`,
              ),
        ...(keyring === undefined
            ? [noKeyring(tool, "on PATH", questions)]
            : await keyringFindings(tool, keyring, questions)),
    ];
}

/** Addresses of this registry that a tool takes from variables. */
function fromVariables(tool: Tool, { system, registry }: Questions): Place[] {
    return (addressVariables[tool] ?? []).flatMap((from) =>
        (variable(system, from) ?? "").split(/\s+/).flatMap((word) => {
            const [, name, url = ""] = /^(?:([\w.-]+)=)?(.*)$/s.exec(word) ?? [];
            const found = ownAddress(url, registry.index);
            return found === undefined ? [] : [{ ...found, name, from }];
        }),
    );
}

function passwordVariable(tool: Tool, { name, use, login }: Place, system: System): FoundLogin | undefined {
    for (const [user, secret] of passwordVariables(tool, name ?? "", use)) {
        const found = variable(system, secret);
        if (found !== undefined) {
            const username = variable(system, user) ?? login.username ?? tokenUsername;
            return { username, password: found, from: secret };
        }
    }
    return undefined;
}

/** What an entry itself says, or the variable that it names in a password's place. */
function passwordOf(
    { login, from, file }: Place,
    system: System,
): FoundLogin | { readonly missing: string } | undefined {
    const name = /^\$\{(\w+)\}$/.exec(login.password ?? "")?.[1];
    if (name === undefined) return password(login, from, file);
    const found = variable(system, name);
    return found === undefined
        ? { missing: name }
        : { username: login.username ?? tokenUsername, password: found, from: name };
}

/** What stands elsewhere for the same name: a login by itself, or the same index in another file. */
function passwordBeside(
    tool: Tool,
    { name, use }: Place,
    places: readonly Place[],
    files: readonly PresentFile[],
): FoundLogin | undefined {
    if (name === undefined) return undefined;
    const same = places.filter((place) => place.name === name && (place.use === use || tool === "uv"));
    return [
        ...files.map(({ path, logins }) => password(logins.get(name) ?? {}, path, path)),
        ...same.map(({ login, from, file }) => password(login, from, file)),
    ].find((found) => found !== undefined);
}
