import type { Sandbox } from "../../packages/sandbox/src/sandbox";
import { ok, projectPath } from "./client";

const location = `${projectPath}/locations/europe-west1`;
const api = "/artifactregistry/v1";

/** What a repository has beyond its format. */
type Settings = Readonly<Record<string, unknown>>;

export const createPythonRepository = (sandbox: Sandbox, id: string, settings: Settings = {}) =>
    ok(sandbox, "POST", `${api}${location}/repositories?repository_id=${id}`, {
        format: "PYTHON",
        ...settings,
    });

export const createRemote = (sandbox: Sandbox, id: string, settings: Settings = {}) =>
    createPythonRepository(sandbox, id, {
        mode: "REMOTE_REPOSITORY",
        remoteRepositoryConfig: { pythonRepository: { publicRepository: "PYPI" } },
        ...settings,
    });

/** @param upstreams the priority of each repository behind it */
export const createVirtual = (
    sandbox: Sandbox,
    id: string,
    upstreams: Readonly<Record<string, number>>,
    settings: Settings = {},
) =>
    createPythonRepository(sandbox, id, {
        mode: "VIRTUAL_REPOSITORY",
        virtualRepositoryConfig: {
            upstreamPolicies: Object.entries(upstreams).map(([each, priority]) => ({
                id: `their-${each}`,
                repository: `${location.slice(1)}/repositories/${each}`,
                priority,
            })),
        },
        ...settings,
    });

export const createRule = (sandbox: Sandbox, remote: string, id: string, rule: Settings) =>
    ok(sandbox, "POST", `${api}${location}/repositories/${remote}/rules?ruleId=${id}`, {
        operation: "DOWNLOAD",
        ...rule,
    });

/** Enables the APIs, as the owner of repositories has done. */
export const enableApis = (sandbox: Sandbox) =>
    ok(sandbox, "POST", `/serviceusage/v1${projectPath}/services:batchEnable`, {
        serviceIds: ["artifactregistry.googleapis.com", "iam.googleapis.com"],
    });

/** Creates the repositories of someone who did everything differently, and still safely. */
export async function createForeignMirror(sandbox: Sandbox, remote: string, virtual: string): Promise<void> {
    await createPythonRepository(sandbox, "python");
    await createPythonRepository(sandbox, "shared");
    await createRemote(sandbox, remote, {
        description: "Theirs",
        labels: { team: "data" },
        remoteRepositoryConfig: {
            description: "PyPI by another name",
            pythonRepository: { customRepository: { uri: "https://pypi.example/simple/" } },
            noCache: {},
        },
        cleanupPolicies: { old: { action: "DELETE", condition: { olderThan: "86400s" } } },
        cleanupPolicyDryRun: true,
        vulnerabilityScanningConfig: { enablementConfig: "DISABLED" },
    });
    const upstreams = { shared: 500, python: 7, [remote]: 3 };
    await createVirtual(sandbox, virtual, upstreams, { description: "Theirs too" });
}
