import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { expandPath } from "../machine/paths";
import { run } from "../machine/run";
import { onPath, getPathSyntax, type System, variable } from "../machine/system";
import { type Finding, passed, problem, skipped, warning } from "./findings";
import type { KeyringReply } from "./keyring";
import type { Network } from "../machine/network";

/** The identity that Google's client library uses, and the keyring with it; or why it finds none. */
export interface DefaultIdentity {
    /** A variable, a command, or the metadata server. */
    readonly from: string;
    /** The file that holds the credential. */
    readonly file?: string;
    /** In words. */
    readonly who?: string;
    readonly email?: string;
    readonly error?: string;
}

export interface Identities {
    /** Application Default Credentials; undefined if there are none. */
    readonly default: DefaultIdentity | undefined;
    /** gcloud's own account, which is used where those fail. */
    readonly gcloud: string | undefined;
}

/** What the library reads in a file of credentials. https://google.aip.dev/auth/4110 */
const fileSchema = v.looseObject({
    type: v.string(),
    client_email: v.optional(v.string()),
    account: v.optional(v.string()),
    audience: v.optional(v.string()),
    service_account_impersonation_url: v.optional(v.string()),
});

/**
 * Finds the identity that would be used: Application Default Credentials before gcloud's account, as google-auth's
 * `default()` and the keyring backend do.
 *
 * @see https://cloud.google.com/docs/authentication/application-default-credentials
 */
export async function findIdentities(system: System, network: Network): Promise<Identities> {
    const [found, gcloud] = await Promise.all([findDefault(system, network), gcloudAccount(system)]);
    return { default: found, gcloud };
}

/**
 * Reports which identity the keyring uses, and whether that is likely the intended one.
 *
 * @param reply of a keyring that returned a token
 * @param email of that token's account, according to Google
 */
export function identityFinding(
    { default: found, gcloud }: Identities,
    reply: Extract<KeyringReply, { token: string }> | undefined,
    email: string | undefined,
): Finding {
    const login = "gcloud auth application-default login";
    if (found === undefined) {
        if (gcloud !== undefined) {
            return reply === undefined
                ? skipped("identity", `The keyring would use gcloud's account ${gcloud}`)
                : passed("identity", `The keyring uses gcloud's account ${gcloud}`);
        }
        const none = "There are no Application Default Credentials, and gcloud has no account";
        if (reply === undefined) return problem("identity", none, `Run: ${login}`);
        const unknown = "The keyring returned a token, but its account is unknown";
        return passed("identity", email === undefined ? unknown : `The keyring uses ${email}`);
    }
    const isByVariable = found.from.startsWith("GOOGLE_");
    const file = found.file === undefined ? "" : ` (${found.file})`;
    if (found.error !== undefined || reply?.isFallback === true) {
        const broken = `The Application Default Credentials from ${found.from} do not work: ${found.error ?? `Google rejects them${file}`}`;
        const fix = isByVariable ? `Correct or unset ${found.from}` : `Run: ${login}`;
        return gcloud === undefined
            ? problem("identity", broken, fix)
            : warning("identity", `${broken}. gcloud's account ${email ?? gcloud} is used instead`, fix);
    }
    const origin = `by Application Default Credentials from ${found.from}${file}`;
    const address = email ?? found.email;
    if (gcloud !== undefined && address !== undefined && address.toLowerCase() !== gcloud.toLowerCase()) {
        const fix = isByVariable ? `unset ${found.from}` : `run ${login} as ${gcloud}`;
        const message = `The keyring uses ${address}, ${origin}, and not gcloud's account ${gcloud}`;
        return warning("identity", message, `If you did not intend this, ${fix}`);
    }
    const { who } = found;
    const shown = who === undefined || (address !== undefined && !who.includes(address)) ? address : who;
    const message = `${shown ?? "an unknown account"}, ${origin}`;
    return reply === undefined
        ? skipped("identity", `The keyring would use ${message}`)
        : passed("identity", `The keyring uses ${message}`);
}

async function findDefault(system: System, network: Network): Promise<DefaultIdentity | undefined> {
    const paths = getPathSyntax(system);
    const named = variable(system, "GOOGLE_APPLICATION_CREDENTIALS");
    if (named !== undefined) {
        const file = paths.resolve(system.workingDirectory, named);
        return readIdentity("GOOGLE_APPLICATION_CREDENTIALS", file);
    }
    const folder =
        variable(system, "CLOUDSDK_CONFIG") ??
        expandPath(system.kind === "windows" ? "%APPDATA%\\gcloud" : "~/.config/gcloud", system);
    const file = paths.join(folder, "application_default_credentials.json");
    if (system.exists(file)) {
        return readIdentity("gcloud auth application-default login", file);
    }
    const email = await network.machineAccount();
    return email === undefined
        ? undefined
        : { from: "the metadata server", who: `the machine's service account ${email}`, email };
}

async function readIdentity(from: string, file: string): Promise<DefaultIdentity> {
    let text: string;
    try {
        text = await readFile(file, "utf8");
    } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        const reason = code === "ENOENT" ? "does not exist" : `cannot be read (${code ?? "unknown reason"})`;
        return { from, error: `${file} ${reason}` };
    }
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), fileSchema), text);
    if (!parsed.success) return { from, file, error: `${file} is not a JSON file of Google credentials` };
    const { type, client_email, account, audience, service_account_impersonation_url: url } = parsed.output;
    const identity = (who: string, email?: string) => ({ from, file, who, ...(email && { email }) });
    const impersonated = /\/serviceAccounts\/([^/:]+):/.exec(url ?? "")?.[1];
    switch (type) {
        case "service_account":
            return identity(`the service account ${client_email ?? "?"}`, client_email);
        case "authorized_user":
            return identity(account || "a user account", account);
        case "impersonated_service_account":
        case "external_account":
        case "external_account_authorized_user":
            return impersonated === undefined
                ? identity(`a principal of ${audience ?? "a workload identity pool"}`)
                : identity(`the service account ${impersonated}, impersonated`, impersonated);
        default:
            return { from, file, error: `${file} has a type that Google's library does not know` };
    }
}

async function gcloudAccount(system: System): Promise<string | undefined> {
    const gcloud = onPath(system, "gcloud");
    if (gcloud === undefined) return undefined;
    const { exitCode, stdout } = await run(system, gcloud, ["config", "get", "account", "--quiet"]);
    const account = stdout.trim();
    return exitCode === 0 && /^\S+@\S+$/.test(account) ? account : undefined;
}
