import { parseAllDocuments } from "yaml";
import type { SnippetContext } from "../../packages/registry/src/ci/context";
import type {
    KeyringProvider,
    PublicPackages,
    PythonIndex,
} from "../../packages/registry/src/clients/client";
import { pipConfWithKeyring } from "../../packages/registry/src/clients/pip";
import { pypircWithKeyring } from "../../packages/registry/src/clients/twine";
import type { Workload } from "../../packages/registry/src/systems/systems";
import { parseWorkloads } from "../../packages/registry/src/workloads/parse";
import { getFederation } from "../../packages/registry/src/workloads/federation";
import { indexUrl, uploadUrl } from "./client-samples";

// Workloads, and what a test reads in their snippets.

export const provider =
    "projects/123456789012/locations/global/workloadIdentityPools/python-europe-west1/providers/example";
export const account = "python-publisher@acme-tools.iam.gserviceaccount.com";
const uuid = "6a1c7c1e-0e3b-4b5b-9c5e-2f1d3a4b5c6d";

const gitHub = {
    type: "githubActions",
    owner: "acme",
    repository: "core",
    ownerId: 1001,
    repositoryId: 2002,
} as const;
const circleCi = { type: "circleCi", organizationId: uuid, projectId: uuid } as const;
const azure = { type: "azureDevOps", organizationId: uuid, projectId: uuid } as const;
const hcp = { type: "hcpTerraform", organizationId: "org-abc", workspaceId: "ws-abc" } as const;
const buildkite = { type: "buildkite", organizationId: uuid, pipelineId: uuid } as const;
const oidc = {
    type: "oidc",
    issuer: "https://ci.example.com",
    claims: { sub: "builds", tenant_id: "7" },
} as const;
const gke = { type: "gke", namespace: "ci", serviceAccount: "builder" } as const;

/** Entries of `workloads`. In `via`, the account is that of `account`. */
export const samples = {
    "github-reader": { ...gitHub, access: "reader" },
    "github-writer": { ...gitHub, access: "writer", ref: "refs/heads/main", environment: "release" },
    "github-tag-via": { ...gitHub, access: "writer", ref: "refs/tags/v1.0", via: "python-publisher" },
    "github-enterprise": {
        ...gitHub,
        access: "admin",
        environment: "release",
        issuer: "https://git.example.com/_services/token",
    },
    "gitlab-reader": { type: "gitlabCi", access: "reader", projectId: 3003, protectedOnly: true },
    "gitlab-writer": { type: "gitlabCi", access: "writer", projectId: 3003, ref: "refs/heads/main" },
    "gitlab-group-via": { type: "gitlabCi", access: "writer", namespaceId: 44, via: "python-publisher" },
    "gitlab-environment": { type: "gitlabCi", access: "writer", projectId: 3003, environment: "production" },
    "circleci-reader": { ...circleCi, access: "reader" },
    "circleci-writer": {
        ...circleCi,
        access: "writer",
        vcsOrigin: "github.com/acme/core",
        ref: "refs/tags/v1.0",
    },
    "circleci-context": {
        ...circleCi,
        access: "writer",
        vcsOrigin: "github.com/acme/core",
        contextId: uuid,
    },
    "azure-reader": { ...azure, access: "reader" },
    "azure-writer": { ...azure, access: "writer", pipelineId: 12, ref: "refs/heads/release/1" },
    "terraform-reader": { ...hcp, access: "reader" },
    "terraform-writer-via": { ...hcp, access: "writer", via: "python-publisher" },
    "buildkite-reader": { ...buildkite, access: "reader" },
    "buildkite-writer": {
        ...buildkite,
        access: "writer",
        ref: "refs/heads/main",
        forkBranchesArePrefixed: true,
    },
    "oidc-reader": { ...oidc, access: "reader", audiences: ["sts.example.com"] },
    "oidc-writer-via": { ...oidc, access: "writer", via: "python-publisher" },
    "gke-reader": { ...gke, access: "reader" },
    "gke-writer-via": { ...gke, access: "writer", via: "python-publisher" },
    "build-reader": { type: "cloudBuild", access: "reader" },
    "build-writer": {
        type: "cloudBuild",
        access: "writer",
        serviceAccount: "builds@acme.iam.gserviceaccount.com",
    },
    "build-via": { type: "cloudBuild", access: "writer", via: "python-publisher" },
    "vm-reader": { type: "computeEngine", access: "reader" },
    "vm-writer-via": { type: "computeEngine", access: "writer", via: "python-publisher" },
    "run-writer": { type: "cloudRun", access: "writer", serviceAccount: "web@acme.iam.gserviceaccount.com" },
    "function-reader": { type: "cloudFunctions", access: "reader" },
    "app-reader": { type: "appEngine", access: "reader" },
} as const satisfies Record<string, object>;

