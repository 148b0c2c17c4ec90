import { tokenUsername } from "../../src/clients/credential";
import { variable } from "../machine/system";
import type { ToolDescriptor, Use } from "../tools/descriptor";
import { descriptors } from "../tools/descriptors";
import {
    type FileTool,
    hasSetting,
    type IndexEntry,
    type PresentFile,
    presentFiles,
    registryAddress,
} from "./client-files";
import { CredentialCheck, fileModeFindings } from "./credential-check";
import { type Finding, passed, problem } from "./findings";
import { type FoundLogin, foundLogin, isPassword } from "./login";
import type { ProbeCache } from "./probe-cache";
import { inspectPython } from "./python-environment";

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
    const files = await presentFiles(tool, probes.registry.index, probes.system);
    return new ToolCheck(tool, launcher, files, probes).findings();
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

/** An entry, and the file or variable that holds it. */
interface LocatedEntry extends IndexEntry {
    readonly from: string;
    /** Undefined for a variable. */
    readonly file?: string;
}

class ToolCheck {
    readonly #descriptor: ToolDescriptor;
    readonly #credentials: CredentialCheck;
    readonly #entries: readonly LocatedEntry[];

    constructor(
        private readonly tool: FileTool,
        private readonly launcher: string | undefined,
        private readonly files: readonly PresentFile[],
        private readonly probes: ProbeCache,
    ) {
        this.#descriptor = descriptors[tool];
        this.#credentials = new CredentialCheck(tool, probes);
        const inFiles = files.flatMap(({ path, entries }) =>
            entries.map((entry): LocatedEntry => ({ ...entry, from: path, file: path })),
        );
        this.#entries = [...inFiles, ...this.#entriesInVariables()];
    }

    async findings(): Promise<Finding[]> {
        const refused = this.files.flatMap(({ path, error }) =>
            error === undefined ? [] : [unreadable(this.tool, path, error)],
        );
        const findings = [
            ...refused,
            ...(await fileModeFindings(this.#filesWithPassword(), this.probes.system)),
        ];
        if (this.#entries.length === 0) {
            return refused.length === 0 ? [...findings, notConfigured(this.tool)] : findings;
        }
        findings.push(passed("configuration", `Found in ${this.#describeEntries()}`));

        const withoutLogin = new Set<Use>();
        const logins = new Map<string, FoundLogin>();
        for (const entry of this.#entries) {
            const found = this.#loginInVariables(entry) ?? this.#ownLogin(entry) ?? this.#loginByName(entry);
            if (found === undefined) withoutLogin.add(entry.use);
            else if ("missing" in found) findings.push(variableNotSet(found.missing, entry.from));
            else logins.set(`${found.from} ${found.password}`, found);
        }
        const ofLogins = [...logins.values()].map((login) => this.#credentials.login(login));
        findings.push(...(await Promise.all(ofLogins)).flat());
        if (withoutLogin.size === 0) return findings;
        const others = await this.#credentials.withoutPassword(() => this.#keyrings(withoutLogin));
        return [...findings, ...others];
    }

    #filesWithPassword(): string[] {
        const names = this.files.flatMap(({ entries }) => entries.map(({ name = "" }) => name));
        return this.files
            .filter(({ entries, logins }) =>
                [...entries.map(({ login }) => login), ...names.map((name) => logins.get(name))].some(
                    (login) => isPassword(login?.password),
                ),
            )
            .map(({ path }) => path);
    }

    /** Where the entries are, each place with its scope and uses. */
    #describeEntries(): string {
        const places = new Set(this.#entries.map(({ from }) => from));
        return [...places]
            .map((place) => {
                const scopes = this.files.filter(({ path }) => path === place).map(({ scope }) => scope);
                const uses = this.#entries.filter(({ from }) => from === place).map(({ use }) => use);
                return `${place} (${[...scopes, ...new Set(uses)].join(", ")})`;
            })
            .join(" and ");
    }

    async #keyrings(uses: ReadonlySet<Use>): Promise<Finding[]> {
        const { keyring } = this.#descriptor;
        if (keyring === undefined) {
            const fix = `Run configure --tool ${this.tool} --auth token, or --auth key`;
            return [problem("login", "The entry has no password", fix)];
        }
        const kinds = new Set([...uses].map((use) => keyring[use]));
        const findings = kinds.has("command") ? await this.#commandKeyring() : [];
        if (!kinds.has("package") || this.launcher === undefined) return findings;
        const environment = await inspectPython(this.probes.system, this.launcher, this.tool);
        return [...findings, ...(await this.#credentials.packageKeyring(environment))];
    }

    /** Checks the keyring on PATH, and whether the tool is told to ask it. */
    async #commandKeyring(): Promise<Finding[]> {
        const { variable: name = "", setting } = this.#descriptor.keyringProvider ?? {};
        const keys = setting === undefined ? [name] : [name, setting];
        const isEnabled =
            variable(this.probes.system, name) === "subprocess" ||
            this.files.some(({ settings }) => keys.some((key) => hasSetting(settings, key, "subprocess")));
        const keyring = await this.probes.commandKeyring();
        return [
            isEnabled
                ? passed("provider", `subprocess: ${this.tool} asks the keyring on PATH`)
                : problem(
                      "provider",
                      `${this.tool} asks a keyring only if it is told to, and it is not`,
                      setting === undefined
                          ? `Set ${name}=subprocess`
                          : `Run configure --tool ${this.tool} again`,
                  ),
            ...(keyring === undefined
                ? [this.#credentials.noKeyring("on PATH")]
                : await this.#credentials.keyring(keyring)),
        ];
    }

    #entriesInVariables(): LocatedEntry[] {
        const { system, registry } = this.probes;
        return (this.#descriptor.addressVariables ?? []).flatMap((from) =>
            (variable(system, from) ?? "").split(/\s+/).flatMap((word) => {
                const [, name, url = ""] = /^(?:([\w.-]+)=)?(.*)$/s.exec(word) ?? [];
                const found = registryAddress(url, registry.index);
                return found === undefined ? [] : [{ ...found, name, from }];
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

    /** The login in an entry itself, or in the variable that it names in the password's place. */
    #ownLogin({ login, from, file }: LocatedEntry): FoundLogin | { readonly missing: string } | undefined {
        const name = /^\$\{(\w+)\}$/.exec(login.password ?? "")?.[1];
        if (name === undefined) return foundLogin(login, from, file);
        const password = variable(this.probes.system, name);
        return password === undefined
            ? { missing: name }
            : { username: login.username ?? tokenUsername, password, from: name };
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

function variableNotSet(name: string, from: string): Finding {
    const fix = `Set ${name} to the output of gcloud auth print-access-token`;
    return problem("token", `${from} takes the access token from ${name}, which is not set`, fix);
}
