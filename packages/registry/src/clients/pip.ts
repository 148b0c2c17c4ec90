import {
    accessToken,
    type Client,
    type ClientPlace,
    everywhere,
    inEveryShell,
    keyringBackend,
    keyringCommand,
    type KeyringProvider,
    keyringSetup,
    type PythonIndex,
    withToken,
} from "./client";
import { type Credential, type KeyCredential, findLogin, tokenUsername, withUserInfo } from "./credential";
import { type IniEntry, renderIni } from "./ini";
import type { ToolDefinition } from "./tool";

const places: readonly ClientPlace[] = [
    { scope: "user", path: everywhere("~/.config/pip/pip.conf", "%APPDATA%\\pip\\pip.ini") },
    { scope: "venv", path: everywhere("$VIRTUAL_ENV/pip.conf", "%VIRTUAL_ENV%\\pip.ini") },
    {
        scope: "global",
        path: {
            linux: "/etc/pip.conf",
            macos: "/Library/Application Support/pip/pip.conf",
            windows: "%ProgramData%\\pip\\pip.ini",
        },
    },
];

/** pip. Its files are the output `pipConf`. */
export const pip = {
    client: pipClient,
    places: { install: places, publish: [] },
    guide: {
        heading: "pip",
        safety: () =>
            "installs the highest version of any index: every name can come from PyPI. Own the internal names on PyPI " +
            "too, install with hashes (`--require-hashes`), or use a different tool.",
        due: ({ keyring }) =>
            keyring === "subprocess"
                ? "Once"
                : "Once in each virtual environment (with `--isolated` if pip.conf is in place already: pip cannot sign in to " +
                  "this registry before it has the keyring)",
        notes: ({ indexUrl }) => [
            "On macOS, if the folder `~/Library/Application Support/pip` exists, pip.conf belongs there.",
            "If requirements.txt has an `--index-url`, pip ignores the index in pip.conf. Remove that option, or add a line after " +
                `it: \`--extra-index-url ${indexUrl}\``,
        ],
    },
    variables: ({ indexUrl }, { form, username }) => ({
        ...(form === "keyring" && {
            forPip: {
                PIP_EXTRA_INDEX_URL: withUserInfo(indexUrl, { username }),
                // One keyring command for all tools. By default, pip with --no-input asks no keyring.
                PIP_KEYRING_PROVIDER: "subprocess",
            },
        }),
        secrets: (secret) => ({ PIP_EXTRA_INDEX_URL: secret.indexUrl }),
    }),
    hasOwnOutputs: true,
} satisfies ToolDefinition;

/**
 * The text of a pip.conf without a credential: pip asks the keyring.
 *
 * With `subprocess`, the URL contains the user name. Without it, pip before 26.2 does not ask a keyring that is only a command.
 *
 * @param indexUrl the URL of the simple index, `https://…/simple/`
 * @see https://pip.pypa.io/en/stable/topics/authentication/#keyring-support
 */
export function pipConfWithKeyring(indexUrl: string, keyring: KeyringProvider): string {
    const provider: IniEntry[] = keyring === "auto" ? [] : [["keyring-provider", keyring]];
    return pipConf(urlForKeyring({ indexUrl, keyring }), provider);
}

/** The URL of the index without a password, in the form in which pip asks the keyring for it. */
export function urlForKeyring({ indexUrl, keyring }: Pick<PythonIndex, "indexUrl" | "keyring">): string {
    return keyring === "subprocess" ? withUserInfo(indexUrl, { username: tokenUsername }) : indexUrl;
}

/**
 * The text of a pip.conf with the key of a service account in the URL. The key is percent-encoded, because the base64
 * characters `+`, `/` and `=` have a different meaning in a URL. The text is a credential.
 *
 * @param indexUrl the URL of the simple index, `https://…/simple/`
 * @see https://cloud.google.com/artifact-registry/docs/python/authentication#sa-key
 */
export function pipConfWithKey(indexUrl: string, { keyBase64 }: KeyCredential): string {
    return pipText({ indexUrl, keyring: "auto" }, { form: "key", keyBase64 });
}

/**
 * Files and commands for pip: an extra index in pip.conf. If the token is not given, the URL in the file contains only the user
 * name, and the commands set the complete URL in `PIP_EXTRA_INDEX_URL`.
 *
 * pip installs the highest version of any index. Nothing in these files prevents it from installing a public package with an
 * internal name.
 *
 * @see https://pip.pypa.io/en/stable/topics/configuration/
 */
export function pipClient(index: PythonIndex, credential: Credential): Client {
    const text = pipText(index, credential);
    const url = withUserInfo(index.indexUrl, { username: tokenUsername }).replace("@", `:${accessToken}@`);
    return {
        install: places.map((place) => ({ ...place, text })),
        publish: [],
        commands: {
            setup: keyringSetup(
                credential,
                ...(index.keyring === "subprocess"
                    ? keyringCommand
                    : [`pip install keyring ${keyringBackend}`]),
            ),
            install: withToken(credential, { PIP_EXTRA_INDEX_URL: url }, "pip install PACKAGE"),
            publish: inEveryShell(),
        },
    };
}

/**
 * The two commands of a pipeline of sh that installs requirements.txt with one more index. An `--index-url` in requirements.txt
 * makes pip ignore the indexes of pip.conf, of variables and of the command line, but not those in a file after it. Here this
 * file is standard input, so the URL can contain a password. `--no-index` turns this index off too.
 *
 * @param url the shell expands variables and commands in it
 * @see https://pip.pypa.io/en/stable/reference/requirements-file-format/#global-options
 */
export function installRequirements(
    url: string,
    pip = "pip install",
): readonly [print: string, install: string] {
    return [`echo "--extra-index-url ${url}"`, `${pip} -r requirements.txt -r /dev/stdin`];
}

function pipText({ indexUrl, keyring }: Pick<PythonIndex, "indexUrl" | "keyring">, credential: Credential) {
    return credential.form === "keyring"
        ? pipConfWithKeyring(indexUrl, keyring)
        : pipConf(withUserInfo(indexUrl, findLogin(credential) ?? { username: tokenUsername }));
}

function pipConf(url: string, more: readonly IniEntry[] = []): string {
    return renderIni([{ name: "global", entries: [["extra-index-url", url], ...more] }], " = ");
}
