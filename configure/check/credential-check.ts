import { stat } from "node:fs/promises";
import { keyUsername, tokenUsername } from "../../src/clients/credential";
import { tools } from "../../src/clients/tools";
import type { System } from "../machine/system";
import { type ConfigurableTool, descriptors } from "../tools/descriptors";
import { allWell, type Finding, passed, problem, skipped, warning } from "./findings";
import { type Keyring, packageKeyring } from "./keyring";
import { accountOfKey, type FoundLogin } from "./login";
import type { Response } from "./network";
import type { ProbeCache } from "./probe-cache";
import type { PythonEnvironment } from "./python-environment";

/** A token that expires in less than this is a warning. */
const warningSeconds = 600;

/** Checks what a tool signs in with: a keyring, or a user name and a password. */
export class CredentialCheck {
    constructor(
        private readonly tool: ConfigurableTool,
        private readonly probes: ProbeCache,
    ) {}

    /** Checks the keyring itself, its token, and how the index answers that. */
    async keyring(keyring: Keyring): Promise<Finding[]> {
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
        return [
            passed("keyring", `${subject} returned a token`),
            ...this.#findingsForResponse(response, email, rejected),
        ];
    }

    /** Checks the keyring package in the tool's own Python. */
    async packageKeyring(environment: PythonEnvironment | undefined): Promise<Finding[]> {
        if (environment === undefined) {
            const message = `It is unknown which Python ${this.tool} runs in, and whether that has a keyring`;
            return [skipped("keyring", message)];
        }
        const keyring = packageKeyring(this.tool, environment, this.probes.system);
        return keyring === undefined
            ? [this.noKeyring(`in ${this.tool}'s own environment`)]
            : this.keyring(keyring);
    }

    /** The tool would ask a keyring, and there is none. */
    noKeyring(where: string, provider?: "import" | "subprocess"): Finding {
        const message = `There is no keyring ${where}, and no password in the files or the environment`;
        return problem("keyring", message, this.#setupCommands(provider));
    }

    /** Checks a user name and password: whose they are, and how the index answers them. */
    async login(login: FoundLogin): Promise<Finding[]> {
        if (login.username === tokenUsername) return this.#token(login);
        if (login.username === keyUsername) return this.#key(login);
        const rejected = problem(
            "login",
            `The index rejected the user name and password from ${login.from} (401)`,
            `Artifact Registry accepts only the user names ${tokenUsername} and ${keyUsername}. Run configure --tool ${this.tool} again`,
        );
        return this.#findingsForResponse(await this.probes.index(login), undefined, rejected);
    }

    /**
     * Checks what the tool uses if its entry has no password: a login from .netrc, or else a keyring.
     *
     * @param keyrings checks the keyrings, which some tools ask also if the index rejects the login from .netrc
     */
    async withoutPassword(keyrings: () => Promise<Finding[]>): Promise<Finding[]> {
        const { readsNetrc, asksKeyringAfterNetrc } = descriptors[this.tool];
        const login = readsNetrc === true ? await this.probes.netrcLogin() : undefined;
        if (login === undefined) return keyrings();
        const response = await this.probes.index(login);
        if (asksKeyringAfterNetrc && "status" in response && response.status === 401) {
            const ofKeyrings = await keyrings();
            if (allWell(ofKeyrings)) return ofKeyrings;
        }
        return this.login(login);
    }

    async #token(login: FoundLogin): Promise<Finding[]> {
        const { probes } = this;
        const [response, info] = await Promise.all([probes.index(login), probes.tokenInfo(login.password)]);
        const token = `The access token${info?.email === undefined ? "" : ` of ${info.email}`} in ${login.from}`;
        const fix =
            login.file === undefined
                ? `Put a new one in ${login.from}: gcloud auth print-access-token`
                : `Run configure --tool ${this.tool} --auth token again, or use --auth keyring, which renews its tokens`;
        const secondsLeft = info?.secondsLeft ?? 0;
        const minutes = Math.floor(secondsLeft / 60);
        const rejection = secondsLeft > 0 ? "was rejected by the index" : "has expired";
        const rejected = problem("token", `${token} ${rejection} (401)`, fix);
        const lifetime =
            // Google has no information about some tokens, such as those of workloads.
            info === undefined
                ? passed("token", `${token} is valid, for an unknown time`)
                : secondsLeft <= 0
                  ? problem("token", `${token} has expired`, fix)
                  : secondsLeft < warningSeconds
                    ? warning("token", `${token} expires in ${minutes} minutes`, fix)
                    : passed("token", `${token} is valid for ${minutes} minutes`);
        if ("failure" in response) return info === undefined ? [] : [lifetime];
        return this.#findingsForResponse(response, info?.email, rejected, lifetime);
    }

