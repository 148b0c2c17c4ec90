import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { importPKCS8, SignJWT } from "jose";
import { fetch, ProxyAgent, type RequestInit } from "undici";
import type { ClientFileOutputs } from "../../packages/sandbox/src/client-files";
import { runProgram } from "../../packages/sandbox/src/engines/in-process-engine";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import type { Repository } from "../../packages/sandbox/src/google/cloud";
import type { Claims } from "../../packages/sandbox/src/issuers/ci-system";
import type { TokenOptions } from "../../packages/sandbox/src/issuers/issuers";
import { type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";
import { type Login, project, projectNumber } from "./identities";
import { credentialConfigurationIn } from "./snippet-login";

/** The outputs of the program that the tests use. */
export interface StackOutputs extends ClientFileOutputs {
    readonly repository: { readonly indexUrl: string; readonly uploadUrl: string; readonly name: string };
    readonly clients: Readonly<Record<string, Readonly<Record<string, string>>>>;
    readonly ci?: Readonly<Record<string, string>>;
    readonly access: { readonly workloads?: Readonly<Record<string, { readonly principal: string }>> };
}

/** Where a request came to its end: in the login, or at the registry. */
export type Step = "token exchange" | "impersonation" | "login with a key" | "registry";

/** The answer to a request. */
export interface Answer {
    readonly step: Step;
    readonly status: number;
    /** The service's own words. */
    readonly text: string;
}

/** A login that was refused. */
export class LoginRefused extends Error {
    constructor(readonly answer: Answer) {
        super(`${answer.step}: ${answer.status} ${answer.text}`);
    }
}

/** How a login differs from that of an honest client. */
export interface Deviation {
    /** Claims that replace those of the identity; one that is undefined is left out. */
    readonly claims?: Claims;
    /** The issuer that signs the token. */
    readonly issuer?: string;
    readonly token?: TokenOptions;
    /** Changes the signed token. */
    readonly tamper?: (token: string) => string;
    /** The id of the service account to impersonate; null: none. */
    readonly impersonate?: string | null;
}

/** A stack that the program created in a sandbox, and what the outside world can do with it. */
export class AccessStack implements AsyncDisposable {
    readonly #agent: ProxyAgent;
    /** By identity: a machine has one metadata server. */
    readonly #machines = new Map<string, Promise<Readonly<Record<string, string>>>>();

    private constructor(
        readonly sandbox: Sandbox,
        /** The outputs of the program, unmodified. */
        readonly outputs: StackOutputs,
    ) {
        this.#agent = new ProxyAgent({
            uri: sandbox.proxyUrl,
            requestTls: { ca: readFileSync(sandbox.caFile, "utf8") },
        });
    }

    /** @param configuration of the stack, or a function that makes it from what the sandbox has */
    static async up(
        configuration:
            | Readonly<Record<string, unknown>>
            | ((sandbox: Sandbox) => Promise<Readonly<Record<string, unknown>>>),
    ): Promise<AccessStack> {
        const sandbox = await startSandbox({ project, projectNumber });
        try {
            const settings =
                typeof configuration === "function" ? await configuration(sandbox) : configuration;
            return new AccessStack(sandbox, await getOutputs(sandbox, settings));
        } catch (error) {
            await sandbox.close();
            throw error;
        }
    }

    /** Runs the program again, on what the first run left. It must import that or leave it alone, because it has no state. */
    upAgain(configuration: Readonly<Record<string, unknown>>): Promise<StackOutputs> {
        return getOutputs(this.sandbox, configuration);
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await this.#agent.close();
        await this.sandbox.close();
    }

    /** The state of the repository. */
    get repository(): Repository {
        const { cloud } = this.sandbox;
        return cloud.repository(cloud.project(project), "europe-west1", "python");
    }

    /** A request through the proxy, under the real name of the host. */
    async request(url: string, init: RequestInit = {}): Promise<{ status: number; text: string }> {
        const response = await fetch(url, { ...init, dispatcher: this.#agent });
        return { status: response.status, text: await response.text() };
    }

    /** A call of Google's APIs as the operator. */
    async asOperator(method: string, url: string, body?: object): Promise<void> {
        const { status, text } = await this.request(url, {
            method,
            headers: {
                authorization: `Bearer ${this.sandbox.accessToken}`,
                "content-type": "application/json",
            },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        assert.equal(status, 200, `${method} ${url}: ${text}`);
    }

    /**
     * An access token for an identity, exchanged as its clients do it; undefined if it has no credential.
     *
     * @throws LoginRefused
     */
    async login(login: Login, deviation: Deviation = {}): Promise<string | undefined> {
        switch (login.kind) {
            case "none":
                return undefined;
            case "person":
                return this.sandbox.issueToken(login.member);
            case "key":
                return this.#signIn(login.account);
            case "impersonation":
                return this.#impersonate(
                    this.sandbox.issueToken(login.member),
                    impersonationUrl(
                        deviation.impersonate === undefined ? login.account : deviation.impersonate,
                    ),
                );
            case "machine": {
                const variables = await this.machine(login.member);
                const url = `http://${variables["GCE_METADATA_HOST"] ?? ""}/computeMetadata/v1/instance/service-accounts/default/token`;
                const reply = await this.request(url, { headers: { "Metadata-Flavor": "Google" } });
                const own = getField(answered("token exchange", reply), "access_token");
                const account = accountIn(this.snippet(login.workload));
                return this.#impersonate(
                    own,
                    impersonationUrl(deviation.impersonate === undefined ? account : deviation.impersonate),
                );
            }
            case "federation":
                return this.#federated(login, deviation);
        }
    }

    /** The variables of a machine whose metadata server gives tokens of this member. */
    machine(member: string): Promise<Readonly<Record<string, string>>> {
        const started = this.#machines.get(member) ?? this.sandbox.startMetadataServer(member);
        this.#machines.set(member, started);
        return started;
    }

    /** The snippet of a workload, unmodified. */
    snippet(workload: string): string {
        const snippet = this.outputs.ci?.[workload];
        assert.ok(snippet !== undefined, `there is no snippet of ${workload}`);
        return snippet;
    }

    /** What a client does with the credential configuration in a snippet. https://google.aip.dev/auth/4117 */
    async #federated(
        login: Extract<Login, { kind: "federation" }>,
        { claims, issuer = login.issuer, token: options, tamper, impersonate }: Deviation,
    ): Promise<string> {
        const configuration = credentialConfigurationIn(this.snippet(login.workload));
        const all: Claims = { ...login.claims, ...claims };
        const signed = await this.sandbox.issuers.issue(issuer, all, {
            audience: `https:${configuration.audience}`,
            ...options,
        });
        const reply = await this.request(configuration.token_url, {
            method: "POST",
            headers: { "content-type": "application/x-www-form-urlencoded" },
            body: new URLSearchParams({
                grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
                requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
                subject_token_type: configuration.subject_token_type,
                scope: cloudPlatform,
                audience: configuration.audience,
                subject_token: tamper === undefined ? signed : tamper(signed),
            }).toString(),
        });
        return this.#impersonate(
            getField(answered("token exchange", reply), "access_token"),
            impersonate === undefined
                ? configuration.service_account_impersonation_url
                : impersonationUrl(impersonate),
        );
    }

    /** A token of the service account; the given one if there is no account. @throws LoginRefused */
    async #impersonate(token: string, url: string | undefined): Promise<string> {
        if (url === undefined) return token;
        const reply = await this.request(url, {
            method: "POST",
            headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
            body: JSON.stringify({ scope: [cloudPlatform] }),
        });
        return getField(answered("impersonation", reply), "accessToken");
    }

    /** A token for a service account's key. @throws LoginRefused */
    async #signIn(account: string): Promise<string> {
        const credential = this.outputs.credentials[account];
        assert.ok(credential !== undefined, `there is no key of ${account}`);
        return this.signInWith(credential.keyFile);
    }

    /** A token for a key file, as Google's libraries get it. @throws LoginRefused */
    async signInWith(keyFile: string): Promise<string> {
        const key = JSON.parse(keyFile) as Record<string, string>;
        const assertion = await new SignJWT({ scope: cloudPlatform })
            .setProtectedHeader({ alg: "RS256", kid: key["private_key_id"] ?? "" })
            .setIssuer(key["client_email"] ?? "")
            .setAudience(key["token_uri"] ?? "")
            .setIssuedAt()
            .setExpirationTime("1h")
            .sign(await importPKCS8(key["private_key"] ?? "", "RS256"));
        const reply = await this.request(key["token_uri"] ?? "", {
            method: "POST",
            headers: { "content-type": "application/x-www-form-urlencoded" },
            body: new URLSearchParams({
                grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
                assertion,
            }).toString(),
        });
        return getField(answered("login with a key", reply), "access_token");
    }
}

