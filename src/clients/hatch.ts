import {
    accessToken,
    type Client,
    inEveryShell,
    inVariable,
    keyringBackend,
    keyringCommand,
    type PythonIndex,
    withEnvironment,
} from "./client";
import { type Credential, keyUsername, loginOf, tokenUsername } from "./credential";
import { tomlString } from "./toml";
import { uvClient } from "./uv";

const installer = lines("[tool.hatch.envs.default]", 'installer = "uv"');

/**
 * hatch: a repository in its config.toml to publish to, and for its environments uv as the installer, with uv's own files
 * but for the pins. A password stands in the person's files, never in the project; without the token, the commands give it
 * by `UV_INDEX_…` and `HATCH_INDEX_AUTH`.
 *
 * hatch has no package index of its own: whatever installs into an environment reads its own files too. With uv, the one
 * that hatch brings, a name that the index has is taken from there only, asked for directly or as a dependency; what it
 * answers 404 for comes from PyPI, and any other refusal ends the run. With pip, hatch's default, it is pip.conf that
 * counts, and the highest version wins wherever it is: so do the indexes in hatch's own `sources`.
 *
 * A keyring is asked twice over: for installing, uv runs a `keyring` that is on PATH, and publishing imports the one in
 * hatch's own environment, with the user name from the file. hatch publishes past any proxy.
 *
 * @throws RangeError for an index name that uv would refuse or that has other characters than `a-z`, `0-9` and `-`, and
 *   for what no TOML file can hold
 * @see https://hatch.pypa.io/latest/how-to/environment/dependency-resolution/
 * @see https://hatch.pypa.io/latest/plugins/publisher/package-index/
 */
export function hatchClient(index: PythonIndex, credential: Credential): Client {
    const name = repositoryName(index.name);
    const login = loginOf(credential);
    // Without uv's pins: it refuses one to the project's own name, and internal packages are what hatch makes.
    const uv = uvClient({ ...index, internalPackages: [] }, credential);
    const username = credential.form === "key" ? keyUsername : tokenUsername;
    const fromEnvironment = credential.form === "token" && login === undefined;
    const variable = `UV_INDEX_${inVariable(index.name)}`;
    return {
        install: uv.install.map((file) =>
            file.scope === "project" ? { ...file, text: `${installer}\n${file.text}` } : file,
        ),
        publish: [
            {
                scope: "user",
                path: {
                    linux: "~/.config/hatch/config.toml",
                    macos: "~/Library/Application Support/hatch/config.toml",
                    windows: "%LOCALAPPDATA%\\hatch\\config.toml",
                },
                text: lines(
                    `[publish.index.repos.${name}]`,
                    `url = ${tomlString(index.uploadUrl)}`,
                    `user = ${tomlString(username)}`,
                    ...(login === undefined ? [] : [`auth = ${tomlString(login.password)}`]),
                ),
            },
        ],
        commands: {
            setup: inEveryShell(
                ...(credential.form === "keyring"
                    ? [...keyringCommand, `pipx inject hatch ${keyringBackend}`]
                    : []),
            ),
            install: withEnvironment(
                fromEnvironment
                    ? { [`${variable}_USERNAME`]: tokenUsername, [`${variable}_PASSWORD`]: accessToken }
                    : {},
                "# With PACKAGE among the dependencies in pyproject.toml:",
                "hatch run python -c \"from importlib.metadata import version; print(version('PACKAGE'))\"",
            ),
            publish: withEnvironment(
                fromEnvironment ? { HATCH_INDEX_AUTH: accessToken } : {},
                `hatch publish --repo ${name}`,
            ),
        },
    };
}

/** What hatch calls the repository: `main` and `test` are PyPI's own, whatever their section says. */
function repositoryName(name: string): string {
    if (!/^[a-z0-9-]+$/.test(name)) {
        throw new RangeError("hatch cannot call a repository this: a name has a-z, 0-9 and - only");
    }
    return ["main", "test"].includes(name) ? `private-${name}` : name;
}

function lines(...text: string[]): string {
    return text.map((line) => `${line}\n`).join("");
}
