import { readFile } from "node:fs/promises";
import type { ClientPlace, PythonIndex, Scope } from "python-registry/clients/client";
import type { Login } from "python-registry/clients/credential";
import { tools } from "python-registry/clients/tools";
import { readIni } from "../formats/ini";
import { errorReason, refuseByteOrderMark, withoutUserInfo } from "../formats/merge";
import { readNetrc } from "../formats/netrc";
import { asTable, readToml, type Toml, type TomlTable } from "../formats/toml";
import type { System } from "../machine/system";
import { decodeText } from "../tools/encoding";
import { formatOfFile } from "../tools/tool-plan";
import type { Use } from "../tools/descriptor";
import type { ConfigurableTool } from "../tools/configurable";
import { descriptors } from "../tools/descriptors";
import { getPlace } from "../tools/places";

/** The tools whose files are read one by one. pip merges its files: pip-settings.ts reads them. */
export type FileTool = Exclude<ConfigurableTool, "pip">;

/** An entry for the registry in a file or a variable. */
export interface IndexEntry {
    /** The registry's name there; undefined where it has none. */
    readonly name: string | undefined;
    readonly use: Use;
    readonly login: Partial<Login>;
}

/** A tool's file that exists, as far as it is about one registry. */
export interface PresentFile {
    readonly path: string;
    /** Absent for what pip reads. */
    readonly scope?: Scope;
    readonly entries: readonly IndexEntry[];
    /** Entries that the tool ignores because of other settings. */
    readonly ignored?: readonly IndexEntry[];
    /** Whether this is a variable, and `path` its name. */
    readonly isVariable?: boolean;
    /** Logins by the name of an index in other files, as poetry has them; of a .netrc, `default`. */
    readonly logins: ReadonlyMap<string, Partial<Login>>;
    /** The content of a TOML file. */
    readonly text?: string;
    /** Why the file cannot be read. */
    readonly error?: string;
}

/** Reads those of a tool's files that exist on this machine. */
export async function presentFiles(
    tool: FileTool,
    index: PythonIndex,
    system: System,
): Promise<PresentFile[]> {
    const found = new Map<string, { file: ClientPlace; uses: Set<Use> }>();
    for (const use of ["install", "publish"] as const) {
        for (const file of tools[tool].places[use]) {
            // A .netrc belongs to several tools and is checked on its own.
            if (tool !== "netrc" && formatOfFile(file) === "netrc") continue;
            const place = getPlace(file, system, tool);
            if ("problem" in place || !system.exists(place.path)) continue;
            const { uses } = found.get(place.path) ?? { uses: new Set() };
            found.set(place.path, { file, uses: uses.add(use) });
        }
    }
    return Promise.all(
        [...found].map(async ([path, { file, uses }]) => {
            const present = await readPresentFile(tool, path, file, index, system);
            return { ...present, entries: present.entries.filter(({ use }) => uses.has(use)) };
        }),
    );
}

async function readPresentFile(
    tool: FileTool,
    path: string,
    file: ClientPlace,
    index: PythonIndex,
    system: System,
): Promise<PresentFile> {
    const empty = { path, scope: file.scope, entries: [], logins: new Map<string, never>() };
    let text = "";
    try {
        text = decodeText(await readFile(path), system);
        switch (formatOfFile(file)) {
            case "netrc":
                return { ...empty, ...readNetrcEntries(text, index) };
            case "ini":
                return { ...empty, entries: readPypirc(text, index) };
            case "toml": {
                const whole = readToml(text);
                const settings =
                    file.path.linux === "pyproject.toml"
                        ? (descriptors[tool].projectTables ?? []).map(
                              (name) => asTable(asTable(whole["tool"])?.[name]) ?? {},
                          )
                        : [whole];
                return {
                    ...empty,
                    text,
                    entries: settings.flatMap((table) => readTomlEntries(table, index)),
                    logins: readPoetryLogins(whole),
                };
            }
        }
    } catch (error) {
        // Tools ignore a .netrc that Python refuses. That matters only if it has an entry for this host.
        if (tool === "netrc" && text !== "" && !text.includes(getHost(index))) return empty;
        return { ...empty, error: errorReason(error) };
    }
}

