import * as v from "valibot";
import type { Credential, Form } from "../../src/clients/credential";
import type { RegistryOutputs } from "./outputs";
import { readInput } from "../machine/input";
import { printable } from "./masking";
import { run } from "../machine/run";
import { onPath, type System, variable } from "../machine/system";

/** A credential, and in words where it came from. */
export interface FoundCredential {
    readonly credential: Credential;
    readonly from?: string;
}

/** What was asked for on the command line. */
export interface CredentialOptions {
    readonly form: Form;
    /** A dedicated account's id: whose key, or whom the token is for. */
    readonly account: string | undefined;
    /** File with the token or the key; `-` for standard input. */
    readonly file: string | undefined;
}

/** Variables in which Google's own tools and Terraform's provider take an access token. */
const tokenVariables = ["CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"];

/** Seconds that gcloud may take. */
const gcloudTimeoutSeconds = 60;

const tokenSchema = v.pipe(v.string(), v.trim(), v.regex(/^[\w.~+/=-]{20,}$/));
const keySchema = v.looseObject({
    type: v.literal("service_account"),
    client_email: v.pipe(v.string(), v.email()),
    private_key: v.pipe(v.string(), v.startsWith("-----BEGIN")),
});

/**
 * Finds the credential: a file or standard input before the environment, before the stack's outputs (a key), before
 * gcloud (a token). It never stands on a command line.
 *
 * @throws Error that says how to give one; it never repeats what was read
 */
export async function findCredential(
    { form, account, file }: CredentialOptions,
    registry: RegistryOutputs,
    system: System,
): Promise<FoundCredential> {
    if (account !== undefined && !Object.hasOwn(registry.accounts, account)) {
        const known = Object.keys(registry.accounts).join(", ") || "none";
        throw new Error(`--account ${account} is no account of this registry. Its accounts: ${known}`);
    }
    if (form === "keyring") {
        return { credential: { form } };
    }
    return form === "token"
        ? findToken(account === undefined ? undefined : registry.accounts[account], file, system)
        : findKey(account, file, registry, system);
}

async function findToken(
    email: string | undefined,
    file: string | undefined,
    system: System,
): Promise<FoundCredential> {
    const token = (value: string, from: string): FoundCredential => {
        const parsed = v.safeParse(tokenSchema, value);
        if (!parsed.success) throw new Error(`${from} holds no access token`);
        return { credential: { form: "token", token: parsed.output }, from };
    };
    if (file !== undefined) {
        return token(await readInput(file, system), file === "-" ? "standard input" : file);
    }
    const set = tokenVariables.find((name) => variable(system, name) !== undefined);
    if (set !== undefined && email === undefined) {
        return token(variable(system, set) ?? "", set);
    }
    const gcloud = onPath(system, "gcloud");
    if (gcloud === undefined) {
        throw new Error(
            `--auth token needs an access token: by --credential-file FILE (- for standard input), in ${tokenVariables.join(" or ")}, or from gcloud, which is not on PATH`,
        );
    }
    const impersonated = email === undefined ? [] : [`--impersonate-service-account=${email}`];
    const args = ["auth", "print-access-token", "--quiet", ...impersonated];
    const { exitCode, stdout, stderr } = await run(system, gcloud, args, gcloudTimeoutSeconds);
    if (exitCode !== 0) {
        throw new Error(`gcloud gives no access token: ${printable(stderr) || "it failed without a word"}`);
    }
    return token(stdout, `gcloud${email === undefined ? "" : ` for ${email}`}`);
}

async function findKey(
    account: string | undefined,
    file: string | undefined,
    { keyFiles, accounts }: RegistryOutputs,
    system: System,
): Promise<FoundCredential> {
    const key = (json: string, from: string, email?: string): FoundCredential => {
        const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), keySchema), json);
        if (!parsed.success) throw new Error(`${from} holds no service account key (the JSON file)`);
        if (email !== undefined && parsed.output.client_email !== email) {
            throw new Error(`${from} holds a key of ${parsed.output.client_email}, not of ${email}`);
        }
        return {
            credential: { form: "key", keyBase64: Buffer.from(json).toString("base64") },
            from: `${from}, of ${parsed.output.client_email}`,
        };
    };
    const email = account === undefined ? undefined : accounts[account];
    if (file !== undefined) {
        return key(await readInput(file, system), file === "-" ? "standard input" : file, email);
    }
    const withKeys = Object.keys(keyFiles ?? {});
    const [only] = withKeys;
    const id = account ?? (withKeys.length === 1 ? only : undefined);
    const stored = id === undefined ? undefined : keyFiles?.[id];
    if (stored !== undefined) {
        return key(stored, `the outputs' credentials of ${id ?? ""}`, email);
    }
    const named = variable(system, "GOOGLE_APPLICATION_CREDENTIALS");
    if (named !== undefined) {
        return key(await readInput(named, system), "GOOGLE_APPLICATION_CREDENTIALS", email);
    }
    if (withKeys.length > 1) {
        throw new Error(`--auth key needs --account: one of ${withKeys.join(", ")}`);
    }
    throw new Error(
        keyFiles === undefined
            ? "--auth key needs the keys, which these outputs mask: give what this prints: pulumi stack output --json --show-secrets (to standard input, by --outputs -, rather than to a file), or the key itself by --credential-file FILE"
            : `--auth key needs a service account key: ${account === undefined ? "no account of this registry has one" : `${account} has none`}. Give one by --credential-file FILE (- for standard input) or GOOGLE_APPLICATION_CREDENTIALS`,
    );
}
