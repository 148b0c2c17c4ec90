import { isDeepStrictEqual } from "node:util";
import { ApiError, GoogleClient } from "./google-client";

type Inputs = Readonly<Record<string, unknown>>;

/** A resource after its creation. */
export interface Created {
    readonly id: string;
    readonly state: Record<string, unknown>;
}

const repositoryType = "gcp:artifactregistry/repository:Repository";
const accountType = "gcp:serviceaccount/account:Account";

interface Binding {
    role: string;
    members: string[];
}

/**
 * Creates, reads and imports this project's types of resources with the same calls, in the same order, as the Google
 * provider. It cannot update or delete: it is no replacement for the provider.
 */
export class GoogleProvider {
    readonly #api: GoogleClient;
    /** The previous change of a policy. Each one reads, changes and writes the policy, so they run one after the other. */
    #policyTurn: Promise<unknown> = Promise.resolve();

    /** @param config stack configuration with the provider's custom endpoints and access token */
    constructor(config: Readonly<Record<string, string>>) {
        this.#api = new GoogleClient(config);
    }

    /** @throws Error with the API's message */
    async create(type: string, inputs: Inputs): Promise<Created> {
        switch (type) {
            case "gcp:projects/service:Service":
                return this.#enable(inputs);
            case repositoryType:
                return this.#repository(inputs);
            case accountType:
                return this.#account(inputs);
            case "gcp:serviceaccount/key:Key":
                return this.#key(inputs);
            case "gcp:artifactregistry/repositoryIamBinding:RepositoryIamBinding":
                return this.#grant(inputs, (bindings) => [
                    ...bindings.filter(({ role }) => role !== inputs["role"]),
                    { role: text(inputs["role"]), members: inputs["members"] as string[] },
                ]);
            case "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember":
                return this.#grant(inputs, (bindings) => {
                    const role = text(inputs["role"]);
                    const members = bindings.find((binding) => binding.role === role)?.members ?? [];
                    return [
                        ...bindings.filter((binding) => binding.role !== role),
                        { role, members: [...new Set([...members, text(inputs["member"])])] },
                    ];
                });
            default:
                throw new Error(`the in-process engine cannot create a ${type}`);
        }
    }

    /** Reads a resource that this program did not create. @throws Error with the API's message */
    async read(type: string, id: string): Promise<Created> {
        switch (type) {
            case repositoryType: {
                const found = await this.#api.call("artifactRegistry", "GET", id);
                return { id, state: { ...found, name: lastSegment(id), repositoryId: lastSegment(id) } };
            }
            case accountType: {
                const found = await this.#api.call("iamBeta", "GET", id);
                return { id, state: { ...found, member: `serviceAccount:${text(found["email"])}` } };
            }
            default:
                throw new Error(`the in-process engine cannot read a ${type}`);
        }
    }

    /** Imports a resource: reads it, and updates the settings in which it differs from the inputs. */
    async import(type: string, id: string, inputs: Inputs): Promise<Created> {
        const { state } = await this.read(type, id);
        const [description, displayName] = [inputs["description"], inputs["displayName"]];
        const labels = { ...(state["labels"] as object | undefined), ...(inputs["labels"] as object) };
        const wanted: Inputs =
            type === repositoryType
                ? { labels, ...(description === undefined ? {} : { description }) }
                : displayName === undefined
                  ? {}
                  : { displayName };
        const changed = Object.entries(wanted).filter(
            ([name, value]) => !isDeepStrictEqual(value, state[name]),
        );
        if (changed.length > 0) {
            const mask = changed.map(([name]) => name).join(",");
            const body = Object.fromEntries(changed);
            await (type === repositoryType
                ? this.#api.call("artifactRegistry", "PATCH", `${id}?updateMask=${mask}`, body)
                : this.#api.call("iamBeta", "PATCH", id, { serviceAccount: body, updateMask: mask }));
        }
        return { id, state: { ...state, ...inputs, ...Object.fromEntries(changed) } };
    }

    /** Calls one of the provider's functions. @throws Error with the provider's wording */
    async call(token: string, inputs: Inputs): Promise<Record<string, unknown>> {
        switch (token) {
            case "gcp:artifactregistry/getRepository:getRepository": {
                const { project, location, repositoryId } = inputs;
                const name = `projects/${text(project)}/locations/${text(location)}/repositories/${text(repositoryId)}`;
                const found = await this.#lookup("artifactRegistry", name);
                return {
                    description: "",
                    kmsKeyName: "",
                    cleanupPolicyDryRun: false,
                    ...found,
                    effectiveLabels: found["labels"] ?? {},
                    cleanupPolicies: Object.values((found["cleanupPolicies"] as object | undefined) ?? {}),
                    vulnerabilityScanningConfigs: [found["vulnerabilityScanningConfig"]].filter(Boolean),
                };
            }
            case "gcp:artifactregistry/getRepositoryIamPolicy:getRepositoryIamPolicy": {
                const { project, location, repository } = inputs;
                const name = `projects/${text(project)}/locations/${text(location)}/repositories/${text(repository)}`;
                return {
                    policyData: JSON.stringify(
                        await this.#lookup("artifactRegistry", `${name}:getIamPolicy`),
                    ),
                };
            }
            case "gcp:serviceaccount/getAccount:getAccount":
                return {
                    disabled: false,
                    displayName: "",
                    ...(await this.#lookup("iamBeta", text(inputs["accountId"]))),
                };
            default:
                throw new Error(`the in-process engine does not support the function ${token}`);
        }
    }

    async #lookup(api: string, name: string): Promise<Record<string, unknown>> {
        try {
            return await this.#api.call(api, "GET", name);
        } catch (error) {
            throw error instanceof ApiError && error.status === 404 ? new Error(`${name} not found`) : error;
        }
    }

    async #enable(inputs: Inputs): Promise<Created> {
        const name = `projects/${text(inputs["project"])}/services/${text(inputs["service"])}`;
        await this.#api.call("serviceUsage", "POST", `${name}:enable`, {});
        return { id: name, state: { ...inputs } };
    }

    async #repository(inputs: Inputs): Promise<Created> {
        const { project, location, repositoryId, format, mode, description, labels } = inputs;
        const parent = `projects/${text(project)}/locations/${text(location)}/repositories`;
        const id = text(repositoryId);
        await this.#api.call("artifactRegistry", "POST", `${parent}?repository_id=${id}`, {
            format,
            mode,
            description,
            labels,
        });
        const made = await this.#api.call("artifactRegistry", "GET", `${parent}/${id}`);
        return { id: `${parent}/${id}`, state: { ...inputs, name: id, registryUri: made["registryUri"] } };
    }

    async #account(inputs: Inputs): Promise<Created> {
        const { project, accountId, displayName, description } = inputs;
        const made = await this.#api.call("iamBeta", "POST", `projects/${text(project)}/serviceAccounts`, {
            accountId,
            serviceAccount: { displayName, description },
        });
        const { name, email } = made;
        return { id: text(name), state: { ...inputs, name, email, member: `serviceAccount:${text(email)}` } };
    }

    async #key(inputs: Inputs): Promise<Created> {
        const made = await this.#api.call("iamBeta", "POST", `${text(inputs["serviceAccountId"])}/keys`, {
            keyAlgorithm: "KEY_ALG_RSA_2048",
            privateKeyType: "TYPE_GOOGLE_CREDENTIALS_FILE",
        });
        return {
            id: text(made["name"]),
            state: { ...inputs, name: made["name"], privateKey: made["privateKeyData"] },
        };
    }

    #grant(inputs: Inputs, change: (bindings: Binding[]) => Binding[]): Promise<Created> {
        const { project, location, repository, role, member } = inputs;
        const name = `projects/${text(project)}/locations/${text(location)}/repositories/${text(repository)}`;
        const turn = this.#policyTurn.then(async () => {
            const policy = await this.#api.call("artifactRegistry", "GET", `${name}:getIamPolicy`);
            const bindings = change((policy["bindings"] as Binding[] | undefined) ?? []);
            await this.#api.call("artifactRegistry", "POST", `${name}:setIamPolicy`, {
                policy: { ...policy, bindings },
            });
        });
        this.#policyTurn = turn.catch(() => undefined);
        const id = [name, role, member].filter(Boolean).join("/");
        return turn.then(() => ({ id, state: { ...inputs } }));
    }
}

function text(input: unknown): string {
    if (typeof input !== "string") {
        throw new TypeError(`expected a string, not ${typeof input}`);
    }
    return input;
}

function lastSegment(name: string): string {
    return name.slice(name.lastIndexOf("/") + 1);
}
