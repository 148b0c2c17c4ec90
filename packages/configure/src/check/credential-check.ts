import { stat } from "node:fs/promises";
import { stripVTControlCharacters } from "node:util";
import * as v from "valibot";
import { keyUsername, tokenUsername } from "python-registry/clients/credential";
import { tools } from "python-registry/clients/tools";
import type { System } from "../machine/system";
import type { KeyringKind } from "../tools/descriptor";
import type { ConfigurableTool } from "../tools/configurable";
import { descriptors } from "../tools/descriptors";
import { allWell, type Finding, passed, problem, skipped, warning } from "./findings";
import { type Keyring, packageKeyring } from "./keyring";
import { accountOfKey, type FoundLogin } from "./login";
import type { Response } from "../machine/network";
import { canRead, type ProbeCache } from "./probe-cache";
import type { PythonEnvironment } from "../machine/python-environment";
import { printable } from "../registry/masking";
import type { RegistryOutputs } from "../registry/outputs";

/** A token that expires in less than this is a warning. */
const warningSeconds = 600;

/** Checks what a tool signs in with: a keyring, or a user name and a password. */
export class CredentialCheck {
    constructor(
        private readonly tool: ConfigurableTool,
        private readonly probes: ProbeCache,
    ) {}

    /** Checks the keyring itself, its token, and how the index answers that. */
    async #keyring(keyring: Keyring): Promise<Finding[]> {
        const { probes } = this;
        const subject = `The keyring ${keyring.where}`;
        const setup = this.#setupCommands();
        if (!keyring.runs) return [problem("keyring", `${subject} does not run`, setup)];
        if (!keyring.hasGoogleBackend) {
            const fix = `Install keyrings.google-artifactregistry-auth next to it: ${setup}`;
            return [problem("keyring", `${subject} has no backend for Artifact Registry`, fix)];
        }
        const reply = await probes.keyringReply(keyring);
        if ("failure" in reply) return [problem("keyring", `${subject} ${reply.failure}`, reply.fix)];
        const [response, info, identities] = await Promise.all([
            probes.index({ username: tokenUsername, password: reply.token }),
            probes.tokenInfo(reply.token),
            probes.identities(),
        ]);
        const byDefault = reply.isFallback ? undefined : identities.default?.email;
        const email = info?.email ?? byDefault ?? identities.gcloud;
        const rejected = problem(
            "index",
            `The index rejected the keyring's token${email === undefined ? "" : ` of ${email}`} (401)`,
            "Log in again: gcloud auth application-default login",
        );
        return this.#findingsForResponse(response, email, rejected);
    }

    /** Checks a user name and password: whose they are, and how the index answers them. */
    async login(login: FoundLogin): Promise<Finding[]> {
        if (login.username === tokenUsername) return this.#token(login);
        if (login.username === keyUsername) return this.#key(login);
        const rejected = problem(
            "login",
            `The index rejected the user name and password from ${login.from} (401)`,
            `Artifact Registry accepts only the user names ${tokenUsername} and ${keyUsername}. Run python-registry-configure --tool ${this.tool} again`,
        );
        return this.#findingsForResponse(await this.probes.index(login), undefined, rejected);
    }

    /**
     * Checks what a tool uses if its entry has no password: a login from .netrc, or else a keyring.
     *
     * @param kind of the keyring that the tool asks; undefined if it asks none
     * @param environment the tool's own Python; undefined if not known
     */
    async withoutPassword(
        kind: KeyringKind | undefined,
        environment: PythonEnvironment | undefined,
    ): Promise<Finding[]> {
        const { readsNetrc, asksKeyringAfterNetrc } = descriptors[this.tool];
        const login = readsNetrc === true ? await this.probes.netrcLogin() : undefined;
        if (login === undefined) return this.#keyrings(kind, environment);
        const ofLogin = await this.login(login);
        if (allWell(ofLogin) || asksKeyringAfterNetrc !== true) return ofLogin;
        const ofKeyrings = await this.#keyrings(kind, environment);
        return allWell(ofKeyrings) ? ofKeyrings : ofLogin;
    }

    async #keyrings(
        kind: KeyringKind | undefined,
        environment: PythonEnvironment | undefined,
    ): Promise<Finding[]> {
        if (kind === undefined) {
            const fix = `Run python-registry-configure --tool ${this.tool} --auth token, or --auth key`;
            return [problem("login", "The entry has no password", fix)];
        }
        const { tool, probes } = this;
        if (kind !== "command" && environment === undefined) {
            const message = `Cannot determine which Python runs ${tool}, and whether that has a keyring`;
            return [skipped("keyring", message)];
        }
        const inPackage = environment && packageKeyring(tool, environment, probes.system);
        const onPath = kind === "package" ? undefined : await probes.commandKeyring();
        const keyring = kind === "command" ? onPath : (inPackage ?? onPath);
        if (keyring !== undefined) return this.#keyring(keyring);
        const where = {
            command: "on PATH",
            package: `in ${tool}'s own environment`,
            either: `in ${tool}'s own environment or on PATH`,
        }[kind];
        const message = `There is no keyring ${where}, and no password in the files or the environment`;
        return [problem("keyring", message, this.#setupCommands())];
    }

    async #token(login: FoundLogin): Promise<Finding[]> {
        const { probes } = this;
        const [response, info] = await Promise.all([probes.index(login), probes.tokenInfo(login.password)]);
        const token = `The access token${info?.email === undefined ? "" : ` of ${info.email}`} in ${login.from}`;
        const fix =
            login.file === undefined
                ? `Put a new one in ${login.from}: gcloud auth print-access-token`
                : `Run python-registry-configure --tool ${this.tool} --auth token again, or use --auth keyring, which renews its tokens`;
        const secondsLeft = info?.secondsLeft ?? 0;
        const minutes = Math.floor(secondsLeft / 60);
        const rejection = secondsLeft > 0 ? "was rejected by the index" : "has expired";
        const rejected = problem("token", `${token} ${rejection} (401)`, fix);
        // Google has no information about some tokens, such as those of workloads.
        if (info !== undefined && "failure" in response && secondsLeft <= 0) {
            return [problem("token", `${token} has expired`, fix)];
        }
        const isAccepted = "status" in response && response.status !== 401;
        return [
            ...(info !== undefined && isAccepted && secondsLeft < warningSeconds
                ? [warning("token", `${token} expires in ${minutes} minutes`, fix)]
                : []),
            ...this.#findingsForResponse(response, info?.email, rejected),
        ];
    }

    async #key(login: FoundLogin): Promise<Finding[]> {
        const email = accountOfKey(login.password);
        if (email === undefined) {
            const message = `The password in ${login.from} is not a service account key in base64`;
            return [
                problem("key", message, `Run python-registry-configure --tool ${this.tool} --auth key again`),
            ];
        }
        const rejected = problem(
            "key",
            `The index rejected the key of ${email} in ${login.from} (401). The key or its account is deleted, disabled or expired`,
            `Add a name to the account's keys in the stack's serviceAccounts, run pulumi up, then run python-registry-configure --tool ${this.tool} --auth key again`,
        );
        return this.#findingsForResponse(await this.probes.index(login), email, rejected);
    }

    /**
     * What a response of the index means. A missing connection is reported once, for the whole machine.
     *
     * @param rejected the finding for a login that the index does not accept
     */
    #findingsForResponse(response: Response, email: string | undefined, rejected: Finding): Finding[] {
        if ("failure" in response) return [];
        if (response.status === 401) return [rejected];
        return [
            canRead(response)
                ? passed(
                      "index",
                      `The registry accepts the login${email === undefined ? "" : ` of ${email}`}`,
                  )
                : problem(
                      "index",
                      ...describeRefusal(response.status, response.body, email, this.probes.registry),
                  ),
        ];
    }

    /** The commands that give the tool its keyring. */
    #setupCommands(): string {
        const { registry, system } = this.probes;
        const setup = tools[this.tool].client(registry.index, { form: "keyring" })?.commands.setup;
        return setup?.[system.kind === "windows" ? "powershell" : "posix"].join("; ") ?? "";
    }
}

