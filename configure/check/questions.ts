import { tools } from "../../src/clients/tools";
import type { Login } from "../../src/clients/credential";
import type { ConfigurableTool } from "../tools/tool-plan";
import { findIdentities, type Identities } from "./identity";
import { type FoundLogin, password } from "./logins";
import type { RegistryOutputs } from "../registry/outputs";
import { presentFiles } from "./present-files";
import type { Answer, Network, TokenInfo } from "./probe";
import { askKeyring, type Keyring, type KeyringAnswer, keyringOnPath } from "./python-environment";
import type { System } from "../machine/system";

/** What no index has: an index that knows the caller answers 404 for it. */
const absentPackage = "python-registry-check";

/** What the checks of several tools ask, each thing once. */
export class Questions {
    readonly #tokens = new Map<string, Promise<KeyringAnswer>>();
    readonly #commands = new Map<string, Promise<Keyring | undefined>>();
    readonly #answers = new Map<string, Promise<Answer>>();
    readonly #infos = new Map<string, Promise<TokenInfo | undefined>>();
    #identities: Promise<Identities> | undefined;
    #netrc: Promise<FoundLogin | undefined> | undefined;

    constructor(
        readonly registry: RegistryOutputs,
        readonly system: System,
        readonly network: Network,
    ) {}

    /** What the index says to a login, or to nobody. */
    index(login?: Login): Promise<Answer> {
        const url = `${this.registry.index.indexUrl}${absentPackage}/`;
        return memo(this.#answers, JSON.stringify([login?.username, login?.password]), () =>
            this.network.get(url, login),
        );
    }

    /** What Google says of an access token. */
    tokenInfo(token: string): Promise<TokenInfo | undefined> {
        return memo(this.#infos, token, () => this.network.tokenInfo(token));
    }

    /** The command `keyring`, but for that in a directory. */
    keyringCommand(except?: string): Promise<Keyring | undefined> {
        return memo(this.#commands, except ?? "", () => keyringOnPath(this.system, except));
    }

    /** A keyring's access token. */
    keyringToken(keyring: Keyring): Promise<KeyringAnswer> {
        return memo(this.#tokens, keyring.directory, () =>
            askKeyring(this.system, keyring, this.registry.index.indexUrl),
        );
    }

    /** What the keyrings said that were asked so far. */
    keyringAnswers(): Promise<KeyringAnswer[]> {
        return Promise.all(this.#tokens.values());
    }

    /** Only for a tool that asks a keyring: gcloud takes its time. */
    identities(): Promise<Identities> {
        return (this.#identities ??= findIdentities(this.system, this.network));
    }

    /** The login for the index's host in the person's .netrc. */
    netrcLogin(): Promise<FoundLogin | undefined> {
        return (this.#netrc ??= presentFiles("netrc", this.registry.index, this.system).then((files) =>
            files
                .flatMap(({ path, entries }) => entries.map(({ login }) => password(login, path, path)))
                .find((login) => login !== undefined),
        ));
    }

    /** The commands that give a tool its keyring. */
    setup(tool: ConfigurableTool, provider?: "import" | "subprocess"): string {
        const { index } = this.registry;
        const client = tools[tool](
            { ...index, ...(provider !== undefined && { keyring: provider }) },
            { form: "keyring" },
        );
        return (
            client?.commands.setup[this.system.kind === "windows" ? "powershell" : "posix"].join("; ") ?? ""
        );
    }
}

function memo<T>(known: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
    const asked = known.get(key) ?? ask();
    known.set(key, asked);
    return asked;
}
