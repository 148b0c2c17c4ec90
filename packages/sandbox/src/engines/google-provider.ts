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
const poolType = "gcp:iam/workloadIdentityPool:WorkloadIdentityPool";
const providerType = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider";

/** The fields of a pool and of a provider that the service keeps, and the paths that an update names for each. */
const identityFields: Readonly<Record<string, readonly string[]>> = {
    displayName: ["displayName"],
    description: ["description"],
    disabled: ["disabled"],
    attributeMapping: ["attributeMapping"],
    attributeCondition: ["attributeCondition"],
    oidc: ["oidc.allowed_audiences", "oidc.issuer_uri", "oidc.jwks_json"],
};

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
            case poolType:
            case providerType:
                return this.#identity(type, inputs);
            case "gcp:artifactregistry/repositoryIamBinding:RepositoryIamBinding":
                return this.#grant(repositoryPolicy(inputs), inputs, withBinding(inputs));
            case "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember":
                return this.#grant(repositoryPolicy(inputs), inputs, withMember(inputs));
            case "gcp:serviceaccount/iAMBinding:IAMBinding":
                return this.#grant(accountPolicy(inputs), inputs, withBinding(inputs));
            case "gcp:serviceaccount/iAMMember:IAMMember":
                return this.#grant(accountPolicy(inputs), inputs, withMember(inputs));
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
            case poolType:
            case providerType:
                return { id, state: await this.#readIdentity(type, id) };
            default:
                throw new Error(`the in-process engine cannot read a ${type}`);
        }
    }

    /** Imports a resource: reads it, and updates the settings in which it differs from the inputs. */
    async import(type: string, id: string, inputs: Inputs): Promise<Created> {
        const { state } = await this.read(type, id);
        if (type === poolType || type === providerType) {
            return {
                id,
                state: { ...state, ...inputs, ...(await this.#updateIdentity(type, id, state, inputs)) },
            };
        }
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
            case "gcp:organizations/getProject:getProject": {
                const id = `projects/${text(inputs["projectId"])}`;
                const found = await this.#lookup("resourceManager", id);
                const billing = await this.#api.call("cloudBilling", "GET", `${id}/billingInfo`);
                return {
                    id,
                    projectId: found["projectId"],
                    name: found["name"],
                    number: found["projectNumber"],
                    billingAccount: text(billing["billingAccountName"]).replace("billingAccounts/", ""),
                };
            }
            case "gcp:iam/getWorkloadIdentityPool:getWorkloadIdentityPool":
                return this.#findIdentity(poolType, identityId(inputs));
            case "gcp:iam/getWorkloadIdentityPoolProvider:getWorkloadIdentityPoolProvider":
                return this.#findIdentity(providerType, identityId(inputs));
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

    /** Creates a workload identity pool or one of its providers. */
    async #identity(type: string, inputs: Inputs): Promise<Created> {
        const id = identityId(inputs);
        const [parent, name] = [id.slice(0, id.lastIndexOf("/")), lastSegment(id)];
        const query = type === poolType ? "workloadIdentityPoolId" : "workloadIdentityPoolProviderId";
        const body = Object.fromEntries(
            [...Object.keys(identityFields), "mode"]
                .filter((field) => inputs[field] !== undefined)
                .map((field) => [field, inputs[field]]),
        );
        await this.#api.call("iamBeta", "POST", `${parent}?${query}=${name}`, body);
        return { id, state: { ...inputs, ...(await this.#readIdentity(type, id)) } };
    }

    /** @throws Error for a deleted one too, which the provider considers as gone */
    async #readIdentity(type: string, id: string): Promise<Record<string, unknown>> {
        const found = await this.#lookup("iamBeta", id);
        if (type === poolType) await this.#api.call("iamBeta", "GET", `${id}:listAttestationRules`);
        if (found["state"] === "DELETED") throw new Error(`${id} not found`);
        const [, project, pool, provider] =
            /^projects\/([^/]+)\/.*\/workloadIdentityPools\/([^/]+)(?:\/providers\/([^/]+))?$/.exec(id) ?? [];
        return {
            ...found,
            project,
            workloadIdentityPoolId: pool,
            ...(provider !== undefined && { workloadIdentityPoolProviderId: provider }),
        };
    }

    async #findIdentity(type: string, id: string): Promise<Record<string, unknown>> {
        const found = await this.#readIdentity(type, id);
        return {
            id,
            description: "",
            disabled: false,
            displayName: "",
            ...(type === providerType && { attributeCondition: "", attributeMapping: {} }),
            ...found,
            ...(type === providerType && {
                oidcs: [{ allowedAudiences: [], jwksJson: "", ...(found["oidc"] as object | undefined) }],
            }),
        };
    }

    /** Updates the settings of an imported pool or provider in which it differs from the inputs. */
    async #updateIdentity(
        type: string,
        id: string,
        state: Inputs,
        inputs: Inputs,
    ): Promise<Record<string, unknown>> {
        const isSet = (value: unknown) => value !== undefined && value !== "" && value !== false;
        const changed = Object.keys(identityFields).filter(
            (field) =>
                (isSet(inputs[field]) || isSet(state[field])) &&
                !isDeepStrictEqual(inputs[field], state[field]),
        );
        if (changed.length === 0) return {};
        const mask = changed.flatMap((field) => identityFields[field]).join(",");
        const body = Object.fromEntries(
            Object.keys(identityFields)
                .filter((field) => isSet(inputs[field]))
                .map((field) => [field, inputs[field]]),
        );
        await this.#api.call("iamBeta", "PATCH", `${id}?updateMask=${encodeURIComponent(mask)}`, body);
        return this.#readIdentity(type, id);
    }

    /** Reads, changes and writes a policy. */
    #grant(
        { api, name, read }: PolicyLocation,
        inputs: Inputs,
        change: (bindings: Binding[]) => Binding[],
    ): Promise<Created> {
        const turn = this.#policyTurn.then(async () => {
            const policy = await this.#api.call(api, read, `${name}:getIamPolicy`);
            const bindings = change((policy["bindings"] as Binding[] | undefined) ?? []);
            await this.#api.call(api, "POST", `${name}:setIamPolicy`, { policy: { ...policy, bindings } });
        });
        this.#policyTurn = turn.catch(() => undefined);
        const id = [name, inputs["role"], inputs["member"]].filter(Boolean).join("/");
        return turn.then(() => ({ id, state: { ...inputs } }));
    }
}

