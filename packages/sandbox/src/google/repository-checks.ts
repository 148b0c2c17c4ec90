import { isDeepStrictEqual } from "node:util";
import type { Cloud, Project } from "./cloud";
import { findCryptoKey } from "./cloud-kms-api";
import { GoogleError } from "./google-api";
import { parseUpstream, readPassword } from "./remote-upstream";
import type { Sender } from "./request-log";
import type { RepositorySettings } from "./repository-settings";
import { registryAgent } from "./service-agents";

/** A repository that a caller wants to create or update. */
interface Wanted {
    readonly project: Project;
    readonly location: string;
    readonly settings: RepositorySettings;
}

/**
 * Checks what a repository refers to, as far as it changes: other repositories, an upstream with its login, a key. The
 * wording and the status of most refusals are not documented.
 * @param send to what an upstream's URL names
 * @param current the settings of a repository that exists
 * @throws GoogleError INVALID_ARGUMENT, FAILED_PRECONDITION
 */
export async function checkReferences(
    cloud: Cloud,
    send: Sender,
    wanted: Wanted,
    current?: RepositorySettings,
): Promise<void> {
    const changes = (field: keyof RepositorySettings) =>
        !isDeepStrictEqual(wanted.settings[field], current?.[field]);
    if (changes("virtualRepositoryConfig")) checkVirtual(cloud, wanted);
    if (changes("kmsKeyName")) checkKey(cloud, wanted);
    if (changes("remoteRepositoryConfig")) await checkRemote(cloud, send, wanted);
}

function checkVirtual(cloud: Cloud, { location, settings }: Wanted) {
    const policies = settings.virtualRepositoryConfig?.upstreamPolicies ?? [];
    const twice = policies.find(({ id }, index) => policies.findIndex((each) => each.id === id) !== index);
    if (twice) throw new GoogleError("INVALID_ARGUMENT", `Duplicate upstream policy ID "${twice.id}".`);
    for (const { repository: name } of policies) {
        const [, owner = "", , where = "", , id = ""] = name.split("/");
        const upstream = cloud.projects.get(owner)?.repositories.get(`${where}/${id}`);
        if (where !== location) {
            throw new GoogleError(
                "INVALID_ARGUMENT",
                `The upstream repository "${name}" is not in the location ${location} of the virtual repository.`,
            );
        }
        if (!upstream) {
            throw new GoogleError("INVALID_ARGUMENT", `The upstream repository "${name}" does not exist.`);
        }
        if (upstream.settings.mode === "VIRTUAL_REPOSITORY") {
            throw new GoogleError(
                "INVALID_ARGUMENT",
                `The upstream repository "${name}" is a virtual repository: only standard and remote ones can be upstreams.`,
            );
        }
    }
}

function checkKey(cloud: Cloud, { project, location, settings }: Wanted) {
    const { kmsKeyName: name } = settings;
    if (name === undefined || name === "") return;
    const key = findCryptoKey(cloud, name);
    if (key && key.location !== location) {
        throw new GoogleError(
            "INVALID_ARGUMENT",
            `The key ${name} is not in the location ${location} of the repository.`,
        );
    }
    const agent = registryAgent(project);
    const caller = { principal: agent, identities: [agent] };
    const needed = [
        "cloudkms.cryptoKeyVersions.useToEncrypt",
        "cloudkms.cryptoKeyVersions.useToDecrypt",
    ] as const;
    const missing = needed.find((permission) => !key || !cloud.permits(caller, permission, key));
    if (missing === undefined) return;
    throw new GoogleError(
        "FAILED_PRECONDITION",
        `The Artifact Registry service account ${agent.replace("serviceAccount:", "")} cannot use the key: ` +
            `Permission '${missing}' denied on resource '${name}' (or it may not exist).`,
    );
}

async function checkRemote(cloud: Cloud, send: Sender, { project, settings }: Wanted): Promise<void> {
    const remote = settings.remoteRepositoryConfig;
    if (!remote) return;
    const { index, repository, login } = parseUpstream(remote);
    const password = login && readPassword(cloud, project, login.secretVersion);
    if (remote.disableUpstreamValidation === true) return;
    if (repository !== undefined) {
        const { location, project: owner, id } = repository;
        if (cloud.projects.get(owner)?.repositories.has(`${location}/${id}`) !== true) {
            throw new GoogleError(
                "INVALID_ARGUMENT",
                `Failed to validate remote upstream: the repository "projects/${owner}/locations/${location}/` +
                    `repositories/${id}" does not exist.`,
            );
        }
        return;
    }
    const headers = login && {
        Authorization: `Basic ${Buffer.from(`${login.username}:${password ?? ""}`).toString("base64")}`,
    };
    const request = new Request(`${index.href}/`, { method: "HEAD", ...(headers && { headers }) });
    const { status } = await send(request, registryAgent(project));
    if (status !== 401 && status !== 403) return;
    throw new GoogleError(
        "INVALID_ARGUMENT",
        "Failed to validate remote upstream: Unauthorized error returned by the external repository. Check the " +
            "upstream credentials.",
    );
}
