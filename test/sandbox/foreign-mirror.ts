import type { Sandbox } from "../../packages/sandbox/src/sandbox";
import { createRepository, ok, projectPath } from "./client";

const repositories = `${projectPath}/locations/europe-west1/repositories`;

/** What a repository has beyond its format. */
type Settings = Readonly<Record<string, unknown>>;

export const createRemote = (sandbox: Sandbox, id: string, settings: Settings = {}) =>
    createRepository(sandbox, {
        id,
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
    createRepository(sandbox, {
        id,
        mode: "VIRTUAL_REPOSITORY",
        virtualRepositoryConfig: {
            upstreamPolicies: Object.entries(upstreams).map(([each, priority]) => ({
                id: `their-${each}`,
                repository: `${repositories.slice(1)}/${each}`,
                priority,
            })),
        },
        ...settings,
    });

export const createRule = (sandbox: Sandbox, remote: string, id: string, rule: Settings) =>
    ok(sandbox, "POST", `/artifactregistry/v1${repositories}/${remote}/rules?ruleId=${id}`, {
        operation: "DOWNLOAD",
        ...rule,
    });

/** Creates the repositories of someone who did everything differently, and still safely. */
export async function createForeignMirror(sandbox: Sandbox, remote: string, virtual: string): Promise<void> {
    await createRepository(sandbox);
    await createRepository(sandbox, { id: "shared" });
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
