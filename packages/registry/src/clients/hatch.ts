import {
    accessToken,
    type Client,
    type ClientPlace,
    fromPypi,
    isOnlyIndex,
    joinLines,
    inVariable,
    keyringBackend,
    keyringCommand,
    keyringSetup,
    plainName,
    type PythonIndex,
    withToken,
} from "./client";
import { type Credential, findLogin, tokenUsername, getUsername } from "./credential";
import { tomlString } from "./toml";
import type { ToolDefinition } from "./tool";
import { uv, uvClient } from "./uv";

const config: ClientPlace = {
    scope: "user",
    path: {
        linux: "~/.config/hatch/config.toml",
        macos: "~/Library/Application Support/hatch/config.toml",
        windows: "%LOCALAPPDATA%\\hatch\\config.toml",
    },
};

/** hatch. It installs with uv. */
export const hatch = {
    client: hatchClient,
    places: { install: uv.places.install, publish: [config] },
    guide: {
        heading: "Hatch",
        safety: (index) =>
            isOnlyIndex(index)
                ? "asks only the registry, with the installer uv as below. With the installer pip, Hatch's default, this needs pip.conf."
                : "takes names that the registry has only from the registry, with the installer uv as below and no index before it. Any other name can " +
                  "come from PyPI: Hatch has no pins. With the installer pip, Hatch's default, every name can.",
        cooldown: () =>
            "waits as uv does, with the installer uv as below. With the installer pip, Hatch's default, it is **not protected**.",
        due: () => "Once, with Hatch from `pipx install hatch`",
        build: () => "`hatch build`",
    },
    variables: ({ uploadUrl }, { username }) => ({
        settings: { HATCH_INDEX_REPO: uploadUrl, HATCH_INDEX_USER: username },
        secrets: ({ password }) => ({ HATCH_INDEX_AUTH: password }),
    }),
    // The environments of Hatch belong to a project: they use uv even without uv's own file.
    sharedFiles: ["~/.config/uv/uv.toml"],
} satisfies ToolDefinition;

const installer = joinLines("[tool.hatch.envs.default]", 'installer = "uv"');

/**
 * Files and commands for hatch: a repository to publish to, in hatch's config.toml, and uv as the installer of hatch's
 * environments, with the files of `uvClient` without the pins. A password is only in the user's files, never in the project. If
 * the token is not given, the commands set it in `UV_INDEX_…` and `HATCH_INDEX_AUTH`.
 *
 * hatch itself has no package index: the installer of an environment reads its own files. The installer here is the uv that
 * hatch provides. If the index has a package, direct or transitive, uv takes it only from there. If the index answers 404, uv
 * takes the package
 * from PyPI, unless this index is the only one. Every other error of the index ends the run. hatch's default installer is pip, which reads
 * pip.conf instead and takes the highest version of any index. hatch passes the indexes in its own `sources` to the installer
 * as extra indexes, so with pip the highest version wins there too.
 *
 * hatch uses two keyrings. To install, uv runs the command `keyring` on PATH. To publish, hatch imports the keyring package
 * from its own environment, and takes the user name from config.toml. When hatch publishes, it ignores proxy settings.
 *
 * @throws RangeError if uv does not accept the name of the index, if the name has characters other than `a-z`, `0-9` and `-`,
 *   or if a value cannot be written to a TOML file
 * @see https://hatch.pypa.io/latest/how-to/environment/dependency-resolution/
 * @see https://hatch.pypa.io/latest/plugins/publisher/package-index/
 */
export function hatchClient(index: PythonIndex, credential: Credential): Client {
    // `main` and `test` always mean PyPI, even if a section with that name exists.
    const name = plainName(index.name, "hatch does not accept this repository name", ["main", "test"]);
    const login = findLogin(credential);
    // Without pins: uv refuses a pin for the project's own name, and projects that use hatch are often internal packages.
    const ofUv = uvClient({ ...index, internalPackages: [] }, credential);
    const variable = `UV_INDEX_${inVariable(index.name)}`;
    return {
        install: ofUv.install.map((file) =>
            file.scope === "project" ? { ...file, text: `${installer}\n${file.text}` } : file,
        ),
        publish: [
            {
                ...config,
                text: joinLines(
                    `[publish.index.repos.${name}]`,
                    `url = ${tomlString(index.uploadUrl)}`,
                    `user = ${tomlString(getUsername(credential))}`,
                    ...(login === undefined ? [] : [`auth = ${tomlString(login.password)}`]),
                ),
            },
        ],
        commands: {
            setup: keyringSetup(
                credential,
                ...keyringCommand(index),
                `pipx inject ${fromPypi(index)}hatch ${keyringBackend}`,
            ),
            install: withToken(
                credential,
                { [`${variable}_USERNAME`]: tokenUsername, [`${variable}_PASSWORD`]: accessToken },
                "# With PACKAGE among the dependencies in pyproject.toml:",
                "hatch run python -c \"from importlib.metadata import version; print(version('PACKAGE'))\"",
            ),
            publish: withToken(credential, { HATCH_INDEX_AUTH: accessToken }, `hatch publish --repo ${name}`),
        },
    };
}
