import {
    accessToken,
    type Client,
    type ClientFile,
    type ClientPlace,
    failsOpen,
    isOnlyIndex,
    joinLines,
    inVariable,
    keyringBackend,
    keyringSetup,
    nonPypiName,
    plainName,
    projectPlace,
    type PythonIndex,
    withToken,
} from "./client";
import { type Credential, findLogin, tokenUsername } from "./credential";
import type { ToolDefinition } from "./tool";
import { tomlArray, tomlKey, tomlString } from "./toml";

const pyproject = projectPlace("pyproject.toml");
const config: ClientPlace = { ...configurationPlace("config.toml"), isPublic: true };
/** poetry's settings for one project. They win over those of the user. */
const projectConfig = projectPlace("poetry.toml");
const authPlace = configurationPlace("auth.toml");

/** poetry. */
export const poetry = {
    client: poetryClient,
    places: {
        install: [pyproject, config, projectConfig, authPlace],
        publish: [config, projectConfig, authPlace],
    },
    guide: {
        heading: "Poetry",
        safety: (index) =>
            isOnlyIndex(index)
                ? "asks only the registry, if the project has no other source."
                : "takes a name from the registry if the registry has a version that fits, and from PyPI if not. This needs " +
                  '`priority = "supplemental"` in every other source: of several primary sources, the highest version wins. While ' +
                  "the registry refuses the login (an expired token), every dependency without a source can come from PyPI. What " +
                  "you add with `poetry add --source` always comes from the registry.",
        cooldown: () =>
            "waits, with config.toml (for everything you do) or poetry.toml (for everyone who works on the project) as below, and Poetry 2.4 or " +
            `newer. ${failsOpen}`,
        build: () => "`poetry build`",
    },
    variables: ({ name, uploadUrl }, { form, username }) => {
        const variableName = inVariable(nonPypiName(name));
        return {
            settings: {
                [`POETRY_REPOSITORIES_${variableName}_URL`]: uploadUrl,
                ...(form !== "keyring" && { [`POETRY_HTTP_BASIC_${variableName}_USERNAME`]: username }),
            },
            secrets: ({ password }) => ({ [`POETRY_HTTP_BASIC_${variableName}_PASSWORD`]: password }),
        };
    },
} satisfies ToolDefinition;

/**
 * Files and commands for poetry:
 *
 * - two sources in pyproject.toml, which never contain a credential and are the same in all forms; without PyPI, only one
 * - a repository to publish to, in poetry's own config.toml
 * - the same with the cooldown, in config.toml and in the project's poetry.toml, if there is a cooldown
 * - auth.toml, if the form has a password
 *
 * If the token is not given, the commands set the user name and the password in `POETRY_HTTP_BASIC_NAME_USERNAME` and
 * `_PASSWORD`. The keyring is a plugin of poetry itself and needs no user name.
 *
 * This index is the primary source. poetry then leaves PyPI out, unless it is a source too. Here it is a supplemental source, unless
 * this index is the only one. poetry asks PyPI only if this index has no version that
 * fits. So a public package with an internal name is not installed, no matter which package depends on it, and no list of
 * internal names is needed. This assumes that the project has no other primary source, such as a mirror of PyPI without a
 * priority: of several primary sources, poetry takes the highest version. poetry can pin a source only as part of a dependency (`acme-core = { source = … }`). For a name
 * that the project does not depend on, poetry ignores such an entry or makes the name a dependency, and `poetry add` assumes
 * that the name is already added.
 *
 * If the index refuses the login, poetry continues as if the index did not have the package. So the install command adds the
 * package with its source: then poetry never takes this package from elsewhere. Without the source, poetry takes the package
 * from PyPI until the login works again, if someone has published that name there. If the keyring backend finds no login, it
 * ends poetry.
 *
 * @throws RangeError if the name has characters other than `a-z`, `0-9` and `-`, or a value cannot be written to a TOML file
 * @see https://python-poetry.org/docs/repositories/
 */
