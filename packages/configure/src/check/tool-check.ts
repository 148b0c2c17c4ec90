import { isOnlyIndex } from "python-registry/clients/client";
import { type Login, tokenUsername } from "python-registry/clients/credential";
import { variable } from "../machine/system";
import type { ToolDescriptor, Use } from "../tools/descriptor";
import type { ConfigurableTool } from "../tools/configurable";
import { descriptors } from "../tools/descriptors";
import { cooldownIn, daysToWait } from "../formats/cooldown";
import { type IndexEntry, type PresentFile, presentFiles, registryAddress } from "./client-files";
import { CredentialCheck, fileModeFindings } from "./credential-check";
import { type Finding, problem, warning } from "./findings";
import { type FoundLogin, foundLogin, isPassword } from "./login";
import { findGaps } from "../tools/tool-plan";
import { readPip } from "./pip-check";
import type { ProbeCache } from "./probe-cache";
import { inspectPython, type PythonEnvironment } from "../machine/python-environment";

/** What a tool's files and variables say. */
export interface Reading {
    /** Where the registry is, for each use that the files configure. */
    readonly places: Readonly<Partial<Record<Use, string>>>;
    /** The registry's name there, where it is an index. */
    readonly indexName: string | undefined;
    /** The project's file for this tool; undefined outside a project. */
    readonly projectFile: string | undefined;
    /** The days that the tool waits for public versions, by its files and variables; undefined if none of them says so. */
    readonly daysToWait: number | undefined;
    /** Findings about the files themselves. */
    readonly files: readonly Finding[];
    /** Findings about the login for each use. */
    readonly logins: Readonly<Partial<Record<Use, readonly Finding[]>>>;
}

/** A tool, and what its files say. */
export interface ToolReading {
    readonly tool: ConfigurableTool;
    /** The command's file; undefined if it is not on PATH. */
    readonly launcher: string | undefined;
    readonly reading: Reading;
}

/**
 * Reads a tool's files and variables, and tries the logins and keyrings that they lead to.
 *
 * @param launcher the command's file; undefined if it is not on PATH
 */
export async function readTool(
    tool: ConfigurableTool,
    launcher: string | undefined,
    probes: ProbeCache,
): Promise<Reading> {
    const { keyring = {} } = descriptors[tool];
    const environment =
        launcher !== undefined &&
        !probes.isOffline &&
        Object.values(keyring).some((kind) => kind !== "command")
            ? await inspectPython(probes.system, launcher, tool)
            : undefined;
    const { files, problems } =
        tool === "pip"
            ? await readPip(environment, probes)
            : { files: await presentFiles(tool, probes.registry.index, probes.system), problems: [] };
    return new ToolCheck(tool, environment, files, probes).read(problems);
}

/** An entry, and the file or variable that holds it. */
interface LocatedEntry extends IndexEntry {
    readonly from: string;
    /** Undefined for a variable. */
    readonly file: string | undefined;
}

class ToolCheck {
    readonly #descriptor: ToolDescriptor;
    readonly #credentials: CredentialCheck;
    readonly #entries: readonly LocatedEntry[];

    constructor(
        private readonly tool: ConfigurableTool,
        private readonly environment: PythonEnvironment | undefined,
        private readonly files: readonly PresentFile[],
        private readonly probes: ProbeCache,
    ) {
        this.#descriptor = descriptors[tool];
        this.#credentials = new CredentialCheck(tool, probes);
        const inFiles = files.flatMap(({ path, entries, isVariable }) =>
            entries.map((entry) => ({ ...entry, from: path, file: isVariable === true ? undefined : path })),
        );
        this.#entries = [...inFiles, ...this.#entriesInVariables()];
    }

