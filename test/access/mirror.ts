import assert from "node:assert/strict";
import type { Repository } from "../../packages/sandbox/src/google/cloud";
import { googleAccount, type Policy } from "../../packages/sandbox/src/google/policy";
import { registryAgent } from "../../packages/sandbox/src/google/service-agents";
import { pythonFile } from "../../packages/sandbox/src/python/simple-index";
import type { Role } from "../../packages/registry/src/names/principals";
import type { AccessStack } from "./access-stack";
import { type Identity, project } from "./identities";
import { basic, bearer, send, uploadForm } from "./operations";

// Two more registries in the sandbox of a stack, with its identities: one mirrors a repository of another project, and one an index
// with a login. Who can do what with the private, the remote and the virtual repository, and what Google's service agent can.

const location = "europe-west1";
const upstream = `projects/central-project/locations/${location}/repositories/pypi`;
const password = "projects/vault-project/secrets/index-password";
const operator = "user:operator@example.com";
const publicPackage = { name: "public-thing", filename: "public_thing-1.0.tar.gz" };
const privatePackage = { name: "private-thing", filename: "private_thing-1.0.tar.gz" };

/** Whether somebody could do something in a registry with a mirror. */
export interface MirrorCell {
    readonly identity: Identity;
    readonly operation: string;
    readonly done: boolean;
    /** What the configuration declares. */
    readonly declared: boolean;
}

/** Whether Google's service agent can do something outside its project, and whether it should. */
export interface AgentRow {
    readonly resource: string;
    readonly operation: string;
    readonly done: boolean;
    readonly declared: boolean;
}

/** Creates the registries, and tries everything as everyone. */
export async function mirrorGrants(
    stack: AccessStack,
    identities: readonly Identity[],
): Promise<{ readonly cells: readonly MirrorCell[]; readonly agent: readonly AgentRow[] }> {
    const { cloud } = stack.sandbox;
    const central = cloud.addProject("central-project", "810000000000", operator);
    const vault = cloud.addProject("vault-project", "820000000000", operator);
    central.services.add("artifactregistry.googleapis.com");
    vault.services.add("secretmanager.googleapis.com");
    const secret = cloud.addSecret(password, ["hunter2"]);
    const other = cloud.addSecret("projects/vault-project/secrets/other", ["hunter3"]);
    const api = "https://artifactregistry.googleapis.com/v1";
    await stack.asOperator("POST", `${api}/${upstream.replace(/\/[^/]+$/, "")}?repository_id=pypi`, {
        format: "PYTHON",
    });
    const pypi = cloud.repository(central, location, "pypi");
    put(pypi, publicPackage, "public");

    const principals = (role: Role) =>
        identities.filter((each) => each.role === role).map((each) => getPrincipal(stack, each));
    const common = { location, publicPackages: "mirror", serviceAccounts: {} };
    await stack.upAgain({
        ...common,
        repository: "mirrored",
        mirror: { upstream },
        readers: principals("reader"),
        writers: principals("writer"),
        admins: principals("admin"),
    });
    await stack.upAgain({
        ...common,
        repository: "behind-login",
        mirror: {
            upstream: "https://packages.acme.example/simple",
            username: "mirror",
            passwordSecret: `${password}/versions/1`,
        },
    });

    const cells: MirrorCell[] = [];
    for (const identity of identities) {
        const token = await stack.login(identity.login);
        for (const { operation, request, hadEffect, allowed } of trials(stack, identity.id)) {
            const { status, text } = await request(token);
            const done = status === 200;
            assert.equal(done, hadEffect(), `${identity.id}: ${operation}: ${status} ${text}`);
            const declared = identity.role !== undefined && allowed.includes(identity.role);
            cells.push({ identity, operation, done, declared });
        }
    }

    const agent = registryAgent(cloud.project(project));
    const agentToken = stack.sandbox.issueToken(agent);
    const index = `https://${location}-python.pkg.dev/central-project/pypi`;
    const answers = async (declared: boolean, operation: string, request: ReturnType<typeof send>) => ({
        resource: `repository \`${upstream}\``,
        operation,
        done: (await request).status === 200,
        declared,
    });
    const ofAgent: AgentRow[] = [
        await answers(true, "install", install(stack, index, publicPackage, agentToken)),
        await answers(
            false,
            "upload",
            send(stack, `${index}/`, {
                method: "POST",
                token: basic(agentToken),
                form: uploadForm("agent", "agent-thing", "agent_thing-1.0.tar.gz"),
            }),
        ),
        await answers(
            false,
            "delete a package",
            send(stack, `${api}/${upstream}/packages/${publicPackage.name}`, {
                method: "DELETE",
                token: bearer(agentToken),
            }),
        ),
        await answers(
            false,
            "read the policy",
            send(stack, `${api}/${upstream}:getIamPolicy`, { token: bearer(agentToken) }),
        ),
        ...[secret, other].map((each) => ({
            resource: `secret \`projects/vault-project/secrets/${each.id}\``,
            operation: "read",
            done: cloud.permits(googleAccount(agent), "secretmanager.versions.access", each),
            declared: each === secret,
        })),
        {
            resource: `secret \`${password}\``,
            operation: "change the policy",
            done: cloud.permits(googleAccount(agent), "secretmanager.secrets.setIamPolicy", secret),
            declared: false,
        },
    ];
    // Nobody else gets anything there, and nobody at all a role on the remote repositories.
    const bindings = ({ policy }: { readonly policy: Policy }) =>
        policy.bindings.map(({ role, members }) => [role, ...members]);
    assert.deepEqual(bindings(pypi), [["roles/artifactregistry.reader", agent]]);
    assert.deepEqual(bindings(secret), [["roles/secretmanager.secretAccessor", agent]]);
    for (const id of ["mirrored-public", "behind-login-public"]) {
        assert.deepEqual(bindings(cloud.repository(cloud.project(project), location, id)), []);
    }
    return { cells, agent: ofAgent };
}

