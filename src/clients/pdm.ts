import {
    accessToken,
    type Client,
    everywhere,
    inEveryShell,
    keyringBackend,
    type Path,
    type PythonIndex,
    tokenVariable,
    withEnvironment,
} from "./client";
import { type Credential, loginOf, tokenUsername, withUserInfo } from "./credential";
import { tomlArray, tomlString } from "./toml";

/** pdm's own configuration: where platformdirs puts it. `PDM_CONFIG_FILE` overrides. */
const configuration: Path = {
    linux: "~/.config/pdm/config.toml",
    macos: "~/Library/Application Support/pdm/config.toml",
    windows: "%LOCALAPPDATA%\\pdm\\pdm\\config.toml",
};

/**
 * pdm: a source beside PyPI, in the person's own configuration or in the project, and a repository to publish to. The
 * project's part has no credential: with a key or a token at hand, the source of the same name in the person's
 * configuration has it. Without the token, both have a URL in which pdm expands `ARTIFACT_REGISTRY_TOKEN`; such a project
 * is also for those whose configuration has another form, while one without the variable is not for the variable.
 *
 * Internal names come from this index only, whatever PyPI has of that name, asked for directly or as a dependency, and
 * are missing where it does not give them; all others come from wherever the highest version is. But where pdm's setting
 * `use_uv` is on, pdm hands its sources to uv without these names: the highest version wins then.
 *
 * @throws RangeError if the name has other characters than `a-z`, `0-9` and `-`, or an address cannot stand in a TOML file
 * @see https://pdm-project.org/latest/usage/config/#configure-the-package-indexes
 */
export function pdmClient(index: PythonIndex, credential: Credential): Client {
    const name = sourceName(index.name);
    const login = loginOf(credential);
    const fromEnvironment = credential.form === "token" && login === undefined;
    const credentials = [
        `username = ${tomlString(login?.username ?? tokenUsername)}\n`,
        ...(login === undefined ? [] : [`password = ${tomlString(login.password)}\n`]),
    ].join("");
    const url = fromEnvironment
        ? withUserInfo(index.indexUrl, { username: tokenUsername }).replace("@", `:\${${tokenVariable}}@`)
        : index.indexUrl;
    const packages =
        index.internalPackages.length === 0
            ? ""
            : `include_packages = ${tomlArray(index.internalPackages)}\n`;
    return {
        install: [
            {
                scope: "user",
                path: configuration,
                text:
                    `[pypi.${name}]\nurl = ${tomlString(url)}\n` +
                    // With a user name, pdm tries the keyring also in a project whose URL has the variable, but unset.
                    (fromEnvironment ? "" : credentials) +
                    packages,
            },
            {
                scope: "project",
                path: everywhere("pyproject.toml"),
                text: `[[tool.pdm.source]]\nname = ${tomlString(name)}\nurl = ${tomlString(url)}\n${packages}`,
            },
        ],
        publish: [
            {
                scope: "user",
                path: configuration,
                text: `[repository.${name}]\nurl = ${tomlString(index.uploadUrl)}\n${credentials}`,
            },
        ],
        commands: {
            setup:
                credential.form === "keyring"
                    ? // In pdm's own environment: a keyring that is only on PATH gives the user name since keyring 25.2.
                      inEveryShell(`pdm self add keyring ${keyringBackend}`)
                    : inEveryShell(),
            install: withEnvironment(
                fromEnvironment ? { [tokenVariable]: accessToken } : {},
                "pdm add PACKAGE",
            ),
            publish: withEnvironment(
                fromEnvironment ? { PDM_PUBLISH_PASSWORD: accessToken } : {},
                `pdm publish --no-build --repository ${name}`,
            ),
        },
    };
}

/**
 * What pdm calls the index. A dot would end the name, `pypi` would take PyPI's place, and `[pypi.url]` and its like are
 * settings of PyPI.
 */
function sourceName(name: string): string {
    if (!/^[a-z0-9-]+$/.test(name)) {
        throw new RangeError("pdm cannot call an index this: a name has a-z, 0-9 and - only");
    }
    return ["pypi", "url", "username", "password"].includes(name) ? `private-${name}` : name;
}
