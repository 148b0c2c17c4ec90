import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { type Finding, fine, problem, warning } from "./findings";
import type { Network } from "./probe";
import type { KeyringAnswer } from "./python-environment";
import { run } from "../machine/run";
import { onPath, pathsOf, type System, variable } from "../machine/system";

/** Whom Google's client library takes, and the keyring with it; or why it takes nobody. */
export interface DefaultIdentity {
    /** Where it comes from: a variable, gcloud's file, the machine. */
    readonly from: string;
    /** The file that holds the credential. */
    readonly file?: string;
    /** In words. */
    readonly who?: string;
    readonly email?: string;
    readonly problem?: string;
}

export interface Identities {
    /** Application Default Credentials; undefined if there are none. */
    readonly default: DefaultIdentity | undefined;
    /** gcloud's own account, which is taken where those fail. */
    readonly gcloud: string | undefined;
}

/** What the library reads of a file of credentials. https://google.aip.dev/auth/4110 */
const fileSchema = v.looseObject({
    type: v.string(),
    client_email: v.optional(v.string()),
    account: v.optional(v.string()),
    audience: v.optional(v.string()),
    service_account_impersonation_url: v.optional(v.string()),
});

/**
 * Finds out which identity would be used: Application Default Credentials before gcloud's account, as google-auth's
 * `default()` and the keyring backend do.
 *
 * @see https://cloud.google.com/docs/authentication/application-default-credentials
 */
export async function findIdentities(system: System, network: Network): Promise<Identities> {
    const [found, gcloud] = await Promise.all([findDefault(system, network), gcloudAccount(system)]);
    return { default: found, gcloud };
}

/**
 * Which identity the keyring takes, and whether that is the one that is meant.
 *
 * @param answer of a keyring that gave a token
 * @param email of that token, as Google tells it
 */
export function identityFindings(
    { default: found, gcloud }: Identities,
    answer: Extract<KeyringAnswer, { token: string }> | undefined,
    email: string | undefined,
): Finding[] {
    const login = "gcloud auth application-default login";
    if (found === undefined) {
        if (gcloud !== undefined) return [fine(undefined, "identity", `gcloud's account, ${gcloud}`)];
        const none = "neither Application Default Credentials nor an account of gcloud's";
        return [
            answer === undefined
                ? problem(undefined, "identity", none, `run: ${login}`)
                : fine(undefined, "identity", email ?? "the keyring has one, whose cannot be found out"),
        ];
    }
    const byVariable = found.from.startsWith("GOOGLE_");
    const file = found.file === undefined ? "" : ` (${found.file})`;
    if (found.problem !== undefined || answer?.fallback === true) {
        const broken = `the Application Default Credentials from ${found.from} do not work: ${found.problem ?? `Google refuses them${file}`}`;
        const fix = byVariable ? `correct or unset ${found.from}` : `run: ${login}`;
        return [
            gcloud === undefined
                ? problem(undefined, "identity", broken, fix)
                : warning(
                      undefined,
                      "identity",
                      `${broken}; gcloud's account ${email ?? gcloud} is taken instead`,
                      fix,
                  ),
        ];
    }
    const who = email ?? found.email;
    if (gcloud !== undefined && who !== undefined && who.toLowerCase() !== gcloud.toLowerCase()) {
        const message = `${who}, by Application Default Credentials from ${found.from}${file}, and not gcloud's account ${gcloud}`;
        const fix = byVariable ? `unset ${found.from}` : `run ${login} as ${gcloud}`;
        return [warning(undefined, "identity", message, `if that is not meant: ${fix}`)];
    }
    const whom = found.who === undefined || (who !== undefined && !found.who.includes(who)) ? who : found.who;
    const message = `${whom ?? "somebody"}, by Application Default Credentials from ${found.from}${file}`;
    return [fine(undefined, "identity", message)];
}

async function findDefault(system: System, network: Network): Promise<DefaultIdentity | undefined> {
    const paths = pathsOf(system);
    const named = variable(system, "GOOGLE_APPLICATION_CREDENTIALS");
    if (named !== undefined) {
        const file = paths.resolve(system.workingDirectory, named);
        return readIdentity("GOOGLE_APPLICATION_CREDENTIALS", file);
    }
    const file = paths.join(gcloudFolder(system), "application_default_credentials.json");
    if (system.exists(file)) {
        return readIdentity("gcloud auth application-default login", file);
    }
    const email = await network.machineAccount();
    return email === undefined
        ? undefined
        : { from: "the metadata server", who: `the machine's service account ${email}`, email };
}

function gcloudFolder(system: System): string {
    const paths = pathsOf(system);
    const set = variable(system, "CLOUDSDK_CONFIG");
    if (set !== undefined) return set;
    return system.kind === "windows"
        ? paths.join(variable(system, "APPDATA") ?? paths.join(system.home, "AppData", "Roaming"), "gcloud")
        : paths.join(system.home, ".config", "gcloud");
}

async function readIdentity(from: string, file: string): Promise<DefaultIdentity> {
    let text: string;
    try {
        text = await readFile(file, "utf8");
    } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        const reason = code === "ENOENT" ? "is not there" : `cannot be read (${code ?? "unknown reason"})`;
        return { from, problem: `${file} ${reason}` };
    }
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), fileSchema), text);
    if (!parsed.success) return { from, file, problem: `${file} is no file of Google credentials (JSON)` };
    const {
        type,
        client_email: email,
        account,
        audience,
        service_account_impersonation_url: url,
    } = parsed.output;
    const impersonated = /\/serviceAccounts\/([^/:]+):/.exec(url ?? "")?.[1];
    switch (type) {
        case "service_account":
            return {
                from,
                file,
                who: `the service account ${email ?? "?"}`,
                ...(email !== undefined && { email }),
            };
        case "authorized_user":
            return account === undefined || account === ""
                ? { from, file, who: "a person" }
                : { from, file, who: account, email: account };
        case "impersonated_service_account":
        case "external_account":
        case "external_account_authorized_user":
            return impersonated === undefined
                ? { from, file, who: `a principal of ${audience ?? "a workload identity pool"}` }
                : {
                      from,
                      file,
                      who: `the service account ${impersonated}, impersonated`,
                      email: impersonated,
                  };
        default:
            return { from, file, problem: `${file} is of a type that Google's library does not know` };
    }
}

async function gcloudAccount(system: System): Promise<string | undefined> {
    const gcloud = onPath(system, "gcloud");
    if (gcloud === undefined) return undefined;
    const { exitCode, stdout } = await run(system, gcloud, ["config", "get", "account", "--quiet"], 20);
    const account = stdout.trim();
    return exitCode === 0 && /^\S+@\S+$/.test(account) ? account : undefined;
}
