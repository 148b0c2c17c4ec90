import * as v from "valibot";
import type { Credential, Form } from "python-registry/clients/credential";
import type { RegistryOutputs } from "./outputs";
import { readInput } from "../machine/input";
import { describeFailure } from "./masking";
import { run } from "../machine/run";
import { onPath, type System, variable } from "../machine/system";

/** A credential, and a description of where it came from. */
export interface FoundCredential {
    readonly credential: Credential;
    readonly from?: string;
}

/** The options of the command line. */
export interface CredentialOptions {
    readonly form: Form;
    /** The id of the dedicated account that the key or token is for. */
    readonly account: string | undefined;
    /** File with the token or the key; `-` for standard input. */
    readonly file: string | undefined;
}

/** Variables from which Google's tools and Terraform's provider read an access token. */
const tokenVariables = ["CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"];

const tokenSchema = v.pipe(v.string(), v.trim(), v.regex(/^[\w.~+/=-]{20,}$/));
const keySchema = v.looseObject({
    type: v.literal("service_account"),
    client_email: v.pipe(v.string(), v.email()),
    private_key: v.pipe(v.string(), v.startsWith("-----BEGIN")),
});

/**
 * Finds the credential. A token comes from a file or standard input, otherwise from the environment, otherwise from
 * gcloud. A key comes from a file or standard input, otherwise from the stack's outputs, otherwise from the environment.
 * A credential is never an argument of the command line.
 *
 * @throws Error that says how to pass one, and never contains what was read
 */
export async function findCredential(
    { form, account, file }: CredentialOptions,
    registry: RegistryOutputs,
    system: System,
): Promise<FoundCredential> {
    if (account !== undefined && !Object.hasOwn(registry.accounts, account)) {
        const known = Object.keys(registry.accounts).join(", ") || "none";
        throw new Error(
            `This registry has no account ${account}. Its accounts: ${known}. Use one of them with --account`,
        );
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
        if (!parsed.success) throw new Error(`${from} does not contain an access token`);
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
            `--auth token needs an access token. Use --credential-file FILE (- for standard input), set ${tokenVariables.join(" or ")}, or install gcloud, which is not on PATH`,
        );
    }
    const impersonated = email === undefined ? [] : [`--impersonate-service-account=${email}`];
    const args = ["auth", "print-access-token", "--quiet", ...impersonated];
    const { exitCode, stdout, stderr } = await run(system, gcloud, args);
    if (exitCode !== 0) {
        throw new Error(`gcloud did not print an access token ${describeFailure({ exitCode, stderr })}`);
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
        if (!parsed.success) throw new Error(`${from} does not contain a service account key (a JSON file)`);
        if (email !== undefined && parsed.output.client_email !== email) {
            throw new Error(`${from} contains a key of ${parsed.output.client_email}, not of ${email}`);
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
        throw new Error(
            `--auth key needs --account, because several accounts have keys. Use one of ${withKeys.join(", ")}`,
        );
    }
    throw new Error(
        keyFiles === undefined
            ? "--auth key needs the keys, but these outputs do not show secrets. Pipe the output of `pulumi stack output --json --show-secrets` to --outputs -, or use --credential-file FILE"
            : `--auth key needs a service account key, but ${account === undefined ? "no account of this registry has one" : `${account} has none`}. Use --credential-file FILE (- for standard input), or set GOOGLE_APPLICATION_CREDENTIALS`,
    );
}
