import {
    accessToken,
    type Client,
    type ClientPlace,
    everywhere,
    fromPypi,
    inEveryShell,
    inVariable,
    isOnlyIndex,
    keyringBackend,
    keyringCommand,
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
        safety: (index) =>
            isOnlyIndex(index)
                ? "asks only the registry, if no file and no variable of pip has an `extra-index-url`."
                : "installs the highest version of any index: every name can come from PyPI. Own the internal names on PyPI " +
                  "too, install with hashes (`--require-hashes`), or use a different tool.",
        cooldown: () =>
            "is **not protected**: with its option `--uploaded-prior-to`, it refuses this registry, which does not say when a file was " +
            "uploaded. Install by hashes (`--require-hashes`), or use a different tool.",
        due: (index) =>
            index.keyring === "subprocess"
                ? "Once"
                : isOnlyIndex(index)
                  ? "Once in each virtual environment"
                  : "Once in each virtual environment (with `--isolated` if pip.conf is in place already: pip cannot sign in to " +
                    "this registry before it has the keyring)",
        notes: (index) => [
            "On macOS, if the folder `~/Library/Application Support/pip` exists, pip.conf belongs there.",
            "If requirements.txt has an `--index-url`, pip ignores the index in pip.conf. Remove that option, or add a line after " +
                `it: \`--${indexOption(index)} ${index.indexUrl}\``,
        ],
    },
    variables: (index, { form, username }) => ({
        ...(form === "keyring" && {
            forPip: {
                [indexVariable(index)]: withUserInfo(index.indexUrl, { username }),
                // One keyring command for all tools. By default, pip with --no-input asks no keyring.
                PIP_KEYRING_PROVIDER: "subprocess",
            },
        }),
        secrets: (secret) => ({ [indexVariable(index)]: secret.indexUrl }),
    }),
    hasOwnOutputs: true,
} satisfies ToolDefinition;

/**
 * The text of a pip.conf without a credential: pip asks the keyring.
 *
 * With `subprocess`, the URL contains the user name. Without it, pip before 26.2 does not ask a keyring that is only a command.
 *
 * @see https://pip.pypa.io/en/stable/topics/authentication/#keyring-support
 */
export function pipConfWithKeyring(index: PipIndex & Pick<PythonIndex, "keyring">): string {
    const provider: IniEntry[] = index.keyring === "auto" ? [] : [["keyring-provider", index.keyring]];
    return pipConf(index, urlForKeyring(index), provider);
}

/** What a pip.conf says about an index. */
export type PipIndex = Pick<PythonIndex, "indexUrl" | "publicPackages">;

/** pip's option for an index: the only one, or one more. Also its key in pip.conf. */
export function indexOption(index: Pick<PythonIndex, "publicPackages">): "index-url" | "extra-index-url" {
    return isOnlyIndex(index) ? "index-url" : "extra-index-url";
}

/** The variable for that option. */
export function indexVariable(index: Pick<PythonIndex, "publicPackages">): string {
    return `PIP_${inVariable(indexOption(index))}`;
}

/** The URL of the index without a password, in the form in which pip asks the keyring for it. */
export function urlForKeyring({ indexUrl, keyring }: Pick<PythonIndex, "indexUrl" | "keyring">): string {
    return keyring === "subprocess" ? withUserInfo(indexUrl, { username: tokenUsername }) : indexUrl;
}

/**
 * The text of a pip.conf with the key of a service account in the URL. The key is percent-encoded, because the base64
 * characters `+`, `/` and `=` have a different meaning in a URL. The text is a credential.
 *
 * @see https://cloud.google.com/artifact-registry/docs/python/authentication#sa-key
 */
export function pipConfWithKey(index: PipIndex, { keyBase64 }: KeyCredential): string {
    return pipText({ ...index, keyring: "auto" }, { form: "key", keyBase64 });
}

/**
 * Files and commands for pip: in pip.conf, an extra index, or the only one. If the token is not given, the URL in the file contains
 * only the user name, and the commands set the complete URL in `PIP_EXTRA_INDEX_URL` or `PIP_INDEX_URL`.
 *
 * pip installs the highest version of any index. With an extra index, nothing in these files prevents it from installing a public
 * package with an internal name.
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
                    ? keyringCommand(index)
                    : [`pip install ${fromPypi(index)}keyring ${keyringBackend}`]),
            ),
            install: withToken(credential, { [indexVariable(index)]: url }, "pip install PACKAGE"),
            publish: inEveryShell(),
        },
    };
}

/**
 * The two commands of a pipeline of sh that installs requirements.txt with one more index, or with this one only. An `--index-url`
 * in requirements.txt makes pip ignore the indexes of pip.conf, of variables and of the command line, but not those in a file after
 * it. An `--index-url` there makes pip ignore all indexes before it. Here this file is standard input, so the URL can contain a
 * password. `--no-index` turns this index off too.
 *
 * @param url the shell expands variables and commands in it
 * @see https://pip.pypa.io/en/stable/reference/requirements-file-format/#global-options
 */
export function installRequirements(
    index: Pick<PythonIndex, "publicPackages">,
    url: string,
    pip = "pip install",
): readonly [print: string, install: string] {
    return [`echo "--${indexOption(index)} ${url}"`, `${pip} -r requirements.txt -r /dev/stdin`];
}

function pipText(index: PipIndex & Pick<PythonIndex, "keyring">, credential: Credential) {
    return credential.form === "keyring"
        ? pipConfWithKeyring(index)
        : pipConf(index, withUserInfo(index.indexUrl, findLogin(credential) ?? { username: tokenUsername }));
}

function pipConf(index: PipIndex, url: string, more: readonly IniEntry[] = []): string {
    return renderIni([{ name: "global", entries: [[indexOption(index), url], ...more] }], " = ");
}
