import {
    append,
    type Client,
    type ClientFile,
    type ClientPlace,
    type Commands,
    inEveryShell,
    type PythonIndex,
} from "./client";
import { indexOption } from "./pip";
import { type Credential, type Login, findLogin, tokenUsername } from "./credential";
import type { ToolDefinition } from "./tool";

/** The default path of the file. If a Windows user also has a `.netrc`, pip and curl read only that file. */
export const netrcPlace: ClientPlace = {
    scope: "user",
    path: { linux: "~/.netrc", macos: "~/.netrc", windows: "%USERPROFILE%\\_netrc" },
};

/** The user's .netrc, which several tools read. */
export const netrc = {
    client: netrcClient,
    places: { install: [netrcPlace], publish: [netrcPlace] },
    guide: undefined,
} satisfies ToolDefinition;

/**
 * File and commands for `.netrc`: the login for the host of the registry. pip, pipenv, uv and curl use it, and uv also publishes
 * with it. twine does not use it. The keyring form has no file. If the token is not given, the commands write the file. Run
 * them again when the token has expired.
 *
 * A host has only one login, so all registries of a location share it.
 *
 * @returns undefined for the keyring form
 * @see https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html
 * @see https://pip.pypa.io/en/stable/topics/authentication/#netrc-support
 */
export function netrcClient(index: PythonIndex, credential: Credential): Client | undefined {
    if (credential.form === "keyring") {
        return undefined;
    }
    const login = findLogin(credential);
    const write = login === undefined ? writeTokenCommands(getHost(index)) : inEveryShell();
    const files = login === undefined ? [] : [netrcFile(index, login)];
    return {
        install: files,
        publish: files,
        commands: {
            setup: inEveryShell(),
            install: append(write, `pip install --${indexOption(index)} ${index.indexUrl} PACKAGE`),
            publish: append(write, `uv publish --publish-url ${index.uploadUrl}`),
        },
    };
}

/**
 * The entry for the host of a registry, at the default path of the file. The text is a credential.
 *
 * @throws RangeError if the login has a character that not all readers of the file read in the same way
 */
export function netrcFile(index: PythonIndex, { username, password }: Login): ClientFile {
    return {
        ...netrcPlace,
        text: `machine ${getHost(index)} login ${unquoted(username)} password ${unquoted(password)}\n`,
    };
}

function getHost({ indexUrl }: PythonIndex): string {
    return unquoted(new URL(indexUrl).host);
}

/** Validates text that needs no quotes. Readers of the file handle quotes, backslashes and number signs differently. */
function unquoted(text: string): string {
    if (!/^[\w.+/=:~@%-]+$/.test(text)) {
        throw new RangeError(
            "this login cannot be written to a .netrc: it has a character that needs quotes",
        );
    }
    return text;
}

/**
 * Commands that write the entry with the token as the first line of the file, because readers ignore entries after a `default`
 * entry. They remove the line of an earlier run. gcloud writes directly to the file, so that the token is never an argument of a
 * process.
 */
function writeTokenCommands(host: string): Commands {
    const entry = `machine ${host} login ${tokenUsername} password `;
    const pattern = `^${entry.replaceAll(".", "\\.")}`;
    return {
        posix: [
            "(umask 077 && rm -f ~/.netrc.new && touch ~/.netrc && {",
            `    printf '${entry}' && gcloud auth print-access-token && sed '/${pattern}/d' ~/.netrc`,
            "} > ~/.netrc.new && mv ~/.netrc.new ~/.netrc || { rm -f ~/.netrc.new; false; })",
        ],
        powershell: [
            "$token = gcloud auth print-access-token",
            "if (-not $token) { throw 'gcloud did not print an access token' }",
            `$netrc = if ($env:OS -eq 'Windows_NT') { "$HOME\\_netrc" } else { "$HOME/.netrc" }`,
            `$others = @(if (Test-Path $netrc) { Get-Content $netrc | Where-Object { $_ -notmatch '${pattern}' } })`,
            `[IO.File]::WriteAllLines($netrc, [string[]](@("${entry}$token") + $others))`,
        ],
    };
}
