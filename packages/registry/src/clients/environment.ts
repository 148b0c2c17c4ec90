import {
    accessToken,
    append,
    type Client,
    type ClientFile,
    everywhere,
    keyringCommand,
    keyringSetup,
    projectFile,
    type PythonIndex,
    tokenVariable,
} from "./client";
import { asksForToken, type Credential, findLogin, getUsername, withUserInfo } from "./credential";
import type { SecretValues, ToolDefinition, ToolVariables } from "./tool";

/**
 * The file of environment variables, as a tool.
 *
 * @param tools whose variables are in the file, in this order
 */
export function environmentFor(tools: readonly ToolDefinition[]) {
    return {
        client: (index: PythonIndex, credential: Credential) => environmentClient(tools, index, credential),
        guide: undefined,
    } satisfies ToolDefinition;
}

/**
 * Environment variables for all tools, in a file of `NAME=value` lines without quotes. `uv run --env-file`, python-dotenv
 * (pipenv), `docker run --env-file` and sh can read it. Without a credential, the file is the project's `.env`. With a
 * credential, it is a separate file in the user's configuration. If the token is not given, the commands get it from gcloud and
 * set the variables that contain it. `ARTIFACT_REGISTRY_TOKEN` is for pipenv, whose Pipfile refers to it, and for
 * `docker build`.
 *
 * The variables have these effects: pip has an extra index, and uv has an index that it asks before PyPI; or both have only this
 * index. By default, twine, uv,
 * PDM and Hatch upload to this registry. Poetry knows the registry by its name. pip installs the highest version of any index:
 * with an extra index, nothing here prevents it from installing a public package with an internal name.
 *
 * @throws RangeError if a value needs quotes in one of these formats
 */
function environmentClient(
    tools: readonly ToolDefinition[],
    index: PythonIndex,
    credential: Credential,
): Client {
    const login = findLogin(credential);
    const withToken = asksForToken(credential);
    const username = getUsername(credential);
    const byTool = tools.map((tool) => tool.variables?.(index, { form: credential.form, username }) ?? {});
    const secretsInFile =
        login && secretVariables(byTool, { ...login, indexUrl: withUserInfo(index.indexUrl, login) });
    const values = merged([
        ...byTool.map(({ forPip }) => forPip),
        ...byTool.map(({ settings }) => settings),
        secretsInFile,
        credential.form === "token" && login ? { [tokenVariable]: login.password } : {},
    ]);
    const text = dotenv(values);
    const path = everywhere(
        `~/.config/python-registry/${index.name}.env`,
        `%APPDATA%\\python-registry\\${index.name}.env`,
    );
    const file: ClientFile = login === undefined ? projectFile(".env", text) : { scope: "user", path, text };
    const token = `$${tokenVariable}`;
    const indexUrl = withUserInfo(index.indexUrl, { username }).replace("@", `:${token}@`);
    const secrets = withToken ? Object.entries(secretVariables(byTool, { password: token, indexUrl })) : [];
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
                ([name, value]) => `$env:${name} = "${value.replace(token, `$env:${tokenVariable}`)}"`,
            ),
        ],
    };
    return {
        install: [file],
        publish: [file],
        commands: {
            setup: keyringSetup(credential, ...keyringCommand(index)),
            install: append(load, "pip install PACKAGE"),
            publish: append(load, "twine upload dist/*"),
        },
    };
}

/** The variables of all tools that contain the password. */
function secretVariables(byTool: readonly ToolVariables[], values: SecretValues): Record<string, string> {
    return merged(byTool.map(({ secrets }) => secrets?.(values)));
}

function merged(parts: readonly (Readonly<Record<string, string>> | undefined)[]): Record<string, string> {
    return Object.fromEntries(parts.flatMap((part = {}) => Object.entries(part)));
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
