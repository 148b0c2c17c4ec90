import { realpathSync } from "node:fs";
import { tokenUsername } from "python-registry/clients/credential";
import { run } from "../machine/run";
import { onPath, getPathSyntax, type System } from "../machine/system";
import type { PythonEnvironment } from "../machine/python-environment";

/** A keyring that a tool asks. */
export interface Keyring {
    /** In words, such as "on PATH (/usr/bin/keyring)". */
    readonly where: string;
    readonly command: readonly [program: string, ...args: string[]];
    /** The folder of its environment's commands, which identifies the keyring. */
    readonly directory: string;
    readonly runs: boolean;
    readonly hasGoogleBackend: boolean;
}

/** An access token from a keyring, or why there is none and what to do. */
export type KeyringReply =
    | {
          readonly token: string;
          /** Whether the Application Default Credentials failed, and gcloud's account was used. */
          readonly isFallback: boolean;
      }
    | { readonly failure: string; readonly fix: string };

const googleBackend = /\bgauth\.GooglePythonAuth\b/;

/** The keyring package in a tool's own Python; undefined if there is none. */
export function packageKeyring(
    tool: string,
    { interpreter, backends }: PythonEnvironment,
    system: System,
): Keyring | undefined {
    return (
        backends && {
            where: `in ${tool}'s own environment (${interpreter})`,
            command: [interpreter, "-m", "keyring"],
            directory: getPathSyntax(system).dirname(interpreter),
            runs: true,
            hasGoogleBackend: backends.some((name) => googleBackend.test(name)),
        }
    );
}

/** The command `keyring` on PATH; undefined if there is none. */
export async function commandKeyring(system: System): Promise<Keyring | undefined> {
    const program = onPath(system, "keyring");
    if (program === undefined) return undefined;
    const { exitCode, stdout } = await run(system, program, ["--list-backends"]);
    return {
        where: `on PATH (${program})`,
        command: [program],
        directory: getPathSyntax(system).dirname(resolved(program)),
        runs: exitCode === 0,
        hasGoogleBackend: googleBackend.test(stdout),
    };
}

/** Asks a keyring for an access token, as the tools do. */
export async function askKeyring(
    system: System,
    { command: [program, ...args] }: Keyring,
    indexUrl: string,
): Promise<KeyringReply> {
    const request = [...args, "get", indexUrl, tokenUsername];
    const { exitCode, stdout, stderr } = await run(system, program, request);
    const token = stdout.trim();
    if (exitCode === 0 && /^[\w.~+/=-]{20,}$/.test(token)) {
        return { token, isFallback: /Failed to retrieve Application Default Credentials/.test(stderr) };
    }
    if (exitCode === undefined) {
        return { failure: "did not answer within a minute", fix: "Check the network and HTTPS_PROXY" };
    }
    const [, why = "", fix = otherCause] = causes.find(([sign]) => sign.test(stderr)) ?? [];
    return { failure: `returned no token${why}`, fix };
}

const signIn =
    "Run gcloud auth application-default login (a user), or name a service account's key file in GOOGLE_APPLICATION_CREDENTIALS";
/** What a keyring prints without a token, why there is none, and what to do. */
const causes: readonly (readonly [sign: RegExp, why: string, fix: string])[] = [
    [
        /invalid_grant|Reauthentication|invalid_rapt/i,
        ": Google rejected the credential (invalid_grant). Its key or account is deleted or disabled, or the login has expired",
        signIn,
    ],
    [
        /ProxyError|SSLError|CERTIFICATE_VERIFY|ConnectionError|Max retries|TransportError/,
        ": it cannot reach Google",
        "Check HTTPS_PROXY and, behind a proxy that decrypts TLS, REQUESTS_CA_BUNDLE",
    ],
    [/Failed to find credentials/, ": it found no credentials", signIn],
];
const otherCause =
    "Run keyring diagnose, and check whether PYTHON_KEYRING_BACKEND or keyringrc.cfg selects a different backend";

/** A path without symbolic links. */
function resolved(path: string): string {
    try {
        return realpathSync(path);
    } catch {
        return path;
    }
}
