import { type Client, type ClientFile, type Commands, inEveryShell, type PythonIndex } from "./client";
import { type Credential, type Login, loginOf, tokenUsername } from "./credential";

/**
 * `.netrc`: the login for the registry's host, for pip, pipenv, uv (which publishes with it too) and curl; not for twine. There is nothing to write
 * for the keyring. Without the token, the commands write the file, and again when the token has expired.
 *
 * A host has one login: all registries of a location share it.
 *
 * @see https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html
 * @see https://pip.pypa.io/en/stable/topics/authentication/#netrc-support
 */
export function netrcClient(index: PythonIndex, credential: Credential): Client | undefined {
    if (credential.form === "keyring") {
        return undefined;
    }
    const login = loginOf(credential);
    const write = login === undefined ? writingToken(hostOf(index)) : inEveryShell();
    const then = (line: string) => ({
        posix: [...write.posix, line],
        powershell: [...write.powershell, line],
    });
    const files = login === undefined ? [] : [netrcFile(index, login)];
    return {
        install: files,
        publish: files,
        commands: {
            setup: inEveryShell(),
            install: then(`pip install --extra-index-url ${index.indexUrl} PACKAGE`),
            publish: then(`uv publish --publish-url ${index.uploadUrl}`),
        },
    };
}

/**
 * The entry for a registry's host, at the file's ordinary place. The text is a credential. Where a Windows user has
 * `.netrc` too, pip and curl read only that.
 *
 * @throws RangeError if a login has a character that some reader of the file takes for something else
 */
export function netrcFile(index: PythonIndex, { username, password }: Login): ClientFile {
    return {
        scope: "user",
        path: { linux: "~/.netrc", macos: "~/.netrc", windows: "%USERPROFILE%\\_netrc" },
        text: `machine ${hostOf(index)} login ${word(username)} password ${word(password)}\n`,
    };
}

function hostOf({ indexUrl }: PythonIndex): string {
    return word(new URL(indexUrl).host);
}

/** Readers differ on quotes, backslashes and number signs: what has none of them needs no quoting. */
function word(text: string): string {
    if (!/^[\w.+/=:~@%-]+$/.test(text)) {
        throw new RangeError(
            "this login cannot stand in a .netrc: it has a character that would need quoting",
        );
    }
    return text;
}

/**
 * Puts the token first in the file, since what comes after a `default` entry is not read, in the place of the line of
 * an earlier run. gcloud writes into the file: the token is never an argument of a process.
 */
function writingToken(host: string): Commands {
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
            "if (-not $token) { throw 'gcloud gives no access token' }",
            `$netrc = if ($env:OS -eq 'Windows_NT') { "$HOME\\_netrc" } else { "$HOME/.netrc" }`,
            `$others = @(if (Test-Path $netrc) { Get-Content $netrc | Where-Object { $_ -notmatch '${pattern}' } })`,
            `[IO.File]::WriteAllLines($netrc, [string[]](@("${entry}$token") + $others))`,
        ],
    };
}