/** The context of a workload, given as in the configuration. */
export function getContext(
    name: string,
    entry: object,
    keyring: KeyringProvider = "auto",
    publicPackages: PublicPackages = "pypi",
): SnippetContext<Workload> {
    const { workloads, mistakes } = parseWorkloads({ [name]: entry });
    const workload = workloads[name];
    if (workload === undefined) throw new Error(JSON.stringify(mistakes));
    const index: PythonIndex = {
        name: "python",
        indexUrl,
        uploadUrl,
        keyring,
        publicPackages,
        internalPackages: [],
    };
    return {
        name,
        workload,
        project: "acme-tools",
        ...(getFederation(workload) ? { provider } : {}),
        ...(workload.via === undefined ? {} : { serviceAccount: account }),
        index,
        pipConf: pipConfWithKeyring(index),
        pypirc: pypircWithKeyring({ name: "python", uploadUrl }),
    };
}

/** The documents of a snippet in YAML. */
export function getDocuments(snippet: string): unknown[] {
    return parseAllDocuments(snippet, { strict: true, uniqueKeys: true }).map((document) => {
        const [problem] = [...document.errors, ...document.warnings];
        if (problem !== undefined) throw problem;
        return document.toJS() as unknown;
    });
}

/** Whether a snippet is sh commands, and not YAML. The first line names the file of the other snippets. */
export function isScript(snippet: string): boolean {
    return !/^# \S+\.ya?ml\b/.test(snippet);
}

/** The sh commands in a snippet, as the system runs them. */
export function getScript(workload: Workload, snippet: string): string {
    if (isScript(snippet)) return snippet;
    const document = getDocuments(snippet).at(-1) as never;
    switch (workload.type) {
        case "githubActions": {
            const { jobs } = document as { jobs: { python: { steps: { run?: string }[] } } };
            // Each step has a shell of its own, with the variables in the file GITHUB_ENV.
            return jobs.python.steps
                .map(({ run = "" }) => run)
                .join('unset dir; while IFS= read -r line; do export "$line"; done < "$GITHUB_ENV"\n');
        }
        case "gitlabCi": {
            const jobs = document as Record<string, { script: string[] }>;
            return Object.values(jobs)
                .flatMap(({ script }) => script)
                .join("\n");
        }
        case "circleCi": {
            const { jobs } = document as { jobs: Record<string, { steps: ({ run: string } | string)[] }> };
            return Object.values(jobs)
                .flatMap(({ steps }) => steps)

                .map((step) => (typeof step === "string" ? "" : step.run))
                .join("");
        }
        case "azureDevOps":
            return (document as { steps: [{ bash: string }] }).steps[0].bash;
        case "buildkite":
            return (document as { steps: [{ command: string }] }).steps[0].command.replaceAll("$$", "$");
        case "gke":
            return (document as { spec: { containers: [{ args: [string] }] } }).spec.containers[0].args[0];
        case "cloudBuild":
            return (document as { steps: [{ script: string }] }).steps[0].script;
        default:
            throw new TypeError(`it is not known where the commands of ${workload.type} are`);
    }
}
