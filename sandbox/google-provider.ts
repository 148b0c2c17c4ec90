type Inputs = Readonly<Record<string, unknown>>;

/** A resource as it stands after its creation. */
export interface Created {
    readonly id: string;
    readonly state: Record<string, unknown>;
}

interface Binding {
    role: string;
    members: string[];
}

/**
 * The few calls that creating this project's resources takes, in the order in which the Google provider makes them.
 * Creation only: this is no provider.
 */
export class GoogleProvider {
    readonly #config: Readonly<Record<string, string>>;
    /** Policies are read, changed and written: one after the other. */
    #policyTurn: Promise<unknown> = Promise.resolve();

    /** @param config stack configuration with the provider's custom endpoints and access token */
    constructor(config: Readonly<Record<string, string>>) {
        this.#config = config;
    }

    /** @throws Error with the API's message */
    async create(type: string, inputs: Inputs): Promise<Created> {
        switch (type) {
            case "gcp:projects/service:Service":
                return this.#enable(inputs);
            case "gcp:artifactregistry/repository:Repository":
                return this.#repository(inputs);
            case "gcp:serviceaccount/account:Account":
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
                throw new Error(`the in-process engine cannot make a ${type}`);
        }
    }

    async #enable(inputs: Inputs): Promise<Created> {
        const name = `projects/${text(inputs["project"])}/services/${text(inputs["service"])}`;
        await this.#call("serviceUsage", "POST", `${name}:enable`, {});
        return { id: name, state: { ...inputs } };
    }

    async #repository(inputs: Inputs): Promise<Created> {
        const { project, location, repositoryId, format, mode, description, labels } = inputs;
        const parent = `projects/${text(project)}/locations/${text(location)}/repositories`;
        const id = text(repositoryId);
        await this.#call("artifactRegistry", "POST", `${parent}?repository_id=${id}`, {
            format,
            mode,
            description,
            labels,
        });
        const made = await this.#call("artifactRegistry", "GET", `${parent}/${id}`);
        return { id: `${parent}/${id}`, state: { ...inputs, name: id, registryUri: made["registryUri"] } };
    }

    async #account(inputs: Inputs): Promise<Created> {
        const { project, accountId, displayName } = inputs;
        const made = await this.#call("iamBeta", "POST", `projects/${text(project)}/serviceAccounts`, {
            accountId,
            serviceAccount: { displayName },
        });
        const { name, email } = made;
        return { id: text(name), state: { ...inputs, name, email, member: `serviceAccount:${text(email)}` } };
    }

    async #key(inputs: Inputs): Promise<Created> {
        const made = await this.#call("iamBeta", "POST", `${text(inputs["serviceAccountId"])}/keys`, {
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
            const policy = await this.#call("artifactRegistry", "GET", `${name}:getIamPolicy`);
            const bindings = change((policy["bindings"] as Binding[] | undefined) ?? []);
            await this.#call("artifactRegistry", "POST", `${name}:setIamPolicy`, {
                policy: { ...policy, bindings },
            });
        });
        this.#policyTurn = turn.catch(() => undefined);
        const id = [name, role, member].filter(Boolean).join("/");
        return turn.then(() => ({ id, state: { ...inputs } }));
    }

    async #call(api: string, method: string, path: string, body?: object): Promise<Record<string, unknown>> {
        const endpoint = this.#config[`gcp:${api}CustomEndpoint`];
        if (endpoint === undefined) {
            throw new Error(
                `gcp:${api}CustomEndpoint is not set: the in-process engine talks only to a stand-in`,
            );
        }
        const response = await fetch(endpoint + path, {
            method,
            headers: {
                authorization: `Bearer ${this.#config["gcp:accessToken"] ?? ""}`,
                "content-type": "application/json",
            },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const answer = (await response.json()) as Record<string, unknown> & { error?: { message: string } };
        if (!response.ok) {
            throw new Error(`${method} ${path}: ${response.status} ${answer.error?.message ?? ""}`);
        }
        return answer;
    }
}

function text(input: unknown): string {
    if (typeof input !== "string") {
        throw new TypeError(`a text was expected, not ${typeof input}`);
    }
    return input;
}