interface Trial {
    readonly operation: string;
    readonly request: (token: string | undefined) => ReturnType<typeof send>;
    /** Whether the state shows that it was done. */
    readonly hadEffect: () => boolean;
    /** The roles that the configuration allows it. */
    readonly allowed: readonly Role[];
}

let turn = 0;

function trials(stack: AccessStack, id: string): Trial[] {
    const { cloud } = stack.sandbox;
    const repository = (name: string) => cloud.repository(cloud.project(project), location, name);
    const [own, remote, all] = ["mirrored", "mirrored-public", "mirrored-all"].map(repository) as [
        Repository,
        Repository,
        Repository,
    ];
    put(own, privatePackage, "private");
    const url = ({ id: name }: Repository) => `https://${location}-python.pkg.dev/${project}/${name}`;
    const api = ({ id: name }: Repository) =>
        `https://artifactregistry.googleapis.com/v1/projects/${project}/locations/${location}/repositories/${name}`;
    const everyone = ["reader", "writer", "admin"] as const;

    const installation = (
        operation: string,
        from: Repository,
        file: typeof publicPackage,
        allowed: readonly Role[],
    ): Trial => {
        let status = 0;
        let content = "";
        return {
            operation,
            request: async (token) => {
                const reply = await install(stack, url(from), file, token);
                ({ status, text: content } = reply);
                return reply;
            },
            hadEffect: () => status === 200 && content === file.name.replace("-thing", ""),
            allowed,
        };
    };
    const upload = (operation: string, to: Repository, allowed: readonly Role[]): Trial => {
        const name = `probe-${id}-${++turn}`;
        const filename = `${name.replaceAll("-", "_")}-1.0.tar.gz`;
        return {
            operation,
            request: (token) =>
                send(stack, `${url(to)}/`, {
                    method: "POST",
                    token: basic(token),
                    form: uploadForm(id, name, filename),
                }),
            hadEffect: () => to.files.has(filename),
            allowed,
        };
    };
    const rule = `open-${++turn}`;
    const { policy } = all;
    return [
        installation("install a private package", all, privatePackage, everyone),
        installation("install a public package", all, publicPackage, everyone),
        installation("install from the private repository itself", own, privatePackage, everyone),
        installation("install from the remote repository itself", remote, publicPackage, []),
        upload("upload to the private repository", own, ["writer", "admin"]),
        upload("upload to the virtual repository", all, []),
        upload("upload to the remote repository", remote, []),
        {
            operation: "delete a package of the remote repository",
            request: (token) =>
                send(stack, `${api(remote)}/packages/${publicPackage.name}`, {
                    method: "DELETE",
                    token: bearer(token),
                }),
            // A reader has installed it before, so that it is kept there.
            hadEffect: () => !remote.files.has(publicPackage.filename) && remote.files.size > 0,
            allowed: [],
        },
        {
            operation: "add a download rule to the remote repository",
            request: (token) =>
                send(stack, `${api(remote)}/rules?ruleId=${rule}`, {
                    method: "POST",
                    token: bearer(token),
                    json: { action: "ALLOW", operation: "DOWNLOAD", packageId: rule },
                }),
            hadEffect: () => remote.rules.has(rule),
            allowed: [],
        },
        {
            operation: "change the policy of the virtual repository",
            request: (token) =>
                send(stack, `${api(all)}:setIamPolicy`, {
                    method: "POST",
                    token: bearer(token),
                    json: { policy },
                }),
            hadEffect: () => all.policy.etag !== policy.etag,
            allowed: [],
        },
    ];
}

/** What pip does: the page of the package, and its file. */
async function install(
    stack: AccessStack,
    repositoryUrl: string,
    { name }: { readonly name: string },
    token: string | undefined,
): ReturnType<typeof send> {
    const address = `${repositoryUrl}/simple/${name}/`;
    const page = await send(stack, address, { token: basic(token) });
    const link = /href="([^"#]+)/.exec(page.text)?.[1];
    if (page.status !== 200 || link === undefined) return page;
    return send(stack, new URL(link, address).href, { token: basic(token) });
}

function put(
    repository: Repository,
    { name, filename }: { readonly name: string; readonly filename: string },
    content: string,
): void {
    repository.files.set(filename, pythonFile(name, filename, Buffer.from(content)));
}

/** The principal to which the stack grants the role of an identity. */
function getPrincipal({ outputs }: AccessStack, { login, account }: Identity): string {
    if (account !== undefined) return `serviceAccount:${account}@${project}.iam.gserviceaccount.com`;
    if (login.kind === "person") return login.member;
    const granted = login.kind === "federation" ? outputs.access.workloads?.[login.workload] : undefined;
    assert.ok(granted !== undefined);
    return granted.principal;
}
