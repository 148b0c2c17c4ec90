import {
    accessToken,
    type Client,
    type ClientFile,
    everywhere,
    inEveryShell,
    inVariable,
    keyringBackend,
    type PythonIndex,
    withEnvironment,
} from "./client";
import { type Credential, keyUsername, loginOf, tokenUsername, withUserInfo } from "./credential";
import { tomlArray, tomlKey, tomlString } from "./toml";

/**
 * uv: an index that is asked before PyPI, in the person's uv.toml or in the project's pyproject.toml. The project's part
 * has no credential: with a key or a token at hand, uv takes the one in uv.toml for it, and without the token, the
 * commands give it by `UV_INDEX_…`. Needs uv 0.8 or newer.
 *
 * A name that the index has is taken from there only, asked for directly or as a dependency; what it answers 404 for
 * comes from PyPI, and any other refusal ends the run. A project pins exact internal names as well, so that one which
 * the index has not is missing and never PyPI's. Prefixes have no pins, uv.toml has none, and `uv pip`, `uv tool` and
 * `uv run --with` do not keep to a project's.
 *
 * uv refuses pins to a project's own name and to members of its workspace: leave those out of `internalPackages`. A pin
 * leaves out versions below 0, such as 0.0.0.dev1.
 *
 * @throws RangeError for an index name that uv would refuse, and for what no TOML file can hold
 * @see https://docs.astral.sh/uv/concepts/indexes/
 */
export function uvClient(index: PythonIndex, credential: Credential): Client {
    const { name } = index;
    if (!/^\w[\w.-]*$/.test(name)) {
        throw new RangeError("this name cannot be an index's in uv");
    }
    const login = loginOf(credential);
    const variable = `UV_INDEX_${inVariable(name)}`;
    const environment: Record<string, string> =
        credential.form === "token" && login === undefined
            ? { [`${variable}_USERNAME`]: tokenUsername, [`${variable}_PASSWORD`]: accessToken }
            : {};
    // uv takes the password from the keyring or from the index, but asks for a user name where nothing says it.
    const username = credential.form === "key" ? keyUsername : tokenUsername;
    const files = [userFile(index, credential), projectFile(index, credential)];
    return {
        install: files,
        publish: files,
        commands: {
            setup:
                credential.form === "keyring"
                    ? // With uv.toml in place, uv would ask the index for keyring too, for which it needs keyring.
                      inEveryShell(`uv tool install --no-config keyring --with ${keyringBackend}`)
                    : inEveryShell(),
            install: withEnvironment(environment, "uv add PACKAGE"),
            publish: withEnvironment(environment, `uv publish --index ${name} --username ${username}`),
        },
    };
}

function userFile(index: PythonIndex, credential: Credential): ClientFile {
    const login = loginOf(credential);
    // Not in the upload address: uv would not decode what is percent-encoded there.
    const url = login === undefined ? index.indexUrl : withUserInfo(index.indexUrl, login);
    return {
        scope: "user",
        path: { ...everywhere("~/.config/uv/uv.toml"), windows: "%APPDATA%\\uv\\uv.toml" },
        text: tables(keyringProvider(credential), ["[[index]]", ...indexKeys(index, url)]),
    };
}

function projectFile(index: PythonIndex, credential: Credential): ClientFile {
    const exact = index.internalPackages.filter((name) => !name.endsWith("*"));
    const settings = [
        ...keyringProvider(credential),
        // A source counts for what the project itself asks for, and a constraint takes it to the dependencies of its
        // dependencies: but only one that asks for a version.
        ...(exact.length === 0
            ? []
            : [`constraint-dependencies = ${tomlArray(exact.map((name) => `${name}>=0`))}`]),
    ];
    const sources = exact.map((name) => `${tomlKey(name)} = { index = ${tomlString(index.name)} }`);
    return {
        scope: "project",
        path: everywhere("pyproject.toml"),
        text: tables(
            settings.length === 0 ? [] : ["[tool.uv]", ...settings],
            ["[[tool.uv.index]]", ...indexKeys(index, index.indexUrl)],
            sources.length === 0 ? [] : ["[tool.uv.sources]", ...sources],
        ),
    };
}

function keyringProvider({ form }: Credential): string[] {
    return form === "keyring" ? ['keyring-provider = "subprocess"'] : [];
}

function indexKeys({ name, uploadUrl }: PythonIndex, url: string): string[] {
    return [
        `name = ${tomlString(name)}`,
        `url = ${tomlString(url)}`,
        `publish-url = ${tomlString(uploadUrl)}`,
        // uv asks no keyring otherwise, where the address has no user name, and tries without a credential first.
        'authenticate = "always"',
    ];
}

/** Lines of each table that has some, a blank line between tables. */
function tables(...parts: readonly (readonly string[])[]): string {
    return parts
        .filter((lines) => lines.length > 0)
        .map((lines) => lines.map((line) => `${line}\n`).join(""))
        .join("\n");
}
