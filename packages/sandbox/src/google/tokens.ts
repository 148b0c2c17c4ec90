import { Hono } from "hono";
import { decodeProtectedHeader, errors, jwtVerify } from "jose";
import { randomBytes } from "node:crypto";
import type { Cloud, ServiceAccount, WorkloadIdentityPool } from "./cloud";
import { kubernetesAccount } from "./gke-identity";
import { tokenUri } from "./key-file";
import { googleAccount, type Caller } from "./policy";
import { TokenRefusal } from "./token-refusal";
import { logged, type Answering, type LoggedRequest } from "./request-log";

/** Seconds: the lifetime of an access token, and the maximum lifetime of a signed claim. */
const hour = 3600;

interface AccessToken {
    readonly caller: Caller;
    /** The service account that the token was issued to, not a later one with the same name. */
    readonly account?: ServiceAccount;
    /** The pool of a federated identity. */
    readonly pool?: WorkloadIdentityPool;
    /** Milliseconds since the epoch. */
    readonly expires: number;
    readonly scopes: readonly string[];
}

/** The scope that every method of the sandbox needs. */
export const cloudPlatform = "https://www.googleapis.com/auth/cloud-platform";
/** What Google answers, with 403, if a token lacks that scope. */
export const insufficientScopes = "Request had insufficient authentication scopes.";

/** OAuth access tokens: random strings that only their issuer can interpret. */
export class AccessTokens {
    readonly #issued = new Map<string, AccessToken>();

    constructor(private readonly cloud: Cloud) {}

    /**
     * A token for a Google account or a Kubernetes service account.
     * @param scopes of a machine in Google Cloud, whose owner limits them
     * @throws Error for a service account that its project does not have
     */
    issue(principal: string, lifetimeSeconds = hour, scopes: readonly string[] = [cloudPlatform]): string {
        const email = /^serviceAccount:(.+)$/.exec(principal)?.[1] ?? "";
        if (this.cloud.lacksServiceAccount(email)) {
            throw new Error(`no token can be issued: there is no service account ${email}`);
        }
        const account = this.cloud.findServiceAccount(email);
        return this.#issue(kubernetesAccount(principal) ?? googleAccount(principal), lifetimeSeconds, {
            ...(account && { account }),
            scopes,
        });
    }

    /** A token for an identity that a pool has admitted. */
    issueFederated(caller: Caller, pool: WorkloadIdentityPool, lifetimeSeconds: number): string {
        return this.#issue(caller, lifetimeSeconds, { pool, scopes: [cloudPlatform] });
    }

    #issue(
        caller: Caller,
        lifetimeSeconds: number,
        holder: Pick<AccessToken, "account" | "pool" | "scopes">,
    ): string {
        const token = `ya29.${randomBytes(96).toString("base64url")}`;
        this.#issued.set(token, { caller, ...holder, expires: Date.now() + lifetimeSeconds * 1000 });
        return token;
    }

    /** Whether a token may be used for everything that its caller may do. */
    hasCloudPlatform(token: string): boolean {
        return this.#issued.get(token)?.scopes.includes(cloudPlatform) === true;
    }

    /** The caller, the account and the expiry of a token; undefined in the same cases as `callerOf`. */
    describe(token: string): AccessToken | undefined {
        return this.findCaller(token) === undefined ? undefined : this.#issued.get(token);
    }

    /**
     * The caller with a token; undefined if it is unknown or expired, or if its account or pool is deleted or disabled.
     * The tokens of a provider stay valid without it.
     * https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/delete
     */
    findCaller(token: string): Caller | undefined {
        const issued = this.#issued.get(token);
        if (!issued || issued.expires <= Date.now()) return undefined;
        const { caller, account, pool } = issued;
        const valid =
            (!account || (this.cloud.findServiceAccount(account.email) === account && !account.disabled)) &&
            (!pool || (!pool.expires && !pool.settings.disabled));
        return valid ? caller : undefined;
    }
}

/**
 * The OAuth server: issues an access token to a service account for a claim that it signed with one of its keys.
 * https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 */
