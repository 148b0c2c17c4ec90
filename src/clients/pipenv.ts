import {
    accessToken,
    type Client,
    type ClientFile,
    everywhere,
    inEveryShell,
    keyringCommand,
    notPypi,
    type PythonIndex,
    tokenVariable,
    withEnvironment,
} from "./client";
import { type Credential, loginOf, tokenUsername } from "./credential";
import { netrcFile } from "./netrc";
import { tomlString } from "./toml";

/**
 * pipenv: a source for the Pipfile, after the one of PyPI, which stays the first. It never holds a credential: a
 * password that is in a file at all is in `.netrc`. pipenv does not publish.
 *
 * pipenv asks the first source alone for a package, unless the Pipfile names the package together with its source, as
 * `pipenv install --index` does. So an internal name that the project asks for comes from this registry, but an
 * internal name that only another package asks for comes from PyPI, an attacker's package too. It has to be named in
 * the Pipfile as well, in the same command at best: a package that is added alone has its dependencies looked up at
 * PyPI at first, whatever the Pipfile says of them. There is no way to tie a name to a source and not install it,
 * and so `internalPackages` changes nothing here.
 *
 * pipenv hands a user name in the URL to pip as a `.netrc` entry: it is there only where a password follows it, since
 * its pip asks the keyring command without one.
 *
 * @see https://pipenv.pypa.io/en/latest/indexes.html
 * @see https://pipenv.pypa.io/en/latest/credentials.html
 */
export function pipenvClient(index: PythonIndex, credential: Credential): Client {
    const login = loginOf(credential);
    const fromEnvironment = credential.form === "token" && login === undefined;
    return {
        install: [
            pipfile(index, fromEnvironment ? `${tokenUsername}:\${${tokenVariable}}@` : ""),
            ...(login === undefined ? [] : [netrcFile(index, login)]),
        ],
        publish: [],
        commands: {
            setup: credential.form === "keyring" ? inEveryShell(...keyringCommand) : inEveryShell(),
            install: withEnvironment(
                fromEnvironment
                    ? { [tokenVariable]: accessToken }
                    : credential.form === "keyring"
                      ? // pip's own default never asks a keyring here: pipenv runs it without input.
                        { PIPENV_KEYRING_PROVIDER: "subprocess" }
                      : {},
                `pipenv install --index ${notPypi(index.name)} PACKAGE`,
            ),
            publish: inEveryShell(),
        },
    };
}

function pipfile({ name, indexUrl }: PythonIndex, userInfo: string): ClientFile {
    // pipenv itself adds a slash: with the URL's own there would be two.
    const url = indexUrl.replace(/^https:\/\//, `https://${userInfo}`).replace(/\/$/, "");
    return {
        scope: "project",
        path: everywhere("Pipfile"),
        text: `[[source]]\nname = ${tomlString(notPypi(name))}\nurl = ${tomlString(url)}\nverify_ssl = true\n`,
    };
}
