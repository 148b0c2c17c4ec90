import type { Login } from "python-registry/clients/credential";
import type { System } from "../machine/system";
import type { RegistryOutputs } from "../registry/outputs";
import { presentFiles } from "./client-files";
import { findIdentities, type Identities } from "./identity";
import { askKeyring, commandKeyring, type Keyring, type KeyringReply } from "./keyring";
import { type FoundLogin, foundLogin } from "./login";
import type { Network, Response, TokenInfo } from "../machine/network";

/** A package that no index has: an index answers 404 for it to everyone who may read. */
const absentPackage = "python-registry-check";

/** The slow questions that the checks of several tools ask. Each is asked once. */
export class ProbeCache {
    readonly #responses = new Map<string, Promise<Response>>();
    readonly #logins = new Map<string, Login>();
    readonly #tokenInfos = new Map<string, Promise<TokenInfo | undefined>>();
    readonly #keyringReplies = new Map<string, Promise<KeyringReply>>();
    #commandKeyring: Promise<Keyring | undefined> | undefined;
    #identities: Promise<Identities> | undefined;
    #netrcLogin: Promise<FoundLogin | undefined> | undefined;

    constructor(
        readonly registry: RegistryOutputs,
        readonly system: System,
        readonly network: Network,
        /** Whether only files are read, and nothing is asked. */
        readonly isOffline: boolean,
    ) {}

    /** How the index answers a login, or a request without one. */
    index(login?: Login): Promise<Response> {
        const url = `${this.registry.index.indexUrl}${absentPackage}/`;
        const key = JSON.stringify([login?.username, login?.password]);
        if (login !== undefined) this.#logins.set(key, login);
        return once(this.#responses, key, () => this.network.get(url, login));
    }

    /** A login with which the index can be read, of those asked so far. */
    async acceptedLogin(): Promise<Login | undefined> {
        for (const [key, login] of this.#logins) {
            const response = await this.#responses.get(key);
            if (response !== undefined && canRead(response)) return login;
        }
        return undefined;
    }

    /** What Google knows about an access token. */
    tokenInfo(token: string): Promise<TokenInfo | undefined> {
        return once(this.#tokenInfos, token, () => this.network.tokenInfo(token));
    }

    /** The command `keyring` on PATH, leaving out one folder. */
    commandKeyring(): Promise<Keyring | undefined> {
        return (this.#commandKeyring ??= commandKeyring(this.system));
    }

    /** What a keyring returns for the index. */
    keyringReply(keyring: Keyring): Promise<KeyringReply> {
        return once(this.#keyringReplies, keyring.directory, () =>
            askKeyring(this.system, keyring, this.registry.index.indexUrl),
        );
    }

    /** The replies of all keyrings asked so far. */
    keyringReplies(): Promise<KeyringReply[]> {
        return Promise.all(this.#keyringReplies.values());
    }

    /** Asks gcloud, which is slow: call it only for a tool that asks a keyring. */
    identities(): Promise<Identities> {
        return (this.#identities ??= findIdentities(this.system, this.network));
    }

    /** The login that tools take from the user's .netrc: the entry for the index's host, or else the default. */
    netrcLogin(): Promise<FoundLogin | undefined> {
        return (this.#netrcLogin ??= presentFiles("netrc", this.registry.index, this.system).then(
            ([file]) => {
                const login = file?.entries[0]?.login ?? file?.logins.get("default");
                return file && login && foundLogin(login, file.path, file.path);
            },
        ));
    }
}

/** Whether an index let the caller read: it answers 404 for a package that it does not have. */
export function canRead(response: Response): boolean {
    if ("failure" in response) return false;
    const { status, body } = response;
    const isAboutRepository = /\brepositor/i.test(body) && !/\bpackage\b/i.test(body);
    return status === 200 || (status === 404 && !isAboutRepository);
}

function once<T>(known: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
    const asked = known.get(key) ?? ask();
    known.set(key, asked);
    return asked;
}