export function tokenEndpoint(cloud: Cloud, tokens: AccessTokens, log: LoggedRequest[]): Hono<Answering> {
    const app = new Hono<Answering>();
    app.use(logged(log, "token"));
    app.post("/token", async (c) => {
        const form = new URLSearchParams(await c.req.text());
        if (form.get("grant_type") !== "urn:ietf:params:oauth:grant-type:jwt-bearer") {
            throw new TokenRefusal("unsupported_grant_type", "Invalid grant_type");
        }
        const principal = `serviceAccount:${await signer(cloud, form.get("assertion") ?? "")}`;
        c.set("principal", principal);
        c.header("Cache-Control", "no-store");
        return c.json({ access_token: tokens.issue(principal), expires_in: hour - 1, token_type: "Bearer" });
    });
    app.post("/tokeninfo", async (c) => {
        const form = new URLSearchParams(await c.req.text());
        const found = tokens.describe(form.get("access_token") ?? "");
        // It knows Google accounts only.
        if (!found || found.caller.principal.startsWith("principal:")) {
            throw new TokenRefusal("invalid_token", "Invalid Value");
        }
        c.set("principal", found.caller.principal);
        return c.json(tokenInfo(found));
    });
    app.onError((refusal, c) => {
        if (!(refusal instanceof TokenRefusal)) throw refusal;
        return c.json(refusal.body, 400);
    });
    return app;
}

/**
 * Google's description of an access token, in which all values are text. A user's token has the e-mail address, because
 * gcloud requests that scope; a service account's token does not, if it was requested for cloud-platform only.
 * https://developers.google.com/identity/protocols/oauth2
 */
function tokenInfo({ caller, account, expires, scopes }: AccessToken): Record<string, string> {
    const client = account?.uniqueId ?? "32555940559.apps.googleusercontent.com";
    const life = {
        exp: String(Math.floor(expires / 1000)),
        expires_in: String(Math.floor((expires - Date.now()) / 1000)),
    };
    const email = /^user:(.+)$/.exec(caller.principal)?.[1];
    return email === undefined
        ? { azp: client, aud: client, scope: scopes.join(" "), ...life, access_type: "online" }
        : {
              azp: client,
              aud: client,
              scope: `openid https://www.googleapis.com/auth/userinfo.email ${cloudPlatform}`,
              ...life,
              email,
              email_verified: "true",
              access_type: "offline",
          };
}

/** The address of the account that signed an assertion. */
async function signer(cloud: Cloud, assertion: string): Promise<string> {
    try {
        const { kid = "" } = decodeProtectedHeader(assertion);
        const found = cloud.usableKey(kid);
        if (!found) throw new TokenRefusal("invalid_grant", "Invalid JWT Signature.");
        const { payload } = await jwtVerify(assertion, found.key.publicKey, {
            algorithms: ["RS256"],
            issuer: found.account.email,
            audience: tokenUri,
            requiredClaims: ["iat", "exp"],
            maxTokenAge: hour,
            clockTolerance: 30,
        });
        const { iat = 0, exp = 0, sub = payload.iss, scope } = payload;
        if (exp - iat > hour) throw new errors.JWTExpired("too long", payload);
        if (sub !== payload.iss) {
            throw new TokenRefusal(
                "unauthorized_client",
                "The sandbox does not support domain-wide delegation.",
            );
        }
        if (!scope)
            throw new TokenRefusal("invalid_scope", "Invalid OAuth scope or ID token audience provided.");
        return found.account.email;
    } catch (error) {
        throw error instanceof TokenRefusal ? error : new TokenRefusal("invalid_grant", description(error));
    }
}

function description(error: unknown): string {
    if (
        error instanceof errors.JWTExpired ||
        (error instanceof errors.JWTClaimValidationFailed && error.claim === "iat")
    ) {
        return (
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. " +
            "Check your iat and exp values in the JWT claim."
        );
    }
    if (error instanceof errors.JWTClaimValidationFailed) return `Invalid JWT: Failed ${error.claim} check.`;
    return "Invalid JWT Signature.";
}
