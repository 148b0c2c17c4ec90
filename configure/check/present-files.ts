import { readFile, stat } from "node:fs/promises";
import type { ClientFile, PythonIndex, Scope } from "../../src/clients/client";
import type { Credential, Login } from "../../src/clients/credential";
import { type Tool, tools } from "../../src/clients/tools";
import { readIni } from "../formats/ini";
import { readNetrc } from "../formats/netrc";
import { withoutUserInfo } from "../formats/merge";
import { reasonOf, withoutMark } from "../tools/pip-settings";
import { placeOf } from "../tools/places";
import type { System } from "../machine/system";
import { asTable, readToml, type Toml, type TomlTable } from "../formats/toml";

/** What a registry is used for. */
export type Use = "install" | "publish";

/** A place in a file where a registry is named. */
export interface Entry {
    /** What the file calls it; undefined where it has no name. */
    readonly name: string | undefined;
    readonly use: Use;
    readonly login: Partial<Login>;
}

/** A tool's file as far as it is about one registry. */
export interface PresentFile {
    readonly path: string;
    readonly scope: Scope;
    readonly entries: readonly Entry[];
    /** Logins that stand by themselves: poetry's by the registry's name in other files, and `default` of a .netrc. */
    readonly logins: ReadonlyMap<string, Partial<Login>>;
    /** What the file says, without a login; undefined unless it is TOML. */
    readonly settings: TomlTable | undefined;
    /** Why it cannot be read. */
    readonly problem?: string;
}

const everyForm: readonly Credential[] = [
    { form: "keyring" },
    { form: "token" },
    { form: "token", token: "placeholder" },
    { form: "key", keyBase64: "e30=" },
];

/** Reads those of a tool's files, at their places on this machine, that are there. */
export async function presentFiles(tool: Tool, index: PythonIndex, system: System): Promise<PresentFile[]> {
    const places = new Map<string, ClientFile>();
    for (const credential of everyForm) {
        const client = tools[tool](index, credential);
        for (const file of [...(client?.install ?? []), ...(client?.publish ?? [])]) {
            // A .netrc is every tool's and its own: it is looked at by itself.
            if (tool !== "netrc" && file.path.linux.endsWith("netrc")) continue;
            const place = placeOf(file, system);
            if ("path" in place && system.exists(place.path)) {
                places.set(place.path, file);
            }
        }
    }
    return Promise.all([...places].map(([path, file]) => readPresent(tool, path, file, index)));
}

async function readPresent(
    tool: Tool,
    path: string,
    { scope, path: { linux } }: ClientFile,
    index: PythonIndex,
): Promise<PresentFile> {
    const empty = {
        path,
        scope,
        entries: [],
        logins: new Map<string, Partial<Login>>(),
        settings: undefined,
    };
    let text = "";
    try {
        text = await readFile(path, "utf8");
        if (tool === "netrc") return { ...empty, ...fromNetrc(text, index) };
        if (tool === "twine") return { ...empty, entries: fromPypirc(text, index) };
        const whole = readToml(text);
        const settings = linux === "pyproject.toml" ? (asTable(asTable(whole["tool"])?.[tool]) ?? {}) : whole;
        return { ...empty, entries: fromToml(settings, index), logins: loginsIn(settings), settings };
    } catch (error) {
        // Without this host in it, a .netrc that Python refuses is no concern of ours: the tools go on without it.
        if (tool === "netrc" && text !== "" && !text.includes(hostOf(index))) return empty;
        return { ...empty, problem: reasonOf(error) };
    }
}

/** The permission bits of a file, links followed; undefined on a system without them, and without the file. */
export async function modeOf(path: string, { kind }: System): Promise<number | undefined> {
    if (kind === "windows") return undefined;
    return stat(path).then(
        ({ mode }) => mode & 0o777,
        () => undefined,
    );
}