export function poetryClient(index: PythonIndex, credential: Credential): Client {
    const name = sourceName(index.name);
    const login = findLogin(credential);
    const auth = login && {
        ...authPlace,
        text: joinLines(
            `[http-basic.${name}]`,
            `username = ${tomlString(login.username)}`,
            `password = ${tomlString(login.password)}`,
        ),
    };
    const settings = joinLines(
        `[repositories.${name}]`,
        `url = ${tomlString(index.uploadUrl)}`,
        ...minReleaseAge(index),
    );
    const settingsFiles: ClientFile[] =
        index.cooldown === undefined
            ? []
            : [config, projectConfig].map((place) => ({ ...place, text: settings }));
    const variable = `POETRY_HTTP_BASIC_${inVariable(name)}`;
    const variables = { [`${variable}_USERNAME`]: tokenUsername, [`${variable}_PASSWORD`]: accessToken };
    return {
        install: [
            {
                ...pyproject,
                text: joinLines(
                    "[[tool.poetry.source]]",
                    `name = ${tomlString(name)}`,
                    `url = ${tomlString(index.indexUrl)}`,
                    'priority = "primary"',
                    ...(isOnlyIndex(index)
                        ? []
                        : ["", "[[tool.poetry.source]]", 'name = "PyPI"', 'priority = "supplemental"']),
                ),
            },
            ...settingsFiles,
            ...(auth ? [auth] : []),
        ],
        publish: [
            ...(settingsFiles.length > 0 ? settingsFiles : [{ ...config, text: settings }]),
            ...(auth ? [auth] : []),
        ],
        commands: {
            setup: keyringSetup(credential, `poetry self add ${keyringBackend}`),
            install: withToken(credential, variables, `poetry add --source ${name} PACKAGE`),
            publish: withToken(credential, variables, `poetry publish -r ${name}`),
        },
    };
}

/**
 * Pins for one table of dependencies in pyproject.toml: poetry takes these packages only from the index, even while the index
 * refuses the login. Use them only for dependencies that the project declares there: poetry ignores or installs all other names.
 *
 * @param table below `[tool.poetry]`, as in `["group", "dev", "dependencies"]`
 * @param optional those of the packages that only an extra needs
 */
export function poetryPins(
    index: Pick<PythonIndex, "name">,
    table: readonly string[],
    packages: readonly string[],
    optional: readonly string[] = [],
): string {
    const source = tomlString(sourceName(index.name));
    return joinLines(
        `[${["tool", "poetry", ...table].map(tomlKey).join(".")}]`,
        ...packages.map((name) => {
            // poetry accepts `optional` only with a version.
            const [version, extra] = optional.includes(name)
                ? ['version = "*", ', ", optional = true"]
                : ["", ""];
            return `${tomlKey(name)} = { ${version}source = ${source}${extra} }`;
        }),
    );
}

/**
 * The registry is left out by its URL, because a project can give it another name.
 *
 * @see https://python-poetry.org/docs/configuration/#solvermin-release-age
 */
function minReleaseAge({ cooldown, indexUrl }: PythonIndex): string[] {
    return cooldown === undefined
        ? []
        : [
              "",
              "[solver]",
              `min-release-age = ${cooldown.days}`,
              `min-release-age-exclude-source = ${tomlArray([indexUrl])}`,
          ];
}

/** The name of the index in poetry's tables, variables and commands. poetry reserves `pypi`, in any case, for PyPI. */
function sourceName(name: string): string {
    return plainName(name, "poetry does not accept this index name", ["pypi"]);
}

/**
 * A file in poetry's own configuration directory.
 *
 * @see https://python-poetry.org/docs/configuration/
 */
function configurationPlace(file: string): ClientPlace {
    const path = {
        linux: `~/.config/pypoetry/${file}`,
        macos: `~/Library/Application Support/pypoetry/${file}`,
        windows: `%APPDATA%\\pypoetry\\${file}`,
    };
    return { scope: "user", path };
}