/** Why the index refuses a caller that it knows, and what to do. */
export function describeRefusal(
    status: number,
    body: string,
    email: string | undefined,
    { name, principals }: Pick<RegistryOutputs, "name" | "principals">,
): [message: string, fix: string] {
    const who = email ?? "this login";
    if (status === 404) {
        return [
            `404: there is no such repository: ${name}`,
            "Check the location, project and name in the stack's outputs, and whether the repository was deleted",
        ];
    }
    if (status !== 403) {
        return [`The index answered ${status}`, "Try again later. See https://status.cloud.google.com"];
    }
    if (/API has not been used|SERVICE_DISABLED/.test(body)) {
        return [
            "403: the Artifact Registry API is not enabled in the project",
            "Set the stack's enableApis to true and run pulumi up",
        ];
    }
    if (/vpcServiceControls|VPC Service Controls|SECURITY_POLICY_VIOLATED/i.test(body)) {
        return [
            "403: the organization's service perimeter does not admit this machine",
            "Ask for access from this network",
        ];
    }
    if (/insufficient authentication scopes|ACCESS_TOKEN_SCOPE_INSUFFICIENT/i.test(body)) {
        return [
            `403: the token of ${who} does not have the scope cloud-platform`,
            "On a virtual machine or a node pool, set the access scope cloud-platform. For a login of your own, run gcloud auth application-default login without --scopes",
        ];
    }
    const said = sentenceIn(body);
    if (!/permission\b.*\bdenied\b/i.test(said)) {
        return [`403: the registry refuses ${who}: ${said || "no reason given"}`, "Correct what it names"];
    }
    const type = email?.endsWith(".gserviceaccount.com") === true ? "serviceAccount" : "user";
    const principal = `${type}:${email ?? ""}`;
    if (principals.some((each) => each.toLowerCase() === principal.toLowerCase())) {
        return [
            `403: the stack gives ${who} a role, but the repository's policy does not have it. The account was probably deleted and created again`,
            "Run pulumi up --refresh",
        ];
    }
    return [
        `403: ${email ?? "the account"} is signed in, but has no role on this repository`,
        `Add ${email === undefined ? "the account" : principal} to the stack's readers (to publish: writers) and run pulumi up, or sign in with a different account`,
    ];
}

