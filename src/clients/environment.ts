import {
    accessToken,
    type Client,
    type ClientFile,
    everywhere,
    inEveryShell,
    inVariable,
    keyringCommand,
    notPypi,
    type PythonIndex,
    tokenVariable,
} from "./client";
import { type Credential, type Login, loginOf, tokenUsername, withUserInfo } from "./credential";

/**
 * Plain variables for all tools at once, in a file of `NAME=value` lines that needs no quotes anywhere: for `uv run
 * --env-file`, python-dotenv (pipenv), `docker run --env-file` and sh. A project's `.env` without a credential; with
 * one, a file of its own in the person's configuration. Without the token, the commands have it from gcloud, and set
 * what goes with it. `ARTIFACT_REGISTRY_TOKEN` is for pipenv, whose Pipfile names it, and for `docker build`.
 *
 * What they make tools do: pip has an extra index, uv an index that comes before PyPI, and twine, uv, PDM and Hatch
 * upload to this registry unless told otherwise. Poetry knows it by its name. pip takes the highest version that any
 * index has: nothing here keeps a public package of an internal name out of it.
 *
 * @throws RangeError if a value could not stand in each of these without quotes
 */
export function environmentClient(index: PythonIndex, credential: Credential): Client {
    const login = loginOf(credential);
    const withToken = credential.form === "token" && login === undefined;
    const values = variables(index, credential);
    const file = login === undefined ? projectFile(values) : ownFile(index, values);
    const secrets = withToken ? Object.entries(secretVariables(index, `$${tokenVariable}`)) : [];
    const load = {
        posix: [
            "set -a",
            `. ${login === undefined ? "./.env" : file.path.linux}`,
            // Exported once it is there: what follows a failure of gcloud is not run under `set -e`.
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

/** Everything that is no secret, and what is one if the login is at hand. */
function variables(index: PythonIndex, credential: Credential): Record<string, string> {
    const { name, indexUrl, uploadUrl } = index;
    const login = loginOf(credential);
    const username = login?.username ?? tokenUsername;
    const variable = inVariable(name);
    const ofPoetry = inVariable(notPypi(name));
    const keyring = credential.form === "keyring";
    return {
        ...(keyring
            ? {
                  PIP_EXTRA_INDEX_URL: withUserInfo(indexUrl, { username }),
                  // One keyring command for all; pip's own default asks none under --no-input.
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
        [`POETRY_REPOSITORIES_${ofPoetry}_URL`]: uploadUrl,
        ...(keyring ? {} : { [`POETRY_HTTP_BASIC_${ofPoetry}_USERNAME`]: username }),
        PDM_PUBLISH_REPO: uploadUrl,
        PDM_PUBLISH_USERNAME: username,
        HATCH_INDEX_REPO: uploadUrl,
        HATCH_INDEX_USER: username,
        ...(login === undefined ? {} : secretVariables(index, login.password, login)),
        ...(credential.form === "token" && login !== undefined ? { [tokenVariable]: login.password } : {}),
    };
}

/** The variables with the password in them: itself, or a variable of the shell that has a token. */
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
        [`POETRY_HTTP_BASIC_${inVariable(notPypi(name))}_PASSWORD`]: password,
        PDM_PUBLISH_PASSWORD: password,
        HATCH_INDEX_AUTH: password,
    };
}

function projectFile(values: Record<string, string>): ClientFile {
    return { scope: "project", path: everywhere(".env"), text: dotenv(values) };
}

function ownFile({ name }: PythonIndex, values: Record<string, string>): ClientFile {
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
            // What sh, dotenv readers and Docker all take literally.
            if (!/^[\w.+/=:@%-]*$/.test(value)) {
                throw new RangeError(
                    `this value of ${name} cannot stand in a file of variables: it would need quotes`,
                );
            }
            return `${name}=${value}\n`;
        })
        .join("");
}