/** What an address of this registry is for, with the login in it; undefined for any other address. */
export function ownAddress(
    url: string,
    { indexUrl, uploadUrl }: PythonIndex,
): Omit<Entry, "name"> | undefined {
    // A password may hold slashes where it was not percent-encoded, but no address of ours holds an @.
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
            username: decoded(username),
            ...(password !== undefined && password !== "" && { password: decoded(password) }),
        },
    };
}

function decoded(text: string): string {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}

function fromPypirc(text: string, index: PythonIndex): Entry[] {
    const sections = readIni(withoutMark(text, "twine"));
    const servers = (sections.get("distutils")?.get("index-servers") ?? "").split(/\s+/);
    return [...sections].flatMap(([name, entries]) => {
        const found = ownAddress(entries.get("repository") ?? "", index);
        // twine does not see a section that the list does not name.
        if (found === undefined || !servers.includes(name)) return [];
        return [{ name, use: found.use, login: { ...found.login, ...loginOf(entries.get.bind(entries)) } }];
    });
}

/** The host's own entry, and the login that Python takes for a host without one. */
function fromNetrc(text: string, index: PythonIndex): Pick<PresentFile, "entries" | "logins"> {
    const hosts = readNetrc(withoutMark(text, "Python"));
    const loginFor = (host: string): Partial<Login> | undefined => {
        const found = hosts.get(host);
        // pip's HTTP library sends the account where there is no login.
        return found && withoutEmpty({ username: found.login || found.account, password: found.password });
    };
    const own = loginFor(hostOf(index));
    const fallback = loginFor("default");
    return {
        entries: own === undefined ? [] : [{ name: undefined, use: "install", login: own }],
        logins: new Map(fallback === undefined ? [] : [["default", fallback]]),
    };
}

function hostOf({ indexUrl }: PythonIndex): string {
    return new URL(indexUrl).hostname;
}

function fromToml(value: Toml, index: PythonIndex, name?: string): Entry[] {
    if (typeof value === "string") {
        // uv's variables, which hatch sets, have the name before the address.
        const [, called, url = value] = /^([\w.-]+)=(https?:.*)$/i.exec(value) ?? [];
        const found = ownAddress(url, index);
        return found === undefined ? [] : [{ name: called ?? name, ...found }];
    }
    if (Array.isArray(value)) {
        return (value as readonly Toml[]).flatMap((element) => fromToml(element, index, name));
    }
    const own = asTable(value);
    if (own === undefined) return [];
    const called = text(own["name"]) ?? name;
    const login = loginOf((key) => text(own[key]));
    return Object.entries(own).flatMap(([key, below]) =>
        typeof below === "string"
            ? fromToml(below, index, called).map((entry) => ({
                  ...entry,
                  login: { ...entry.login, ...login },
              }))
            : fromToml(below, index, asTable(below) === undefined ? called : key),
    );
}

/** Whether settings have, anywhere, a key with this value. */
export function says(value: Toml | undefined, key: string, wanted: string): boolean {
    if (Array.isArray(value)) return value.some((element: Toml) => says(element, key, wanted));
    const entries = Object.entries(asTable(value) ?? {});
    return entries.some(([name, below]) => (name === key && below === wanted) || says(below, key, wanted));
}

/** poetry's logins. */
function loginsIn(settings: TomlTable): Map<string, Partial<Login>> {
    return new Map(
        Object.entries(asTable(settings["http-basic"]) ?? {}).map(([name, value]) => [
            name,
            loginOf((key) => text(asTable(value)?.[key])),
        ]),
    );
}

function loginOf(value: (key: string) => string | undefined): Partial<Login> {
    return withoutEmpty({
        username: value("username") ?? value("user"),
        password: value("password") ?? value("auth"),
    });
}

function withoutEmpty({ username, password }: { [key in keyof Login]: string | undefined }): Partial<Login> {
    return {
        ...(username !== undefined && username !== "" && { username }),
        ...(password !== undefined && password !== "" && { password }),
    };
}

function text(value: Toml | undefined): string | undefined {
    return typeof value === "string" ? value : undefined;
}