const cloudPlatform = "https://www.googleapis.com/auth/cloud-platform";

async function getOutputs(
    sandbox: Sandbox,
    configuration: Readonly<Record<string, unknown>>,
): Promise<StackOutputs> {
    const { outputs } = await runProgram({
        stack: "access",
        config: { "gcp:project": project, ...sandbox.providerConfig, ...stackConfig(configuration) },
    });
    return Object.fromEntries(
        Object.entries(outputs).map(([name, { value }]) => [name, value]),
    ) as unknown as StackOutputs;
}

/** The address of one of the stack's service accounts. */
export function getEmail(account: string): string {
    return `${account}@${project}.iam.gserviceaccount.com`;
}

function impersonationUrl(account: string | null | undefined): string | undefined {
    return account === null || account === undefined
        ? undefined
        : `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${getEmail(account)}:generateAccessToken`;
}

/** The id of the account that a snippet of a machine in Google Cloud impersonates. */
function accountIn(snippet: string): string | undefined {
    return (/impersonated_credentials\.Credentials\(own, "([^"@]+)@/.exec(snippet) ??
        /iam\.gke\.io\/gcp-service-account: ([^@\s]+)@/.exec(snippet))?.[1];
}

/** The text of a successful reply. @throws LoginRefused */
function answered(step: Step, { status, text }: { status: number; text: string }): string {
    if (status !== 200) throw new LoginRefused({ step, status, text: words(text) });
    return text;
}

function getField(json: string, field: string): string {
    const value = (JSON.parse(json) as Record<string, unknown>)[field];
    assert.ok(typeof value === "string", `there is no ${field} in ${json}`);
    return value;
}

/** The message in an answer: of an OAuth error, of an error of Google's APIs, or plain text. */
export function words(text: string): string {
    try {
        const { error, error_description: description } = JSON.parse(text) as {
            error: string | { message: string };
            error_description?: string;
        };
        return typeof error === "string" ? `${error}: ${description ?? ""}` : error.message;
    } catch {
        return text;
    }
}