/** Where the policy of a resource is. */
interface PolicyLocation {
    readonly api: string;
    readonly name: string;
    /** The method of getIamPolicy. */
    readonly read: string;
}

function repositoryPolicy({ project, location, repository }: Inputs): PolicyLocation {
    const name = `projects/${text(project)}/locations/${text(location)}/repositories/${text(repository)}`;
    return { api: "artifactRegistry", name, read: "GET" };
}

function accountPolicy({ serviceAccountId }: Inputs): PolicyLocation {
    return { api: "iamBeta", name: text(serviceAccountId), read: "POST" };
}

/** The bindings with exactly these members for a role. */
function withBinding(inputs: Inputs): (bindings: Binding[]) => Binding[] {
    const role = text(inputs["role"]);
    return (bindings) => [
        ...bindings.filter((each) => each.role !== role),
        { role, members: inputs["members"] as string[] },
    ];
}

/** The bindings with one more member for a role. */
function withMember(inputs: Inputs): (bindings: Binding[]) => Binding[] {
    const role = text(inputs["role"]);
    return (bindings) => {
        const members = bindings.find((each) => each.role === role)?.members ?? [];
        return [
            ...bindings.filter((each) => each.role !== role),
            { role, members: [...new Set([...members, text(inputs["member"])])] },
        ];
    };
}

/** The id of a pool or provider, from its inputs. */
function identityId(inputs: Inputs): string {
    const pool = `projects/${text(inputs["project"])}/locations/global/workloadIdentityPools/${text(inputs["workloadIdentityPoolId"])}`;
    const provider = inputs["workloadIdentityPoolProviderId"];
    return provider === undefined ? pool : `${pool}/providers/${text(provider)}`;
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