    async read(problems: readonly Finding[]): Promise<Reading> {
        const fix = `Correct the file, then run python-registry-configure --tool ${this.tool}`;
        const refused = this.files.flatMap(({ path, error }) =>
            error === undefined ? [] : [problem("configuration", `${path}: ${error}`, fix)],
        );
        const uses = [...new Set(this.#entries.map(({ use }) => use))];
        const logins = uses.map(async (use) => [use, await this.#findingsFor(use)] as const);
        return {
            places: Object.fromEntries(
                uses.map((use) => {
                    const places = this.#entries.filter((entry) => entry.use === use).map(({ from }) => from);
                    return [use, [...new Set(places)].join(" and ")];
                }),
            ),
            indexName: this.#entries.find(({ use, name }) => use === "install" && name !== undefined)?.name,
            projectFile: this.files.find(({ scope }) => scope === "project")?.path,
            daysToWait: this.#daysToWait(),
            files: [
                ...refused,
                ...problems,
                ...this.#gaps(),
                ...(await fileModeFindings(this.#filesWithPassword(), this.probes.system)),
            ],
            logins: Object.fromEntries(await Promise.all(logins)),
        };
    }

    /** A variable overrides the files, and a file of the project overrides those of the user. */
    #daysToWait(): number | undefined {
        const name = this.#descriptor.cooldownVariable;
        const value = name && variable(this.probes.system, name);
        if (value !== undefined && value !== "") return daysToWait(value) ?? 0;
        return [true, false]
            .flatMap((ofProject) => this.files.filter(({ scope }) => (scope === "project") === ofProject))
            .map(({ text }) => (text === undefined ? undefined : cooldownIn(text)))
            .find((days) => days !== undefined);
    }

    /** Settings with which the tool can take an internal package from elsewhere, or any package if the registry is the only index. */
    #gaps(): Finding[] {
        const { registry, system } = this.probes;
        if (registry.index.internalPackages.length === 0 && !isOnlyIndex(registry.index)) return [];
        const fix = "See docs/dependency-confusion.md for what the tool then does";
        return this.files.flatMap(({ path, text, entries }) => {
            const entry = entries.find(({ use }) => use === "install");
            if (entry === undefined || text === undefined) return [];
            const index = { ...registry.index, name: entry.name ?? registry.index.name };
            const gaps = findGaps({ tool: this.tool, index }, path, text, system);
            return gaps.map((gap) => warning("configuration", gap, fix));
        });
    }

    async #findingsFor(use: Use): Promise<Finding[]> {
        if (this.probes.isOffline) return [];
        const findings: Finding[] = [];
        const logins = new Map<string, FoundLogin>();
        let isWithoutLogin = false;
        for (const entry of this.#entries.filter((each) => each.use === use)) {
            const found = this.#loginInVariables(entry) ?? this.#ownLogin(entry) ?? this.#loginByName(entry);
            if (found === undefined) isWithoutLogin = true;
            else if ("status" in found) findings.push(found);
            else logins.set(`${found.from} ${found.password}`, found);
        }
        const ofLogins = [...logins.values()].map((login) => this.#credentials.login(login));
        findings.push(...(await Promise.all(ofLogins)).flat());
        if (!isWithoutLogin) return findings;
        const kind = this.#descriptor.keyring?.[use];
        return [...findings, ...(await this.#credentials.withoutPassword(kind, this.environment))];
    }

    #filesWithPassword(): string[] {
        const names = this.files.flatMap(({ entries }) => entries.map(({ name = "" }) => name));
        return this.files
            .filter(({ entries, ignored = [], logins }) =>
                [
                    ...[...entries, ...ignored].map(({ login }) => login),
                    ...names.map((name) => logins.get(name)),
                ].some((login) => isPassword(login?.password)),
            )
            .filter(({ isVariable }) => isVariable !== true)
            .map(({ path }) => path);
    }

    #entriesInVariables(): LocatedEntry[] {
        const { system, registry } = this.probes;
        return (this.#descriptor.addressVariables ?? []).flatMap((from) =>
            (variable(system, from) ?? "").split(/\s+/).flatMap((word) => {
                const [, name, url = ""] = /^(?:([\w.-]+)=)?(.*)$/s.exec(word) ?? [];
                const found = registryAddress(url, registry.index);
                return found === undefined ? [] : [{ ...found, name, from, file: undefined }];
            }),
        );
    }

    #loginInVariables({ name = "", use, login }: IndexEntry): FoundLogin | undefined {
        const { system } = this.probes;
        const [user, secret] = this.#descriptor.loginVariables?.(use, name) ?? [];
        const password = secret && variable(system, secret);
        if (!user || !secret || password === undefined) return undefined;
        return {
            username: variable(system, user) ?? login.username ?? tokenUsername,
            password,
            from: secret,
        };
    }

    /** The login in an entry itself, or in the variable that it names; or why the tool does not find one there. */
    #ownLogin({ login, from, file }: LocatedEntry): FoundLogin | Finding | undefined {
        const name = variableIn(login);
        if (name === undefined) return foundLogin(login, from, file);
        if (this.#descriptor.expandsVariables !== true) {
            const message = `${this.tool} does not replace \${${name}} in ${from} with the variable`;
            const fix = `Run python-registry-configure --tool ${this.tool}, which writes no variables there`;
            return problem("configuration", message, fix);
        }
        const password = variable(this.probes.system, name);
        if (password !== undefined)
            return { username: login.username ?? tokenUsername, password, from: name };
        const message = `${from} takes the access token from ${name}, which is not set`;
        return problem("token", message, `Set ${name} to the output of gcloud auth print-access-token`);
    }

    /** The login that another place has for the same name: a login without an address, or another entry. */
    #loginByName({ name, use }: IndexEntry): FoundLogin | undefined {
        if (name === undefined) return undefined;
        const isShared = this.#descriptor.sharesLogin === true;
        const others = this.#entries.filter(
            (entry) => entry.name === name && (isShared || entry.use === use),
        );
        return [
            ...this.files.map(({ path, logins }) => foundLogin(logins.get(name) ?? {}, path, path)),
            ...others.map(({ login, from, file }) => foundLogin(login, from, file)),
        ].find((found) => found !== undefined);
    }
}

/** The name of the variable that a login has in the place of a value. */
function variableIn({ username, password }: Partial<Login>): string | undefined {
    return /\$\{(\w+)\}/.exec(`${username ?? ""} ${password ?? ""}`)?.[1];
}
