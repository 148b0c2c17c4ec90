import type { GoogleClient } from "./google-client";
import { repositoryPath } from "./repository-fields";
import { lastSegment, text, type Created, type Inputs } from "./resource-inputs";

interface Binding {
    role: string;
    members: string[];
}

interface AuditConfig {
    service: string;
    auditLogConfigs: unknown;
}

interface Policy {
    bindings: Binding[];
    auditConfigs: AuditConfig[];
}

/** Where the policy of a resource is, and what becomes of it. */
interface PolicyChange {
    readonly api: string;
    readonly name: string;
    /** The method of getIamPolicy. */
    readonly read: "GET" | "POST";
    /** The fields that setIamPolicy replaces. */
    readonly updateMask?: string;
    readonly change: (policy: Policy) => Partial<Policy>;
}

type Target = Omit<PolicyChange, "change">;

/** For each type of resource that is a part of a policy: the change that creates it. */
const changes: Readonly<Record<string, (inputs: Inputs) => PolicyChange>> = {
    "gcp:artifactregistry/repositoryIamBinding:RepositoryIamBinding": (inputs) => ({
        ...repository(inputs),
        change: withBinding(inputs),
    }),
    "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": (inputs) => ({
        ...repository(inputs),
        change: withMember(inputs),
    }),
    "gcp:serviceaccount/iAMBinding:IAMBinding": (inputs) => ({
        ...account(inputs),
        change: withBinding(inputs),
    }),
    "gcp:serviceaccount/iAMMember:IAMMember": (inputs) => ({
        ...account(inputs),
        change: withMember(inputs),
    }),
    "gcp:secretmanager/secretIamMember:SecretIamMember": (inputs) => ({
        ...secret(inputs),
        change: withMember(inputs),
    }),
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": (inputs) => ({
        api: "kms",
        name: text(inputs["cryptoKeyId"]),
        read: "GET",
        change: withMember(inputs),
    }),
    "gcp:projects/iAMAuditConfig:IAMAuditConfig": (inputs) => ({
        api: "resourceManager",
        name: `projects/${lastSegment(text(inputs["project"]))}`,
        read: "POST",
        updateMask: "bindings,etag,auditConfigs",
        change: withAuditConfig(inputs),
    }),
};

/** Changes policies: reads, changes and writes them, one after the other. */
export class PolicyChanges {
    readonly #api: GoogleClient;
    #turn: Promise<unknown> = Promise.resolve();

    constructor(api: GoogleClient) {
        this.#api = api;
    }

    /** Creates a resource that is a part of a policy; undefined if it is none. */
    create(type: string, inputs: Inputs): Promise<Created> | undefined {
        const wanted = changes[type]?.(inputs);
        if (!wanted) return undefined;
        const { api, name, read, updateMask, change } = wanted;
        const turn = this.#turn.then(async () => {
            const found = await this.#api.call(api, read, `${name}:getIamPolicy`);
            const changed = change({ bindings: [], auditConfigs: [], ...found });
            await this.#api.call(api, "POST", `${name}:setIamPolicy`, {
                policy: { ...found, ...changed },
                ...(updateMask !== undefined && { updateMask }),
            });
        });
        this.#turn = turn.catch(() => undefined);
        const id = inputs["service"]
            ? `${lastSegment(name)}/audit_config/${text(inputs["service"])}`
            : [name, inputs["role"], inputs["member"]].filter(Boolean).join("/");
        return turn.then(() => ({ id, state: { ...inputs } }));
    }
}

function repository(inputs: Inputs): Target {
    return { api: "artifactRegistry", name: repositoryPath(inputs), read: "GET" };
}

function account({ serviceAccountId }: Inputs): Target {
    return { api: "iamBeta", name: text(serviceAccountId), read: "POST" };
}

/** The id of a secret can be its full name. */
function secret({ project, secretId }: Inputs): Target {
    const [, owner = project, id = secretId] =
        /^projects\/([^/]+)\/secrets\/([^/]+)$/.exec(text(secretId)) ?? [];
    return { api: "secretManager", name: `projects/${text(owner)}/secrets/${text(id)}`, read: "GET" };
}

/** Exactly these members for a role. */
function withBinding(inputs: Inputs): PolicyChange["change"] {
    const role = text(inputs["role"]);
    return ({ bindings }) => ({
        bindings: [
            ...bindings.filter((each) => each.role !== role),
            { role, members: inputs["members"] as string[] },
        ],
    });
}

/** One more member for a role. */
function withMember(inputs: Inputs): PolicyChange["change"] {
    const role = text(inputs["role"]);
    return ({ bindings }) => {
        const members = bindings.find((each) => each.role === role)?.members ?? [];
        return {
            bindings: [
                ...bindings.filter((each) => each.role !== role),
                { role, members: [...new Set([...members, text(inputs["member"])])] },
            ],
        };
    };
}

/** Exactly these logs for a service. */
function withAuditConfig(inputs: Inputs): PolicyChange["change"] {
    const service = text(inputs["service"]);
    return ({ auditConfigs }) => ({
        auditConfigs: [
            ...auditConfigs.filter((each) => each.service !== service),
            { service, auditLogConfigs: inputs["auditLogConfigs"] },
        ],
    });
}
