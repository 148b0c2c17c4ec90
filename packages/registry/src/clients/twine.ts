import {
    accessToken,
    type Client,
    type ClientPlace,
    everywhere,
    fromPypi,
    inEveryShell,
    keyringBackend,
    type PythonIndex,
    withToken,
} from "./client";
import { type Credential, type KeyCredential, findLogin, getUsername } from "./credential";
import { type IniEntry, renderIni } from "./ini";
import type { ToolDefinition } from "./tool";

const place: ClientPlace = { scope: "user", path: everywhere("~/.pypirc", "%USERPROFILE%\\.pypirc") };

/** twine. Its file is the output `pypirc`. */
export const twine = {
    client: twineClient,
    places: { install: [], publish: [place] },
    guide: {
        heading: "twine",
        build: (index) => `\`python -m build\` (after \`pip install ${fromPypi(index)}build\`)`,
    },
    variables: ({ uploadUrl }, { username }) => ({
        settings: { TWINE_REPOSITORY_URL: uploadUrl, TWINE_USERNAME: username },
        secrets: ({ password }) => ({ TWINE_PASSWORD: password }),
    }),
    hasOwnOutputs: true,
} satisfies ToolDefinition;

/** The repository to which a section of a `.pypirc` uploads. */
export type UploadTarget = Pick<PythonIndex, "name" | "uploadUrl">;

/**
 * The text of a `.pypirc` without a credential: twine asks the keyring.
 *
 * @see https://packaging.python.org/en/latest/specifications/pypirc/
 */
export function pypircWithKeyring(target: UploadTarget): string {
    return pypirc(target, { form: "keyring" });
}

/** The text of a `.pypirc` with the key of a service account as the password. The text is a credential. */
export function pypircWithKey(target: UploadTarget, { keyBase64 }: KeyCredential): string {
    return pypirc(target, { form: "key", keyBase64 });
}

/**
 * Files and commands for twine: a section of `.pypirc`. If the token is not given, the section contains only the user name, and
 * the commands set the password in `TWINE_PASSWORD`.
 *
 * @see https://twine.readthedocs.io/en/stable/#configuration
 */
export function twineClient(index: PythonIndex, credential: Credential): Client {
    return {
        install: [],
        publish: [{ ...place, text: pypirc(index, credential) }],
        commands: {
            setup: inEveryShell(
                `pip install ${fromPypi(index)}twine${credential.form === "keyring" ? ` ${keyringBackend}` : ""}`,
            ),
            install: inEveryShell(),
            publish: withToken(
                credential,
                { TWINE_PASSWORD: accessToken },
                `twine upload -r ${index.name} dist/*`,
            ),
        },
    };
}

function pypirc({ name, uploadUrl }: UploadTarget, credential: Credential): string {
    const login = findLogin(credential);
    const entries: IniEntry[] = credential.form === "keyring" ? [] : [["username", getUsername(credential)]];
    if (login !== undefined) entries.push(["password", login.password]);
    return renderIni(
        [
            { name: "distutils", entries: [["index-servers", [name]]] },
            { name, entries: [["repository", uploadUrl], ...entries] },
        ],
        ": ",
    );
}