/** What an address of this registry is for, with the login in it; undefined for any other address. */
export function registryAddress(
    url: string,
    { indexUrl, uploadUrl }: PythonIndex,
): Omit<IndexEntry, "name"> | undefined {
    // A password may hold slashes where it was not percent-encoded, but no address of a registry holds an @.
    const [, scheme = "", userInfo, rest = ""] = /^(https?:\/\/)(?:(.*)@)?([^@]*)$/i.exec(url.trim()) ?? [];
    const address = withoutUserInfo(scheme + rest);
    const use =
        address === withoutUserInfo(indexUrl)
            ? "install"
            : address === withoutUserInfo(uploadUrl)
              ? "publish"
              : undefined;
    if (use === undefined) return undefined;
    if (userInfo === undefined) return { use, login: {} };
    const [username = "", password] = userInfo.split(/:(.*)/s);
    return {
        use,
        login: {
            username: percentDecoded(username),
            ...(password && { password: percentDecoded(password) }),
        },
    };
}

function percentDecoded(text: string): string {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}

function readPypirc(text: string, index: PythonIndex): IndexEntry[] {
    const sections = readIni(refuseByteOrderMark(text, "twine"));
    const servers = (sections.get("distutils")?.get("index-servers") ?? "").split(/\s+/);
    return [...sections].flatMap(([name, values]) => {
        const found = registryAddress(values.get("repository") ?? "", index);
        // twine does not see a section that the list does not name.
        if (found === undefined || !servers.includes(name)) return [];
        const login = presentLogin(values.get("username"), values.get("password"));
        return [{ name, use: found.use, login: { ...found.login, ...login } }];
    });
}

/** The host's own entry, and the login that Python uses for a host without one. */
function readNetrcEntries(text: string, index: PythonIndex): Pick<PresentFile, "entries" | "logins"> {
    const hosts = readNetrc(refuseByteOrderMark(text, "Python"));
    const loginFor = (host: string) => {
        const found = hosts.get(host);
        // pip's HTTP library sends the account where there is no login.
        return found && presentLogin(found.login || found.account, found.password);
    };
    const [own, fallback] = [loginFor(getHost(index)), loginFor("default")];
    return {
        entries: own === undefined ? [] : [{ name: undefined, use: "install", login: own }],
        logins: new Map(fallback === undefined ? [] : [["default", fallback]]),
    };
}

function getHost({ indexUrl }: PythonIndex): string {
    return new URL(indexUrl).hostname;
}

function readTomlEntries(value: Toml, index: PythonIndex, name?: string): IndexEntry[] {
    if (typeof value === "string") {
        // uv's variables, which hatch sets, have the name before the address.
        const [, givenName, url = value] = /^([\w.-]+)=(https?:.*)$/i.exec(value) ?? [];
        const found = registryAddress(url, index);
        return found === undefined ? [] : [{ name: givenName ?? name, ...found }];
    }
    if (Array.isArray(value)) {
        return (value as readonly Toml[]).flatMap((element) => readTomlEntries(element, index, name));
    }
    const table = asTable(value);
    if (table === undefined) return [];
    const ownName = asText(table["name"]) ?? name;
    const login = loginIn(table);
    return Object.entries(table).flatMap(([key, below]) =>
        // It names the registry, but is no source.
        key === "min-release-age-exclude-source"
            ? []
            : typeof below === "string"
              ? readTomlEntries(below, index, ownName).map((entry) => ({
                    ...entry,
                    login: { ...entry.login, ...login },
                }))
              : readTomlEntries(below, index, asTable(below) === undefined ? ownName : key),
    );
}

function readPoetryLogins(whole: TomlTable): Map<string, Partial<Login>> {
    return new Map(
        Object.entries(asTable(whole["http-basic"]) ?? {}).map(([name, value]) => [
            name,
            loginIn(asTable(value) ?? {}),
        ]),
    );
}

function loginIn(table: TomlTable): Partial<Login> {
    return presentLogin(
        asText(table["username"]) ?? asText(table["user"]),
        asText(table["password"]) ?? asText(table["auth"]),
    );
}

/** A login without the parts that are empty. */
function presentLogin(username: string | undefined, password: string | undefined): Partial<Login> {
    return { ...(username && { username }), ...(password && { password }) };
}

function asText(value: Toml | undefined): string | undefined {
    return typeof value === "string" ? value : undefined;
}
