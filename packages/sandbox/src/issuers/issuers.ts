import { Hono } from "hono";
import {
    exportJWK,
    exportSPKI,
    generateKeyPair,
    SignJWT,
    UnsecuredJWT,
    type GenerateKeyPairResult,
    type JSONWebKeySet,
} from "jose";
import { randomBytes } from "node:crypto";
import { logged, type Answering, type LoggedRequest } from "../google/request-log";
import { buildkite } from "./buildkite";
import type { Claims } from "./ci-system";
import { githubActions } from "./github-actions";
import { gitlabCi } from "./gitlab-ci";
import { hcpTerraform } from "./hcp-terraform";

/** How a token is signed that its issuer never signed. */
export type Forgery =
    /** With the key of someone else, under the id of the issuer's key. */
    | "otherKey"
    /** With the key of someone else, under its own id. */
    | "unknownKey"
    /** Not at all: the algorithm is `none`. */
    | "unsigned"
    /** With the issuer's public key as a shared secret. */
    | "publicKeyAsSecret";

export interface TokenOptions {
    /** Unless the claims have one. */
    readonly audience?: string;
    /** 300 by default. A negative number: the token has expired already. */
    readonly expiresInSeconds?: number;
    /** 0 by default. */
    readonly issuedSecondsAgo?: number;
    readonly forge?: Forgery;
}

/** The host from which a job of GitHub Actions requests its token. */
const requestHost = "run-actions.actions.githubusercontent.com";

interface TokenRequest {
    readonly bearer: string;
    readonly issuer: string;
    readonly claims: Claims;
    readonly options: TokenOptions;
}

/**
 * The issuers of the systems from which machines come, under their real names: discovery and keys, to which every client of
 * the sandbox's proxy gets, and tokens.
 */
export class Issuers {
    /** Answers discovery, the keys, and the token requests of GitHub Actions. */
    readonly app = new Hono<Answering>();
    /** By URL, without a last slash. */
    readonly #issuers = new Map<string, Issuer>();
    /** By the path of the request. */
    readonly #requests = new Map<string, TokenRequest>();

    constructor(log: LoggedRequest[]) {
        for (const { issuer } of [githubActions, gitlabCi, hcpTerraform, buildkite]) this.#open(issuer);
        this.app.use(logged(log, "issuer"));
        this.app.get("/*", async (c) => {
            const url = new URL(c.req.url);
            if (url.hostname === requestHost) {
                const request = this.#requests.get(url.pathname);
                if (!request || request.bearer !== c.req.header("Authorization"))
                    return c.text("Unauthorized", 401);
                const audience = url.searchParams.get("audience");
                return c.json({
                    value: await this.issue(request.issuer, request.claims, {
                        ...request.options,
                        ...(audience !== null && { audience }),
                    }),
                });
            }
            const issuer = this.#at(url);
            if (!issuer?.reachable) return c.notFound();
            return c.json(
                url.href === issuer.jwksUri
                    ? await issuer.publicKeys()
                    : {
                          issuer: issuer.url,
                          jwks_uri: issuer.jwksUri,
                          response_types_supported: ["id_token"],
                          subject_types_supported: ["public"],
                          id_token_signing_alg_values_supported: ["RS256"],
                      },
            );
        });
    }

    /** Whether a URL belongs to one of the issuers. */
    answers(url: URL): boolean {
        return url.hostname === requestHost || this.#at(url) !== undefined;
    }

    /**
     * A token with these claims, the issuer's URL and times. The issuer exists from its first token on; those that many
     * tenants share always exist. A claim `iss` in `claims` replaces the URL.
     */
    issue(issuer: string, claims: Claims, options: TokenOptions = {}): Promise<string> {
        return this.#open(issuer).issue(claims, options);
    }

