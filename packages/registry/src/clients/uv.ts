import {
    accessToken,
    type Client,
    type ClientFile,
    type ClientPlace,
    everywhere,
    isOnlyIndex,
    joinLines,
    inVariable,
    keyringBackend,
    keyringSetup,
    projectPlace,
    type PythonIndex,
    withToken,
} from "./client";
import { type Credential, findLogin, tokenUsername, getUsername, withUserInfo } from "./credential";
import type { ToolDefinition } from "./tool";
import { tomlArray, tomlKey, tomlString } from "./toml";

const uvTomlPlace: ClientPlace = {
    scope: "user",
    path: everywhere("~/.config/uv/uv.toml", "%APPDATA%\\uv\\uv.toml"),
};
const pyprojectPlace = projectPlace("pyproject.toml");
const places = [uvTomlPlace, pyprojectPlace];

/** uv, 0.8 or newer. */
export const uv = {
    client: uvClient,
    places: { install: places, publish: places },
    guide: {
        heading: "uv",
        safety: (index) =>
            isOnlyIndex(index)
                ? "asks only the registry, if no file and no variable of uv names another index."
                : "takes names that the registry has only from the registry, unless another index comes before it" +
                  (exactNames(index).length === 0
                      ? "."
                      : "; in a project with the pins below, also the exact names of `internalPackages` that the registry does not have.") +
                  " Any other name can come from PyPI, also one that only a prefix covers. `uv pip` and `uv tool` ignore pins and " +
                  "know only the order of indexes in uv.toml.",
        cooldown: () =>
            "waits, with the files below and uv 0.11.5 or newer. **Before 0.9.17, uv only warns of the project's file, and ignores all settings in " +
            "it, this registry too.** In a project, use pyproject.toml: uv writes the cooldown into uv.lock, and `uv sync --locked` fails where it " +
            "is not set. uv takes nothing from another index that does not say when a file was uploaded: to a private one, add " +
            "`exclude-newer = false`.",
        notes: (index) => [
            `You need uv ${index.cooldown === undefined ? "0.8" : "0.11.5"} or newer, and one of the two files: uv.toml for everything you do, or pyproject.toml for ` +
                "everyone who works on the project." +
                (exactNames(index).length === 0
                    ? ""
                    : " Only pyproject.toml has pins (`constraint-dependencies`, `[tool.uv.sources]`). Leave the project's own " +
                      "name and the members of its workspace out of them: uv refuses those."),
        ],
        build: () => "`uv build`",
    },
    variables: (index, { form, username }) => ({
        settings: {
            ...(form === "keyring" && { UV_KEYRING_PROVIDER: "subprocess" }),
            [isOnlyIndex(index) ? "UV_DEFAULT_INDEX" : "UV_INDEX"]: `${index.name}=${index.indexUrl}`,
            [`UV_INDEX_${inVariable(index.name)}_USERNAME`]: username,
            UV_PUBLISH_URL: index.uploadUrl,
            UV_PUBLISH_USERNAME: username,
        },
        secrets: ({ password }) => ({
            [`UV_INDEX_${inVariable(index.name)}_PASSWORD`]: password,
            UV_PUBLISH_PASSWORD: password,
        }),
    }),
} satisfies ToolDefinition;

/**
 * Files and commands for uv 0.8 or newer: an index that uv asks before PyPI, or in the place of PyPI, in the user's uv.toml or in the project's
 * pyproject.toml. The project's file never contains a credential. If there is a key or a token, it is in uv.toml, and uv also
 * uses it for the index in the project. If the token is not given, the commands set it in `UV_INDEX_…` variables.
 *
 * If the index has a package, direct or transitive, uv takes it only from there, as long as no other index comes before it and
 * uv's setting `index-strategy` has its default. If the index answers 404, uv takes the package
 * from PyPI. Every other error of the index ends the run. In addition, the project pins each exact internal name to the index:
 * if the index does not have it, it is missing, and uv never takes it from PyPI. The pins have limits: a prefix has no pin,
 * uv.toml has no pins, and `uv pip`, `uv tool` and `uv run --with` ignore the pins of a project.
 *
 * In the place of PyPI, the index needs no pins: there is no other one.
 *
 * uv refuses a pin for the project's own name and for members of its workspace. Don't list these in `internalPackages`. A pin
 * excludes versions below 0, such as 0.0.0.dev1.
 *
 * @throws RangeError if uv does not accept the name of the index, or if a value cannot be written to a TOML file
 * @see https://docs.astral.sh/uv/concepts/indexes/
 */
