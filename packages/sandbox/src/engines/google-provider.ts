import { isDeepStrictEqual } from "node:util";
import { ApiError, GoogleClient } from "./google-client";
import { PolicyChanges } from "./policy-changes";
import {
    repositoryBody,
    repositoryChanges,
    repositoryPath,
    repositoryResult,
    repositoryState,
} from "./repository-fields";
import { lastSegment, pick, text, type Created, type Inputs } from "./resource-inputs";

const repositoryType = "gcp:artifactregistry/repository:Repository";
const ruleType = "gcp:artifactregistry/rule:Rule";
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

/**
 * Creates, reads and imports this project's types of resources with the same calls, in the same order, as the Google
 * provider. It cannot update or delete: it is no replacement for the provider.
 */
export class GoogleProvider {
    readonly #api: GoogleClient;
    readonly #policies: PolicyChanges;

    /** @param config stack configuration with the provider's custom endpoints and access token */
    constructor(config: Readonly<Record<string, string>>) {
        this.#api = new GoogleClient(config);
        this.#policies = new PolicyChanges(this.#api);
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
            case ruleType:
                return this.#rule(inputs);
            case "gcp:projects/serviceIdentity:ServiceIdentity":
                return this.#serviceIdentity(inputs);
            default: {
                const changed = this.#policies.create(type, inputs);
                if (changed) return changed;
                throw new Error(`the in-process engine cannot create a ${type}`);
            }
        }
    }

    /** Reads a resource that this program did not create. @throws Error with the API's message */
    async read(type: string, id: string): Promise<Created> {
        switch (type) {
            case repositoryType: {
                const found = await this.#api.call("artifactRegistry", "GET", id);
                const [name, repositoryId] = [lastSegment(id), lastSegment(id)];
                return { id, state: { ...repositoryState(found), name, repositoryId } };
            }
            case ruleType: {
                const found = await this.#api.call("artifactRegistry", "GET", id);
                return { id, state: { condition: null, ...found, ruleId: lastSegment(id) } };
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

    /**
     * Imports a resource: reads it, and updates the settings in which it differs from the inputs.
     *
     * @param inputs without those that the program ignores
     */
    async import(type: string, id: string, inputs: Inputs): Promise<Created> {
        const { state } = await this.read(type, id);
        if (type === poolType || type === providerType) {
            return {
                id,
                state: { ...state, ...inputs, ...(await this.#updateIdentity(type, id, state, inputs)) },
            };
        }
        if (type === ruleType) {
            if (inputs["action"] !== state["action"]) {
                const { action } = inputs;
                await this.#api.call("artifactRegistry", "PATCH", `${id}?updateMask=action`, { action });
            }
            return { id, state: { ...state, ...inputs } };
        }
        const changed =
            type === repositoryType ? repositoryChanges(state, inputs) : accountChanges(state, inputs);
        const mask = Object.keys(changed).join(",");
        if (mask !== "") {
            await (type === repositoryType
                ? this.#api.call("artifactRegistry", "PATCH", `${id}?updateMask=${mask}`, changed)
                : this.#api.call("iamBeta", "PATCH", id, { serviceAccount: changed, updateMask: mask }));
        }
        const labels = changed["labels"] ?? state["labels"];
        return { id, state: { ...state, ...inputs, ...(labels === undefined ? {} : { labels }) } };
    }

    /** Calls one of the provider's functions. @throws Error with the provider's wording */
    async call(token: string, inputs: Inputs): Promise<Record<string, unknown>> {
        switch (token) {
            case "gcp:artifactregistry/getRepository:getRepository":
                return repositoryResult(await this.#lookup("artifactRegistry", repositoryPath(inputs)));
            case "gcp:artifactregistry/getRepositoryIamPolicy:getRepositoryIamPolicy": {
                const policy = await this.#lookup(
                    "artifactRegistry",
                    `${repositoryPath(inputs)}:getIamPolicy`,
                );
                return { policyData: JSON.stringify(policy) };
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
            case "gcp:projects/getIamPolicy:getIamPolicy": {
                const name = `projects/${text(inputs["project"])}`;
                const policy = await this.#api.call("resourceManager", "POST", `${name}:getIamPolicy`, {});
                return { policyData: JSON.stringify(pick(policy, ["auditConfigs", "bindings"])) };
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
        const path = repositoryPath(inputs);
        const [parent, id] = [path.slice(0, path.lastIndexOf("/")), lastSegment(path)];
        const body = repositoryBody(inputs);
        await this.#api.call("artifactRegistry", "POST", `${parent}?repository_id=${id}`, body);
        const made = await this.#api.call("artifactRegistry", "GET", path);
        return { id: path, state: { ...inputs, name: id, registryUri: made["registryUri"] } };
    }

    async #rule(inputs: Inputs): Promise<Created> {
        const [parent, id] = [`${repositoryPath(inputs)}/rules`, text(inputs["ruleId"])];
        const body = pick(inputs, ["action", "operation", "condition", "packageId"]);
        await this.#api.call("artifactRegistry", "POST", `${parent}?ruleId=${encodeURIComponent(id)}`, body);
        const { name } = await this.#api.call("artifactRegistry", "GET", `${parent}/${id}`);
        return { id: `${parent}/${id}`, state: { ...inputs, name } };
    }

    async #serviceIdentity(inputs: Inputs): Promise<Created> {
        const id = `projects/${text(inputs["project"])}/services/${text(inputs["service"])}`;
        const operation = await this.#api.call("serviceUsage", "POST", `${id}:generateServiceIdentity`);
        const email = (operation["response"] as Inputs)["email"];
        const found = email === undefined ? {} : { email, member: `serviceAccount:${text(email)}` };
        return { id, state: { ...inputs, ...found } };
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
}

/** The settings in which an account differs from its inputs. */
function accountChanges(state: Inputs, inputs: Inputs): Record<string, unknown> {
    const { displayName } = inputs;
    return displayName === undefined || displayName === state["displayName"] ? {} : { displayName };
}

/** The id of a pool or provider, from its inputs. */
function identityId(inputs: Inputs): string {
    const pool = `projects/${text(inputs["project"])}/locations/global/workloadIdentityPools/${text(inputs["workloadIdentityPoolId"])}`;
    const provider = inputs["workloadIdentityPoolProviderId"];
    return provider === undefined ? pool : `${pool}/providers/${text(provider)}`;
}