/** https://google.aip.dev/193 */
const errorSchema = v.pipe(v.string(), v.parseJson(), v.object({ error: v.object({ message: v.string() }) }));

/** What a service says in JSON, HTML or plain text, in one line. */
function sentenceIn(body: string): string {
    const inJson = v.safeParse(errorSchema, body);
    const text = inJson.success ? inJson.output.error.message : body.replace(/<[^>]*>/g, " ");
    return printable(stripVTControlCharacters(text)).replace(/\s+/g, " ").slice(0, 300);
}

/** Checks whether other users can read the files that hold a credential. */
export async function fileModeFindings(files: readonly string[], system: System): Promise<Finding[]> {
    const findings = [...new Set(files)].map(async (file): Promise<Finding[]> => {
        if (system.kind === "windows") {
            const message = `${file} holds a credential. Who can read it is not checked on Windows`;
            return [skipped("file-mode", message)];
        }
        const mode = await findMode(file, system);
        if (mode === undefined) return [];
        if ((mode & 0o044) === 0) return [];
        const message = `${file} holds a credential, and others can read it (mode ${mode.toString(8)})`;
        return [problem("file-mode", message, `chmod 600 '${file.replaceAll("'", `'\\''`)}'`)];
    });
    return (await Promise.all(findings)).flat();
}

/** The permission bits of a file, symbolic links followed; undefined on a system without them, and without the file. */
export async function findMode(path: string, { kind }: System): Promise<number | undefined> {
    if (kind === "windows") return undefined;
    return stat(path).then(
        ({ mode }) => mode & 0o777,
        () => undefined,
    );
}
