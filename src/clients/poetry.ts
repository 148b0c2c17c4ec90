import {
    accessToken,
    type Client,
    type ClientFile,
    everywhere,
    inEveryShell,
    inVariable,
    keyringBackend,
    notPypi,
    type Path,
    type PythonIndex,
    withEnvironment,
} from "./client";
import { type Credential, loginOf, tokenUsername } from "./credential";
import { tomlKey, tomlString } from "./toml";

/**
 * poetry: two sources for pyproject.toml, which hold no credential in any form and are the same in all; a repository in
 * poetry's own config.toml, to publish to; and auth.toml, where the form has a password. Without the token, user name and
 * password come by `POETRY_HTTP_BASIC_NAME_USERNAME` and `_PASSWORD`. The keyring is poetry's own: it needs no user name.
 *
 * This index is the primary source and PyPI a supplemental one, which poetry asks only where this index has no version
 * that fits: so a public package of an internal name stays out, whoever depends on it, and no list of names is needed.
 * poetry knows no pin beside a dependency (`acme-core = { source = … }`): for a name that the project does not depend on,
 * such an entry would be ignored, or make it a dependency, and `poetry add` would take the name for added already.
 *
 * A refused login is to poetry as if the index did not have the name. So the install command adds the package with its
 * source, and then that package never comes from anywhere else; one added without it comes from PyPI, should somebody
 * have published it there, until the login works again. The keyring backend ends poetry when it finds no login.
 *
 * @throws RangeError if the name has other characters than `a-z`, `0-9` and `-`, or an address cannot stand in a TOML file
 * @see https://python-poetry.org/docs/repositories/
 */
export function poetryClient(index: PythonIndex, credential: Credential): Client {
    const name = sourceName(index.name);
    const login = loginOf(credential);
    const auth: ClientFile[] =
        login === undefined
            ? []
            : [
                  {
                      scope: "user",
                      path: ownFile("auth.toml"),
                      text: lines(
                          `[http-basic.${name}]`,
                          `username = ${tomlString(login.username)}`,
                          `password = ${tomlString(login.password)}`,
                      ),
                  },
              ];
    const variable = `POETRY_HTTP_BASIC_${inVariable(name)}`;
    const environment: Record<string, string> =
        credential.form === "token" && login === undefined
            ? { [`${variable}_USERNAME`]: tokenUsername, [`${variable}_PASSWORD`]: accessToken }
            : {};
    return {
        install: [
            {
                scope: "project",
                path: everywhere("pyproject.toml"),
                text: lines(
                    "[[tool.poetry.source]]",
                    `name = ${tomlString(name)}`,
                    `url = ${tomlString(index.indexUrl)}`,
                    'priority = "primary"',
                    "",
                    "[[tool.poetry.source]]",
                    'name = "PyPI"',
                    'priority = "supplemental"',
                ),
            },
            ...auth,
        ],
        publish: [
            {
                scope: "user",
                path: ownFile("config.toml"),
                text: lines(`[repositories.${name}]`, `url = ${tomlString(index.uploadUrl)}`),
            },
            ...auth,
        ],
        commands: {
            setup: inEveryShell(
                ...(credential.form === "keyring" ? [`poetry self add ${keyringBackend}`] : []),
            ),
            install: withEnvironment(environment, `poetry add --source ${name} PACKAGE`),
            publish: withEnvironment(environment, `poetry publish -r ${name}`),
        },
    };
}

/**
 * Pins for pyproject.toml: these packages come from the index and from nowhere else, even while it refuses the login.
 * Only for names that the project itself depends on: others poetry ignores, or installs.
 */
export function poetryPins(index: Pick<PythonIndex, "name">, packages: readonly string[]): string {
    const source = tomlString(sourceName(index.name));
    return lines(
        "[tool.poetry.dependencies]",
        ...packages.map((name) => `${tomlKey(name)} = { source = ${source} }`),
    );
}

/** What poetry calls the index, in tables, variables and commands. `pypi` in any case is PyPI itself to poetry. */
function sourceName(name: string): string {
    if (!/^[a-z0-9-]+$/.test(name)) {
        throw new RangeError("poetry cannot call an index this: a name has a-z, 0-9 and - only");
    }
    return notPypi(name);
}

/** A file in poetry's own configuration directory. https://python-poetry.org/docs/configuration/ */
function ownFile(file: string): Path {
    return {
        linux: `~/.config/pypoetry/${file}`,
        macos: `~/Library/Application Support/pypoetry/${file}`,
        windows: `%APPDATA%\\pypoetry\\${file}`,
    };
}

function lines(...text: string[]): string {
    return text.map((line) => `${line}\n`).join("");
}
