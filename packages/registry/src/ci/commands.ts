import { fromPypi, isOnlyIndex, keyringBackend, type PythonIndex } from "../clients/client";
import { tokenUsername } from "../clients/credential";
import { installRequirements, urlForKeyring } from "../clients/pip";
import { uv } from "../clients/uv";
import type { SnippetContext } from "./context";
import { credentialConfiguration } from "./credential-configuration";
import { writeFile } from "./text";

/**
 * The start of a script. All its files are in a new folder that only its user can open, and whose name nobody knows before. If
 * the name were fixed, another user of the machine could make the folder first. The script removes the folder at its end, because
 * the machine can be used again.
 */
export const start: readonly string[] = ["set -eu", "dir=$(mktemp -d)", `trap 'rm -rf "$dir"' EXIT`];

/** Makes the tools that `prepare` installed available in a shell. */
export const activate = '. "$dir/registry-venv/bin/activate"';

/**
 * The commands after `start`, before the login: they install packages from PyPI, for writers also the tools for uploads, and
 * build the package, also if the registry is the only index. pip cannot sign in to the registry before it has the keyring, and the files of the login stay out of what
 * is built.
 */
export function prepare(
    { workload, index }: SnippetContext,
    packages = `keyring ${keyringBackend}`,
): string[] {
    const writes = workload.access !== "reader";
    return [
        ...(isOnlyIndex(index)
            ? [
                  `# These tools${writes ? " and what builds the package" : ""} come from PyPI, all else from the registry.`,
              ]
            : []),
        'python3 -m venv "$dir/registry-venv"',
        activate,
        `pip install ${fromPypi(index)}${packages}${writes ? " build twine" : ""}`,
        ...(writes ? ["python -m build"] : []),
    ];
}

/**
 * The commands after the login: they install packages and, for writers, upload them, with pip.conf, .pypirc and the keyring.
 * Their files are not in the checkout, whose files can get into a package.
 */
export function useRegistry({ workload, index, pipConf, pypirc }: SnippetContext): string[] {
    const writes = workload.access !== "reader";
    // pip does not use a command named keyring from its own environment.
    const separate = index.keyring === "subprocess";
    const packages = separate ? "$dir/project-venv" : "$dir/registry-venv";
    return [
        ...(separate ? [`python -m venv "${packages}"`] : []),
        ...writeFile(`"${packages}/pip.conf"`, pipConf),
        ...installCommands(index, urlForKeyring(index), separate ? `"${packages}/bin/pip"` : "pip"),
        ...(writes ? uploadCommands(index, pypirc) : []),
        ...uvCommands(index, writes),
    ];
}

/** The installation of requirements.txt, also if it has an `--index-url`. */
export function installCommands(index: PythonIndex, url: string, pip = "pip"): string[] {
    const [printIndex, install] = installRequirements(index, url, `${pip} install`);
    return [
        "# The index again: an --index-url in requirements.txt makes pip ignore the one configured above.",
        `${printIndex} |`,
        `  ${install}`,
    ];
}

/** The upload of what was built. */
export function uploadCommands({ name }: PythonIndex, pypirc: string): string[] {
    return [
        ...writeFile('"$dir/.pypirc"', pypirc),
        `twine upload --config-file "$dir/.pypirc" -r ${name} dist/*`,
    ];
}

/**
 * The same with uv, as comments. The tools are active, so uv finds the command `keyring`.
 *
 * @param password a word of sh; undefined if the keyring has the password
 */
export function uvCommands(index: PythonIndex, writes: boolean, password?: string): string[] {
    const { settings, secrets } = uv.variables(index, {
        form: password === undefined ? "keyring" : "token",
        username: tokenUsername,
    });
    const variables = Object.entries({
        ...settings,
        ...(password === undefined ? {} : secrets({ indexUrl: index.indexUrl, password })),
    });
    const [forUpload, forInstall] = [true, false].map((upload) =>
        variables
            .filter(([variable]) => variable.startsWith("UV_PUBLISH_") === upload)
            .map(([variable, value]) => `${variable}=${value}`)
            .join(" "),
    ) as [string, string];
    return [
        `# With uv, instead of pip${writes ? " and twine" : ""}:`,
        "# pip install uv",
        `# export ${forInstall}`,
        "# uv sync",
        ...(writes ? [`# export ${forUpload}`, "# uv publish"] : []),
    ];
}

/**
 * The script of a federated workload. It logs in with the token of its system and the credential configuration file.
 *
 * @param requestToken the commands that write the token to a file, whose path is a word of sh
 * @param tokenField the field with the token, if that file is JSON
 */
export function federatedScript(
    context: SnippetContext,
    requestToken: (file: string) => readonly string[],
    tokenField?: string,
): string[] {
    const tokenFile = "$dir/google-token";
    const file = '"$dir/google-credentials.json"';
    const configuration = credentialConfiguration({
        provider: getProvider(context),
        tokenFile,
        tokenField,
        serviceAccount: context.serviceAccount,
    });
    return [
        ...start,
        ...prepare(context),
        "umask 077",
        ...requestToken(`"${tokenFile}"`),
        ...writeFile(file, configuration, "$dir"),
        `export GOOGLE_APPLICATION_CREDENTIALS=${file}`,
        ...useRegistry(context),
    ];
}

/** The provider of a federated workload. */
export function getProvider({ name, provider }: SnippetContext): string {
    if (provider === undefined) throw new RangeError(`the workload ${name} has no provider`);
    return provider;
}

/** The audience to ask for in a token of the other system, unless the system has a fixed one. */
export function tokenAudience(context: SnippetContext): string {
    return `https://iam.googleapis.com/${getProvider(context)}`;
}