    async #key(login: FoundLogin): Promise<Finding[]> {
        const email = accountOfKey(login.password);
        if (email === undefined) {
            const message = `The password in ${login.from} is not a service account key in base64`;
            return [problem("key", message, `Run configure --tool ${this.tool} --auth key again`)];
        }
        const rejected = problem(
            "key",
            `The index rejected the key of ${email} in ${login.from} (401). The key or its account is deleted, disabled or expired`,
            `Add a name to the account's keys in the stack's serviceAccounts, run pulumi up, then run configure --tool ${this.tool} --auth key again`,
        );
        const accepted = passed("key", `The key in ${login.from} belongs to ${email}`);
        return this.#findingsForResponse(await this.probes.index(login), email, rejected, accepted);
    }

    /**
     * What a response of the index means. A missing connection is reported once, for the whole machine.
     *
     * @param rejected the finding for a login that the index does not accept
     * @param accepted the finding for any other login
     */
    #findingsForResponse(
        response: Response,
        email: string | undefined,
        rejected: Finding,
        accepted?: Finding,
    ): Finding[] {
        if ("failure" in response) return [];
        const { status, body } = response;
        if (status === 401) return [rejected];
        const canRead = status === 200 || (status === 404 && !isAboutRepository(body));
        const note = descriptors[this.tool].onlyPublishes
            ? ". Only an upload shows whether it can publish"
            : "";
        return [
            ...(accepted === undefined ? [] : [accepted]),
            canRead
                ? passed("index", `${email ?? "This login"} can read the repository${note}`)
                : problem("index", ...refusal(status, body, email, this.probes.registry.name)),
        ];
    }

    /** The commands that give the tool its keyring. */
    #setupCommands(provider?: "import" | "subprocess"): string {
        const { registry, system } = this.probes;
        const index = { ...registry.index, ...(provider !== undefined && { keyring: provider }) };
        const setup = tools[this.tool].client(index, { form: "keyring" })?.commands.setup;
        return setup?.[system.kind === "windows" ? "powershell" : "posix"].join("; ") ?? "";
    }
}

/** Whether a 404 is about the repository: an index that knows the caller answers 404 for the package. */
function isAboutRepository(body: string): boolean {
    return /\brepositor/i.test(body) && !/\bpackage\b/i.test(body);
}

function refusal(
    status: number,
    body: string,
    email: string | undefined,
    repository: string,
): [message: string, fix: string] {
    if (status === 404) {
        return [
            `404: there is no such repository: ${repository}`,
            "Check the location, project and name in the stack's outputs, and whether the repository was deleted",
        ];
    }
    if (status !== 403) {
        return [`The index answered ${status}`, "Try again later. See https://status.cloud.google.com"];
    }
    if (/has not been used|is disabled|SERVICE_DISABLED/.test(body)) {
        return [
            "403: the Artifact Registry API is not enabled in the project",
            "Set the stack's enableApis to true and run pulumi up",
        ];
    }
    if (/organization's policy|VPC|SERVICE_CONTROLS/.test(body)) {
        return [
            "403: the organization's service perimeter does not admit this machine",
            "Ask for access from this network",
        ];
    }
    const type = email?.endsWith(".gserviceaccount.com") === true ? "serviceAccount" : "user";
    return [
        email === undefined
            ? "403: you are signed in, but you have no role on this repository"
            : `403: ${email} is signed in, but has no role on this repository`,
        `Add ${email === undefined ? "the account" : `${type}:${email}`} to the stack's readers (to publish: writers) and run pulumi up, or sign in with a different account`,
    ];
}

/** Checks whether other users can read the files that hold a credential. */
export async function fileModeFindings(files: readonly string[], system: System): Promise<Finding[]> {
    const findings = [...new Set(files)].map(async (file): Promise<Finding[]> => {
        if (system.kind === "windows") {
            const message = `${file} holds a credential. Who can read it is not checked on Windows`;
            return [skipped("file-mode", message)];
        }
        const mode = await modeOf(file, system);
        if (mode === undefined) return [];
        if ((mode & 0o044) === 0) {
            return [passed("file-mode", `${file} holds a credential, and only its owner can read it`)];
        }
        const message = `${file} holds a credential, and others can read it (mode ${mode.toString(8)})`;
        return [problem("file-mode", message, `chmod 600 '${file.replaceAll("'", `'\\''`)}'`)];
    });
    return (await Promise.all(findings)).flat();
}

/** The permission bits of a file, symbolic links followed; undefined on a system without them, and without the file. */
export async function modeOf(path: string, { kind }: System): Promise<number | undefined> {
    if (kind === "windows") return undefined;
    return stat(path).then(
        ({ mode }) => mode & 0o777,
        () => undefined,
    );
}
