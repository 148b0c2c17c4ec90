import {
    accessToken,
    type Client,
    type ClientPlace,
    fromPypi,
    isOnlyIndex,
    joinLines,
    keyringBackend,
    keyringSetup,
    type Path,
    plainName,
    projectPlace,
    type PythonIndex,
    tokenVariable,
    withToken,
} from "./client";
import { asksForToken, type Credential, findLogin, getUsername, withUserInfo } from "./credential";
import type { ToolDefinition } from "./tool";
import { tomlArray, tomlKey, tomlString } from "./toml";

/**
 * Names that pdm does not use for an index: `pypi` would replace PyPI. `[pypi.url]`, `[pypi.username]` and `[pypi.password]` are
 * settings of PyPI.
 */
const reserved = ["pypi", "url", "username", "password"];

/** The path of pdm's own configuration, as the platformdirs library defines it. `PDM_CONFIG_FILE` overrides it. */
export const pdmConfiguration: Path = {
    linux: "~/.config/pdm/config.toml",
    macos: "~/Library/Application Support/pdm/config.toml",
    windows: "%LOCALAPPDATA%\\pdm\\pdm\\config.toml",
};

const config: ClientPlace = { scope: "user", path: pdmConfiguration };
const pyproject = projectPlace("pyproject.toml");

/** pdm. */
export const pdm = {
    client: pdmClient,
    places: { install: [config, pyproject], publish: [config] },
    guide: {
        heading: "PDM",
        safety: (index) =>
            isOnlyIndex(index)
                ? "asks only the registry, if no other source is in its files."
                : index.internalPackages.length === 0
                  ? "protects no name yet: it installs the highest version of any index."
                  : "takes the names and prefixes of `internalPackages` only from the registry, if no other source has them in " +
                    "`include_packages`. Of any other name, it installs the highest version of any index. With PDM's setting `use_uv`, every name can come from PyPI.",
        cooldown: (index) =>
            canWait(index)
                ? "waits, with the pyproject.toml below and PDM 2.29.1 or newer. Of this registry, it then finds only the names of " +
                  "`internalPackages`: ask the platform engineers to list every package."
                : "is **not protected**: PDM can take a new version from this registry only by the exact name of the package. Ask the platform " +
                  "engineers to list every package in `internalPackages`, without prefixes.",
        notes: () => [
            "To install, one of the two files is enough; to publish, you need config.toml. If some people in a project use a " +
                "token, use the `url` for a token (see below) in its pyproject.toml: with config.toml as here, it works with a " +
                "keyring too.",
        ],
        build: () => "`pdm build`",
    },
    variables: ({ uploadUrl }, { username }) => ({
        settings: { PDM_PUBLISH_REPO: uploadUrl, PDM_PUBLISH_USERNAME: username },
        secrets: ({ password }) => ({ PDM_PUBLISH_PASSWORD: password }),
    }),
} satisfies ToolDefinition;

/**
 * Files and commands for pdm: a source in addition to PyPI or in its place, in the user's configuration or in the project, and a
 * repository to publish to. The project's file never contains a credential. If there is a key or a token, it is in the source with the same
 * name in the user's configuration. If the token is not given, the URLs in both files contain the variable
 * `ARTIFACT_REGISTRY_TOKEN`, which pdm expands. A project with the variable also works for users whose configuration has a
 * different form. A project without the variable does not work for users whose configuration relies on
 * the variable.
 *
 * pdm takes internal packages, direct or transitive, only from this index, even if PyPI has the same name. If the index does
 * not provide them, they are missing. This assumes that no other source has them in its `include_packages`. For all other packages, the highest version of any source wins. Exception: if pdm's
 * setting `use_uv` is on, pdm passes its sources to uv without the internal names, and the highest version always wins.
 *
 * In the place of PyPI, the source has PyPI's name in pdm, `pypi`, and needs no names of packages. A machine has only one such source.
 *
 * @throws RangeError if the name has characters other than `a-z`, `0-9` and `-`, or a value cannot be written to a TOML file
 * @see https://pdm-project.org/latest/usage/config/#configure-the-package-indexes
 */
export function pdmClient(index: PythonIndex, credential: Credential): Client {
    // A dot would end the name.
    const name = plainName(index.name, "pdm does not accept this index name", reserved);
    const login = findLogin(credential);
    const fromEnvironment = asksForToken(credential);
    const credentials = [
        `username = ${tomlString(getUsername(credential))}`,
        ...(login === undefined ? [] : [`password = ${tomlString(login.password)}`]),
    ];
    const url = fromEnvironment
        ? withUserInfo(index.indexUrl, { username: getUsername(credential) }).replace(
              "@",
              `:\${${tokenVariable}}@`,
          )
        : index.indexUrl;
    const urlLine = `url = ${tomlString(url)}`;
    const isOnly = isOnlyIndex(index);
    const packages =
        isOnly || index.internalPackages.length === 0
            ? []
            : [`include_packages = ${tomlArray(index.internalPackages)}`];
    const pipArguments = isOnly ? `--pip-args="${fromPypi(index).trimEnd()}" ` : "";
    return {
        install: [
            {
                ...config,
                text: joinLines(
                    isOnly ? "[pypi]" : `[pypi.${name}]`,
                    urlLine,
                    // With a user name, pdm would also ask the keyring in a project whose URL has the variable, if it is unset.
                    ...(fromEnvironment ? [] : credentials),
                    ...packages,
                ),
            },
            {
                ...pyproject,
                text: joinLines(
                    "[[tool.pdm.source]]",
                    `name = ${tomlString(isOnly ? "pypi" : name)}`,
                    urlLine,
                    ...packages,
                    ...excludeNewer(index),
                ),
            },
        ],
        publish: [
            {
                ...config,
                text: joinLines(
                    `[repository.${name}]`,
                    `url = ${tomlString(index.uploadUrl)}`,
                    ...credentials,
                ),
            },
        ],
        commands: {
            // In pdm's own environment: a keyring that is only on PATH returns the user name only since keyring 25.2.
            setup: keyringSetup(credential, `pdm self add ${pipArguments}keyring ${keyringBackend}`),
            install: withToken(credential, { [tokenVariable]: accessToken }, "pdm add PACKAGE"),
            publish: withToken(
                credential,
                { PDM_PUBLISH_PASSWORD: accessToken },
                `pdm publish --no-build --repository ${name}`,
            ),
        },
    };
}

/** Whether pdm can wait: it refuses every file without a time, unless the package is named. */
function canWait({ internalPackages }: PythonIndex): boolean {
    return internalPackages.length > 0 && internalPackages.every((name) => !name.endsWith("*"));
}

/**
 * Only in the project: pdm takes the names that need no waiting from nowhere else.
 *
 * @see https://pdm-project.org/latest/usage/lockfile/
 */
function excludeNewer(index: PythonIndex): string[] {
    return index.cooldown === undefined || !canWait(index)
        ? []
        : [
              "",
              "[tool.pdm.resolution]",
              `exclude-newer = "${index.cooldown.days}d"`,
              "",
              "[tool.pdm.resolution.exclude-newer-override]",
              ...index.internalPackages.map((name) => `${tomlKey(name)} = false`),
          ];
}
