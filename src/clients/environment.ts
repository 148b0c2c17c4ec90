import {
    accessToken,
    type Client,
    type ClientFile,
    everywhere,
    inEveryShell,
    inVariable,
    keyringCommand,
    nonPypiName,
    type PythonIndex,
    tokenVariable,
} from "./client";
import { type Credential, type Login, loginOf, tokenUsername, withUserInfo } from "./credential";

/**
 * Environment variables for all tools, in a file of `NAME=value` lines without quotes. `uv run --env-file`, python-dotenv
 * (pipenv), `docker run --env-file` and sh can read it. Without a credential, the file is the project's `.env`. With a
 * credential, it is a separate file in the user's configuration. If the token is not given, the commands get it from gcloud and
 * set the variables that contain it. `ARTIFACT_REGISTRY_TOKEN` is for pipenv, whose Pipfile refers to it, and for
 * `docker build`.
 *
 * The variables have these effects: pip has an extra index, and uv has an index that it asks before PyPI. By default, twine, uv,
 * PDM and Hatch upload to this registry. Poetry knows the registry by its name. pip installs the highest version of any index:
 * nothing here prevents it from installing a public package with an internal name.
 *
 * @throws RangeError if a value needs quotes in one of these formats
 */
export function environmentClient(index: PythonIndex, credential: Credential): Client {
    const login = loginOf(credential);
    const withToken = credential.form === "token" && login === undefined;
    const values = variables(index, credential);
    const file = login === undefined ? projectFile(values) : userFile(index, values);
    const secrets = withToken ? Object.entries(secretVariables(index, `$${tokenVariable}`)) : [];
    const load = {
        posix: [
            "set -a",
            `. ${login === undefined ? "./.env" : file.path.linux}`,
            // A separate assignment: under `set -e`, a failure of gcloud ends the script here.
            ...(withToken ? [`${tokenVariable}="${accessToken}"`] : []),
            ...secrets.map(([name, value]) => `${name}="${value}"`),
            "set +a",
        ],
        powershell: [
            `Get-Content "${file.path.windows.replaceAll(/%(\w+)%/g, "$env:$1")}" | Where-Object { $_ -match '^\\w+=' } | ForEach-Object {`,
            "    $name, $value = $_ -split '=', 2",
            '    Set-Item "env:$name" $value',
            "}",
            ...(withToken ? [`$env:${tokenVariable} = "${accessToken}"`] : []),
            ...secrets.map(
                ([name, value]) =>
                    `$env:${name} = "${value.replace(`$${tokenVariable}`, `$env:${tokenVariable}`)}"`,
            ),
        ],
    };
    return {
        install: [file],
        publish: [file],
        commands: {
            setup: credential.form === "keyring" ? inEveryShell(...keyringCommand) : inEveryShell(),
            install: {
                posix: [...load.posix, "pip install PACKAGE"],
                powershell: [...load.powershell, "pip install PACKAGE"],
            },
            publish: {
                posix: [...load.posix, "twine upload dist/*"],
                powershell: [...load.powershell, "twine upload dist/*"],
            },
        },
    };
}

/** The variables for an index: all that are not secret, and the secret ones if the credential has a login. */
function variables(index: PythonIndex, credential: Credential): Record<string, string> {
    const { name, indexUrl, uploadUrl } = index;
    const login = loginOf(credential);
    const username = login?.username ?? tokenUsername;
    const variable = inVariable(name);
    const poetryName = inVariable(nonPypiName(name));
    const keyring = credential.form === "keyring";
    return {
        ...(keyring
            ? {
                  PIP_EXTRA_INDEX_URL: withUserInfo(indexUrl, { username }),
                  // One keyring command for all tools. By default, pip with --no-input asks no keyring.
                  PIP_KEYRING_PROVIDER: "subprocess",
                  PIPENV_KEYRING_PROVIDER: "subprocess",
                  UV_KEYRING_PROVIDER: "subprocess",
              }
            : {}),
        UV_INDEX: `${name}=${indexUrl}`,
        [`UV_INDEX_${variable}_USERNAME`]: username,
        UV_PUBLISH_URL: uploadUrl,
        UV_PUBLISH_USERNAME: username,
        TWINE_REPOSITORY_URL: uploadUrl,
        TWINE_USERNAME: username,
        [`POETRY_REPOSITORIES_${poetryName}_URL`]: uploadUrl,
        ...(keyring ? {} : { [`POETRY_HTTP_BASIC_${poetryName}_USERNAME`]: username }),
        PDM_PUBLISH_REPO: uploadUrl,
        PDM_PUBLISH_USERNAME: username,
        HATCH_INDEX_REPO: uploadUrl,
        HATCH_INDEX_USER: username,
        ...(login === undefined ? {} : secretVariables(index, login.password, login)),
        ...(credential.form === "token" && login !== undefined ? { [tokenVariable]: login.password } : {}),
    };
}

/** The variables that contain the password. `password` is the password itself, or a shell variable that holds the token. */
function secretVariables(
    { name, indexUrl }: PythonIndex,
    password: string,
    login?: Login,
): Record<string, string> {
    return {
        PIP_EXTRA_INDEX_URL:
            login === undefined
                ? withUserInfo(indexUrl, { username: tokenUsername }).replace("@", `:${password}@`)
                : withUserInfo(indexUrl, login),
        [`UV_INDEX_${inVariable(name)}_PASSWORD`]: password,
        UV_PUBLISH_PASSWORD: password,
        TWINE_PASSWORD: password,
        [`POETRY_HTTP_BASIC_${inVariable(nonPypiName(name))}_PASSWORD`]: password,
        PDM_PUBLISH_PASSWORD: password,
        HATCH_INDEX_AUTH: password,
    };
}

function projectFile(values: Record<string, string>): ClientFile {
    return { scope: "project", path: everywhere(".env"), text: dotenv(values) };
}

function userFile({ name }: PythonIndex, values: Record<string, string>): ClientFile {
    const path = `~/.config/python-registry/${name}.env`;
    return {
        scope: "user",
        path: { linux: path, macos: path, windows: `%APPDATA%\\python-registry\\${name}.env` },
        text: dotenv(values),
    };
}

function dotenv(values: Record<string, string>): string {
    return Object.entries(values)
        .map(([name, value]) => {
            // sh, dotenv readers and Docker all read these characters literally.
            if (!/^[\w.+/=:@%-]*$/.test(value)) {
                throw new RangeError(
                    `this value of ${name} cannot be written to a file of variables: it needs quotes`,
                );
            }
            return `${name}=${value}\n`;
        })
        .join("");
}
