import { Hono, type Context } from "hono";
import {
    compactVerify,
    createLocalJWKSet,
    decodeJwt,
    errors,
    type JSONWebKeySet,
    type JWTPayload,
} from "jose";
import * as v from "valibot";
import type { Cloud, IdentityProvider } from "./cloud";
import { federatedCaller } from "./federated-identity";
import { camelCase, GoogleError } from "./google-api";
import { logged, type Answering, type LoggedRequest } from "./request-log";
import { requireApi } from "./service-usage-api";
import { TokenRefusal } from "./token-refusal";
import type { AccessTokens } from "./tokens";
import { identityName } from "./workload-identity-api";

const api = { name: "sts.googleapis.com", title: "Security Token Service API" };

/** The global endpoint and those of the regions. */
export const stsHost = /^sts\.(?:[a-z0-9-]+\.rep\.)?googleapis\.com$/;

/** Seconds by which clocks may differ. */
const clockTolerance = 60;
const maximumLifetime = 3600;

const tokenType = "urn:ietf:params:oauth:token-type:";

/** A request in the names of the JSON form. */
const exchange = v.object({
    grantType: v.literal("urn:ietf:params:oauth:grant-type:token-exchange"),
    requestedTokenType: v.literal(`${tokenType}access_token`),
    subjectTokenType: v.picklist([`${tokenType}jwt`, `${tokenType}id_token`]),
    scope: v.pipe(v.string(), v.regex(/^https:\/\/www\.googleapis\.com\/auth\/\S+/)),
    subjectToken: v.pipe(v.string(), v.nonEmpty()),
    audience: v.pipe(
        v.string(),
        v.regex(
            /^\/\/iam\.googleapis\.com\/projects\/\d+\/locations\/global\/workloadIdentityPools\/[^/]+\/providers\/[^/]+$/,
        ),
    ),
});

/** Gets a public document, such as an issuer's keys. */
export type FetchPublic = (request: Request) => Response | Promise<Response>;

/**
 * The Security Token Service: gives an access token for the token of an issuer that a pool trusts. It verifies everything.
 * https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
 */
export function securityTokenService(
    cloud: Cloud,
    tokens: AccessTokens,
    fetchPublic: FetchPublic,
    log: LoggedRequest[],
): Hono<Answering> {
    const app = new Hono<Answering>();
    app.use(logged(log, "token"));
    app.post("/v1/token", async (c) => {
        const { audience, subjectToken } = await exchangeRequest(c);
        const provider = usableProvider(cloud, audience);
        requireApi(provider.pool.project, api);
        const claims = await verifiedClaims(provider, subjectToken, fetchPublic);
        const caller = federatedCaller(provider, claims);
        const left = Math.floor((claims.exp ?? 0) - Date.now() / 1000);
        const lifetime = Math.max(1, Math.min(left, maximumLifetime));
        c.set("principal", caller.principal);
        c.header("Cache-Control", "no-store");
        return c.json({
            access_token: tokens.issueFederated(caller, provider.pool, lifetime),
            issued_token_type: `${tokenType}access_token`,
            token_type: "Bearer",
            expires_in: lifetime,
        });
    });
    app.onError((error, c) => {
        if (error instanceof TokenRefusal) return c.json(error.body, 400);
        if (error instanceof GoogleError) return c.json(error.body, error.code);
        throw error;
    });
    return app;
}

/** @throws TokenRefusal invalid_request */
async function exchangeRequest(c: Context): Promise<v.InferOutput<typeof exchange>> {
    const text = await c.req.text();
    let fields: Record<string, unknown>;
    try {
        fields = c.req.header("Content-Type")?.startsWith("application/json")
            ? (JSON.parse(text) as Record<string, unknown>)
            : Object.fromEntries(new URLSearchParams(text));
    } catch {
        throw new TokenRefusal("invalid_request", "Invalid JSON payload received.");
    }
    const named = Object.fromEntries(Object.entries(fields).map(([name, each]) => [camelCase(name), each]));
    const result = v.safeParse(exchange, named, { abortEarly: true });
    if (result.success) return result.output;
    const field = v.getDotPath(result.issues[0]) ?? "";
    throw new TokenRefusal(
        "invalid_request",
        field === "audience"
            ? 'Invalid value for "audience". This value should be the full resource name of the Identity Provider. See ' +
                  "https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token for the list of possible formats."
            : `Invalid value for "${field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}".`,
    );
}