export function uvClient(index: PythonIndex, credential: Credential): Client {
    const { name } = index;
    if (!/^\w[\w.-]*$/.test(name)) {
        throw new RangeError(
            "uv does not accept this index name: use only letters, digits, _, - and ., and don't start with - or .",
        );
    }
    const variable = `UV_INDEX_${inVariable(name)}`;
    const variables = { [`${variable}_USERNAME`]: tokenUsername, [`${variable}_PASSWORD`]: accessToken };
    // uv takes the password from the keyring or from the index, but prompts for a user name if the command doesn't set it.
    const publish = `uv publish --index ${name} --username ${getUsername(credential)}`;
    const files = [uvToml(index, credential), pyproject(index, credential)];
    return {
        install: files,
        publish: files,
        commands: {
            // Without --no-config, uv would ask the index in uv.toml for the keyring package, and so need the keyring.
            setup: keyringSetup(credential, `uv tool install --no-config keyring --with ${keyringBackend}`),
            install: withToken(credential, variables, "uv add PACKAGE"),
            publish: withToken(credential, variables, publish),
        },
    };
}

function uvToml(index: PythonIndex, credential: Credential): ClientFile {
    const login = findLogin(credential);
    // The upload URL has no credential, because uv does not decode percent-encoded characters there.
    const url = login === undefined ? index.indexUrl : withUserInfo(index.indexUrl, login);
    return {
        ...uvTomlPlace,
        text: tables(
            [...keyringProvider(credential), ...excludeNewer(index)],
            ["[[index]]", ...indexKeys(index, url)],
        ),
    };
}

function pyproject(index: PythonIndex, credential: Credential): ClientFile {
    const exact = exactNames(index);
    const settings = [
        ...keyringProvider(credential),
        ...excludeNewer(index),
        // A source applies only to the project's own dependencies. A constraint extends it to transitive dependencies, but only
        // if the constraint has a version.
        ...(exact.length === 0
            ? []
            : [`constraint-dependencies = ${tomlArray(exact.map((name) => `${name}>=0`))}`]),
    ];
    const sources = exact.map((name) => `${tomlKey(name)} = { index = ${tomlString(index.name)} }`);
    const text = tables(
        settings.length === 0 ? [] : ["[tool.uv]", ...settings],
        ["[[tool.uv.index]]", ...indexKeys(index, index.indexUrl)],
        sources.length === 0 ? [] : ["[tool.uv.sources]", ...sources],
    );
    return { ...pyprojectPlace, text };
}

function keyringProvider({ form }: Credential): string[] {
    return form === "keyring" ? ['keyring-provider = "subprocess"'] : [];
}

/**
 * Of every index but ours, uv takes only what is old enough, and nothing without a time.
 *
 * @see https://docs.astral.sh/uv/concepts/resolution/#dependency-cooldowns
 */
function excludeNewer({ cooldown }: PythonIndex): string[] {
    return cooldown === undefined ? [] : [`exclude-newer = ${tomlString(`${cooldown.days} days`)}`];
}

function indexKeys(index: PythonIndex, url: string): string[] {
    return [
        `name = ${tomlString(index.name)}`,
        `url = ${tomlString(url)}`,
        `publish-url = ${tomlString(index.uploadUrl)}`,
        // Then uv does not ask PyPI.
        ...(isOnlyIndex(index) ? ["default = true"] : []),
        // Otherwise, uv first tries without a credential, and does not ask the keyring if the URL has no user name.
        'authenticate = "always"',
        // Artifact Registry says no times: uv would refuse everything.
        ...(index.cooldown === undefined ? [] : ["exclude-newer = false"]),
    ];
}

/** TOML tables, each given as its lines, with blank lines between them. Empty tables are left out. */
function tables(...parts: readonly (readonly string[])[]): string {
    return parts
        .filter((lines) => lines.length > 0)
        .map((lines) => joinLines(...lines))
        .join("\n");
}

/** Names without prefixes: those that uv can pin. With one index only, there is nothing to pin. */
function exactNames(index: PythonIndex): string[] {
    return isOnlyIndex(index) ? [] : index.internalPackages.filter((name) => !name.endsWith("*"));
}
