import {
    accessToken,
    type Client,
    type ClientFile,
    failsOpen,
    joinLines,
    inEveryShell,
    isOnlyIndex,
    keyringCommand,
    keyringSetup,
    nonPypiName,
    projectPlace,
    type PythonIndex,
    tokenVariable,
    withEnvironment,
} from "./client";
import { asksForToken, type Credential, findLogin, tokenUsername } from "./credential";
import { netrcFile, netrcPlace } from "./netrc";
import type { ToolDefinition } from "./tool";
import { tomlKey, tomlString } from "./toml";

const place = projectPlace("Pipfile");

/** pipenv. It does not publish. */
export const pipenv = {
    client: pipenvClient,
    places: { install: [place, netrcPlace], publish: [] },
    guide: {
        heading: "Pipenv",
        safety: (index) =>
            isOnlyIndex(index)
                ? "asks only the registry, if it is the first source of the Pipfile and no package there names another one."
                : "takes what you install with `--index` only from the registry. What only a dependency asks for comes from PyPI: " +
                  "name it in the same `pipenv install --index`.",
        cooldown: () => `waits, with the Pipfile below and Pipenv 2026.7.0 or newer. ${failsOpen}`,
        notes: (index) => [
            "In a new project, run `pipenv install` first: it writes a Pipfile with PyPI as the first source. " +
                (isOnlyIndex(index)
                    ? "Replace it by this source: Pipenv asks the first one."
                    : "PyPI must stay the first; add this source after it."),
        ],
    },
    variables: (_index, { form }) =>
        form === "keyring" ? { forPip: { PIPENV_KEYRING_PROVIDER: "subprocess" } } : {},
} satisfies ToolDefinition;

/**
 * Files and commands for pipenv: a source in the Pipfile, after the source of PyPI, which stays the first. If this index is the only
 * one, it takes the place of PyPI, also its name, and everything comes from it. The source never contains a credential. A password is only in `.netrc`, or in no file. pipenv does not publish.
 *
 * pipenv asks only the first source for a package, unless the Pipfile assigns a source to the package, as
 * `pipenv install --index` does. So pipenv takes an internal package that the project names from this registry. But it takes a
 * transitive dependency with an internal name from PyPI, even if it is the package of an attacker. To prevent this, add the
 * dependency to the Pipfile with this source too, preferably in the same command: if you add a package alone, pipenv first
 * looks up its dependencies on PyPI, even if the Pipfile assigns another source to them. pipenv cannot assign a source to a
 * package without installing it, so `internalPackages` has no effect here. `pipenvPins` are for packages that a Pipfile lists.
 *
 * pipenv passes a user name in the URL to pip as a `.netrc` entry. So the URL has a user name only together with a password;
 * without a user name, pipenv's pip asks the keyring command.
 *
 * @see https://pipenv.pypa.io/en/latest/indexes.html
 * @see https://pipenv.pypa.io/en/latest/credentials.html
 */
export function pipenvClient(index: PythonIndex, credential: Credential): Client {
    const login = findLogin(credential);
    const fromEnvironment = asksForToken(credential);
    return {
        install: [
            pipfile(index, fromEnvironment ? `${tokenUsername}:\${${tokenVariable}}@` : ""),
            ...(login === undefined ? [] : [netrcFile(index, login)]),
        ],
        publish: [],
        commands: {
            setup: keyringSetup(credential, ...keyringCommand(index)),
            install: withEnvironment(
                fromEnvironment
                    ? { [tokenVariable]: accessToken }
                    : credential.form === "keyring"
                      ? // By default, pip never asks a keyring here, because pipenv runs it without input.
                        { PIPENV_KEYRING_PROVIDER: "subprocess" }
                      : {},
                `pipenv install --index ${sourceName(index)} PACKAGE`,
            ),
            publish: inEveryShell(),
        },
    };
}

/** Pins for one list of packages in a Pipfile: pipenv takes these packages only from the index. */
export function pipenvPins(
    { name }: Pick<PythonIndex, "name">,
    category: string,
    packages: readonly string[],
): string {
    const pin = `{ index = ${tomlString(nonPypiName(name))} }`;
    return joinLines(`[${tomlKey(category)}]`, ...packages.map((each) => `${tomlKey(each)} = ${pin}`));
}

/** The name of the index in a Pipfile. A new Pipfile has a source `pypi`, whose place the only index takes. */
function sourceName(index: Pick<PythonIndex, "name" | "publicPackages">): string {
    return isOnlyIndex(index) ? "pypi" : nonPypiName(index.name);
}

function pipfile(index: PythonIndex, userInfo: string): ClientFile {
    // Without the trailing slash, because pipenv adds one.
    const url = index.indexUrl.replace(/^https:\/\//, `https://${userInfo}`).replace(/\/$/, "");
    const source = `[[source]]\nname = ${tomlString(sourceName(index))}\nurl = ${tomlString(url)}\nverify_ssl = true\n`;
    // It cannot leave out an index. It does not hold back what has no time, such as the packages of this registry.
    const settings =
        index.cooldown === undefined ? "" : `\n[pipenv]\ncool-down-period = "${index.cooldown.days}d"\n`;
    return { ...place, text: source + settings };
}