/**
 * The provider that an audience names, if it and its pool are neither deleted nor disabled.
 * @throws TokenRefusal invalid_target
 */
function usableProvider(cloud: Cloud, audience: string): IdentityProvider {
    const [, number, poolId = "", providerId = ""] =
        /^\/\/iam\.googleapis\.com\/projects\/(\d+)\/.+\/workloadIdentityPools\/(.+)\/providers\/(.+)$/.exec(
            audience,
        ) ?? [];
    const project = [...cloud.projects.values()].find((each) => each.number === number);
    const pool = project?.workloadIdentityPools.get(poolId);
    const provider = pool?.providers.get(providerId);
    const usable = [pool, provider].every((each) => each && !each.expires && !each.settings.disabled);
    if (provider && usable) return provider;
    throw new TokenRefusal(
        "invalid_target",
        'The target service indicated by the "audience" parameters is invalid. This might either be because the pool ' +
            "or provider is disabled or deleted or because it doesn't exist.",
    );
}

/**
 * The claims of a token, once its issuer, signature, audience and times are verified.
 * @throws TokenRefusal invalid_grant
 */
async function verifiedClaims(
    provider: IdentityProvider,
    token: string,
    fetchPublic: FetchPublic,
): Promise<JWTPayload> {
    const { issuerUri, allowedAudiences = [] } = provider.settings.oidc;
    let claims: JWTPayload;
    try {
        claims = decodeJwt(token);
    } catch {
        throw new TokenRefusal("invalid_grant", "Unable to parse the ID Token.");
    }
    if (claims.iss !== issuerUri) {
        throw new TokenRefusal(
            "invalid_grant",
            `The issuer in ID Token ${claims.iss ?? "null"} does not match the expected one in config: ${issuerUri}.`,
        );
    }
    await verifySignature(token, await getKeys(provider, fetchPublic));
    const audiences = [claims.aud ?? []].flat();
    const name = `//iam.googleapis.com/${identityName(provider)}`;
    const allowed = allowedAudiences.length > 0 ? allowedAudiences : [name, `https:${name}`];
    if (!audiences.some((each) => allowed.includes(each))) {
        throw new TokenRefusal(
            "invalid_grant",
            `The audience in ID Token [${audiences.join(", ")}] does not match the expected audience.`,
        );
    }
    const now = Date.now() / 1000;
    const { iat, nbf = 0, exp = 0 } = claims;
    const early = Math.max(iat ?? Infinity, nbf) > now + clockTolerance;
    if (early || exp <= now - clockTolerance) {
        throw new TokenRefusal("invalid_grant", `ID Token issued at ${iat ?? "null"} is stale to sign-in.`);
    }
    return claims;
}

/** @throws TokenRefusal invalid_grant */
async function verifySignature(token: string, keys: JSONWebKeySet) {
    try {
        await compactVerify(token, createLocalJWKSet(keys), { algorithms: ["RS256", "ES256"] });
    } catch (error) {
        throw error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys
            ? unreachable()
            : new TokenRefusal("invalid_grant", "Unable to verify the ID Token signature.");
    }
}

const discovery = v.object({ issuer: v.string(), jwks_uri: v.pipe(v.string(), v.startsWith("https://")) });
const keySet = v.object({ keys: v.array(v.looseObject({ kty: v.string() })) });

/**
 * The keys that a provider was given, else those that its issuer publishes.
 * @throws TokenRefusal invalid_grant
 */
async function getKeys({ settings }: IdentityProvider, fetchPublic: FetchPublic): Promise<JSONWebKeySet> {
    const { issuerUri, jwksJson } = settings.oidc;
    const get = async (url: string): Promise<unknown> => (await fetchPublic(new Request(url))).json();
    try {
        if (jwksJson) return v.parse(keySet, JSON.parse(jwksJson));
        const base = issuerUri.replace(/\/$/, "");
        const found = v.parse(discovery, await get(`${base}/.well-known/openid-configuration`));
        if (found.issuer !== issuerUri) throw unreachable();
        return v.parse(keySet, await get(found.jwks_uri));
    } catch {
        throw unreachable();
    }
}

function unreachable(): TokenRefusal {
    return new TokenRefusal("invalid_grant", "Error connecting to the given credential's issuer.");
}