    /** The issuer's public keys, as a JSON Web Key Set: what a provider needs that cannot reach the issuer. */
    async jwksJson(issuer: string): Promise<string> {
        return JSON.stringify(await this.#open(issuer).publicKeys());
    }

    /** Puts an issuer behind a firewall: nobody can discover its keys. */
    disconnect(issuer: string) {
        this.#open(issuer).reachable = false;
    }

    /** The issuer signs with a new key from now on, and publishes only that. */
    rotate(issuer: string) {
        this.#open(issuer).rotate();
    }

    /**
     * The environment variables from which a job of GitHub Actions, with the permission `id-token: write`, gets tokens with
     * these claims. https://docs.github.com/en/actions/reference/security/oidc#methods-for-requesting-the-oidc-token
     */
    githubTokenRequest(
        claims: Claims = githubActions.claims,
        { issuer = githubActions.issuer, ...options }: TokenOptions & { issuer?: string } = {},
    ): Record<"ACTIONS_ID_TOKEN_REQUEST_URL" | "ACTIONS_ID_TOKEN_REQUEST_TOKEN", string> {
        const [job, token] = [randomBytes(16).toString("hex"), randomBytes(32).toString("base64url")];
        const path = `/67/idtoken/${job}`;
        this.#requests.set(path, {
            bearer: `Bearer ${token}`,
            issuer,
            claims,
            options: { audience: "https://github.com/acme", ...options },
        });
        return {
            ACTIONS_ID_TOKEN_REQUEST_URL: `https://${requestHost}${path}?api-version=2.0`,
            ACTIONS_ID_TOKEN_REQUEST_TOKEN: token,
        };
    }

    #open(url: string): Issuer {
        const key = withoutSlash(url);
        const issuer = this.#issuers.get(key) ?? new Issuer(url);
        this.#issuers.set(key, issuer);
        return issuer;
    }

    #at({ href }: URL): Issuer | undefined {
        return [...this.#issuers.values()].find(
            ({ discoveryUri, jwksUri }) => href === discoveryUri || href === jwksUri,
        );
    }
}

class Issuer {
    reachable = true;
    readonly discoveryUri: string;
    readonly jwksUri: string;
    /** Generated when it is first needed. */
    #key: Promise<SigningKey> | undefined;

    constructor(readonly url: string) {
        this.discoveryUri = `${withoutSlash(url)}/.well-known/openid-configuration`;
        this.jwksUri = `${withoutSlash(url)}/.well-known/jwks`;
    }

    async publicKeys(): Promise<JSONWebKeySet> {
        const { id, pair } = await (this.#key ??= newKey());
        return { keys: [{ ...(await exportJWK(pair.publicKey)), kid: id, alg: "RS256", use: "sig" }] };
    }

    rotate() {
        this.#key = undefined;
    }

    async issue(
        claims: Claims,
        { audience, expiresInSeconds = 300, issuedSecondsAgo = 0, forge }: TokenOptions,
    ): Promise<string> {
        const now = Math.floor(Date.now() / 1000);
        const payload = {
            iss: this.url,
            ...(audience !== undefined && { aud: audience }),
            iat: now - issuedSecondsAgo,
            nbf: now - issuedSecondsAgo,
            exp: now + expiresInSeconds,
            ...claims,
        };
        const own = await (this.#key ??= newKey());
        if (forge === "unsigned") return new UnsecuredJWT(payload).encode();
        if (forge === "publicKeyAsSecret") {
            const secret = new TextEncoder().encode(await exportSPKI(own.pair.publicKey));
            return new SignJWT(payload).setProtectedHeader({ alg: "HS256", kid: own.id }).sign(secret);
        }
        const key = forge === undefined ? own : await newKey();
        const kid = forge === "unknownKey" ? key.id : own.id;
        return new SignJWT(payload)
            .setProtectedHeader({ alg: "RS256", typ: "JWT", kid })
            .sign(key.pair.privateKey);
    }
}

interface SigningKey {
    readonly id: string;
    readonly pair: GenerateKeyPairResult;
}

async function newKey(): Promise<SigningKey> {
    return {
        id: randomBytes(16).toString("hex"),
        pair: await generateKeyPair("RS256", { extractable: true }),
    };
}

function withoutSlash(url: string): string {
    return url.replace(/\/$/, "");
}
