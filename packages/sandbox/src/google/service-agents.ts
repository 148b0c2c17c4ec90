import type { Project } from "./cloud";

/** The host of an API → the domain of the accounts with which Google itself uses it in a project, before `.iam.gserviceaccount.com`. */
const domains: Readonly<Record<string, string>> = {
    "artifactregistry.googleapis.com": "gcp-sa-artifactregistry",
    "cloudkms.googleapis.com": "gcp-sa-cloudkms",
    "secretmanager.googleapis.com": "gcp-sa-secretmanager",
};

/**
 * The address of the service agent of an API in a project; undefined if the API has none.
 * https://cloud.google.com/iam/docs/service-agents
 */
export function serviceAgent({ number }: Project, api: string): string | undefined {
    const domain = domains[api];
    return domain === undefined ? undefined : `service-${number}@${domain}.iam.gserviceaccount.com`;
}

/** The principal with which Artifact Registry reads secrets, keys and other repositories for the repositories of a project. */
export function registryAgent({ number }: Project): string {
    return `serviceAccount:service-${number}@gcp-sa-artifactregistry.iam.gserviceaccount.com`;
}

/** The project number and the API of a service agent's address; undefined for every other address. */
export function parseServiceAgent(email: string): { number: string; api: string } | undefined {
    const [, number = "", domain] =
        /^service-(\d+)@([a-z-]+)\.iam\.gserviceaccount\.com$/.exec(email.toLowerCase()) ?? [];
    const [api] = Object.entries(domains).find(([, each]) => each === domain) ?? [];
    return api === undefined ? undefined : { number, api };
}
