import { setTimeout } from "node:timers/promises";
import { repositoryName } from "python-registry/names/urls";
import type { GoogleClient } from "../google/client";
import { type Answers, askForRoot, denied, observe, type Place } from "./observe";
import { type Leftover, type Resource, TemporaryResources, type Waiting } from "./resources";
import { judge, type Verdict } from "./verdict";

/** What to try, and where. */
export interface Trial {
    readonly project: string;
    readonly location: string;
    /** Makes the names unique: lowercase letters and digits. */
    readonly id: string;
    readonly client: Pick<GoogleClient, "call" | "get">;
    /** Shows the progress: one line. */
    readonly say: (line: string) => void;
    /** Ends the trial early. What it created is deleted all the same. */
    readonly signal: AbortSignal;
    readonly limits?: Partial<Limits>;
}

/** The permissions on the project that a trial needs. */
export const permissions = [
    "artifactregistry.repositories.create",
    "artifactregistry.repositories.get",
    "artifactregistry.repositories.delete",
    "artifactregistry.repositories.downloadArtifacts",
    "artifactregistry.rules.create",
    "artifactregistry.rules.get",
    "artifactregistry.rules.delete",
] as const;

/** How often a line about the progress is repeated. */
const repeatSeconds = 20;

/** How long the trial waits. */
export interface Limits extends Waiting {
    /** For the rule to be in force, and for both repositories to answer. */
    readonly inForceSeconds: number;
    /** After that, before it believes that the index lists the package or that the virtual repository ignores the rule. */
    readonly settleSeconds: number;
}

export const defaultLimits: Limits = {
    intervalSeconds: 5,
    operationSeconds: 120,
    inForceSeconds: 300,
    settleSeconds: 60,
};

/** What a trial found out. */
export interface Finding {
    readonly verdict: Verdict;
    readonly answers: Answers;
    /** The statuses of the indexes' own pages. */
    readonly roots: { readonly remote: number | undefined; readonly virtual: number | undefined };
}

/** How a trial ended. */
export interface Outcome {
    /** What it found out, or why it found out nothing. */
    readonly result: Finding | Error;
    readonly left: readonly Leftover[];
    /** Whether anything was created, or perhaps was. */
    readonly hasCreated: boolean;
}

/** What a trial creates. */
export interface TrialResources {
    readonly remote: Resource;
    readonly rule: Resource;
    readonly virtual: Resource;
}

/** The names of what a trial creates. */
export function nameResources({
    project,
    location,
    id,
}: Pick<Trial, "project" | "location" | "id">): TrialResources {
    const repository = (kind: "remote" | "virtual"): Resource => ({
        title: `the ${kind} repository`,
        name: repositoryName({ project, location, repositoryId: repositoryId(id, kind) }),
        deletion: `gcloud artifacts repositories delete ${repositoryId(id, kind)} --project=${project} --location=${location} --quiet`,
    });
    const remote = repository("remote");
    return {
        remote,
        rule: {
            title: `the rule that denies ${denied.name}`,
            name: `${remote.name}/rules/${ruleId}`,
            deletion: `gcloud artifacts rules delete ${ruleId} --repository=${repositoryId(id, "remote")} --project=${project} --location=${location} --quiet`,
        },
        virtual: repository("virtual"),
    };
}

const ruleId = `deny-${denied.name}`;

function repositoryId(id: string, kind: "remote" | "virtual"): string {
    return `try-download-rules-${id}-${kind}`;
}

/**
 * Creates a remote repository with a rule that denies one public package, and a virtual repository in front of it; asks both for that
 * package and for a different one; deletes everything, also after an error and after an interruption.
 */
export async function tryDownloadRules(trial: Trial): Promise<Outcome> {
    const limits = { ...defaultLimits, ...trial.limits };
    const resources = new TemporaryResources(trial.client, limits);
    const result = await measure(trial, limits, resources).catch((error: unknown) =>
        error instanceof Error ? error : new Error(String(error)),
    );
    const hasCreated = !resources.isEmpty;
    const left = await resources.delete(({ title, name }, again) => {
        const why =
            again === undefined ? "" : ` again, for at most ${limits.operationSeconds} seconds: ${again}`;
        trial.say(`Deleting ${title} ${lastSegment(name)}${why}`);
    });
    return { result, left, hasCreated };
}

async function measure(trial: Trial, limits: Limits, resources: TemporaryResources): Promise<Finding> {
    const { project, location, id, client, signal, say } = trial;
    const { remote, rule, virtual } = nameResources(trial);
    const create = async (resource: Resource, path: string, body: object) => {
        say(`Creating ${resource.title} ${lastSegment(resource.name)}`);
        await resources.create(resource, path, body, signal);
    };
    const repositories = `projects/${project}/locations/${location}/repositories`;
    const settings = {
        format: "PYTHON",
        description: "Temporary: npm run try-download-rules of python-registry creates and deletes it",
    };
    await create(remote, `${repositories}?repositoryId=${repositoryId(id, "remote")}`, {
        ...settings,
        mode: "REMOTE_REPOSITORY",
        remoteRepositoryConfig: { pythonRepository: { publicRepository: "PYPI" } },
    });
    // Before anyone asks for the package, as in a stack with a mirror.
    await create(rule, `${remote.name}/rules?ruleId=${ruleId}`, {
        action: "DENY",
        operation: "DOWNLOAD",
        packageId: denied.name,
    });
    await create(virtual, `${repositories}?repositoryId=${repositoryId(id, "virtual")}`, {
        ...settings,
        mode: "VIRTUAL_REPOSITORY",
        virtualRepositoryConfig: {
            upstreamPolicies: [{ id: "public", repository: remote.name, priority: 1 }],
        },
    });
    const place = (kind: "remote" | "virtual"): Place => ({
        project,
        location,
        repository: repositoryId(id, kind),
    });
    const found = await settle(trial, limits, () => observe(client, place("remote"), place("virtual")));
    const [ofRemote, ofVirtual] = await unlessAborted(
        () => Promise.all([askForRoot(client, place("remote")), askForRoot(client, place("virtual"))]),
        signal,
    );
    return { ...found, roots: { remote: ofRemote, virtual: ofVirtual } };
}

/**
 * Asks until the answers allow a verdict. What can still change, because a rule needs time, has to last: a package that is listed, and
 * a rule that is ignored.
 */
async function settle(
    { say, signal }: Trial,
    { intervalSeconds, inForceSeconds, settleSeconds }: Limits,
    ask: () => Promise<Answers>,
): Promise<Pick<Finding, "verdict" | "answers">> {
    const start = Date.now();
    const passed = (since: number) => (Date.now() - since) / 1000;
    let decided: number | undefined;
    let said = { line: "", time: 0 };
    for (;;) {
        const answers = await unlessAborted(ask, signal);
        const verdict = judge(answers);
        const isUndecided = "because" in verdict;
        if (isUndecided) decided = undefined;
        else decided ??= Date.now();
        if (!isUndecided && decided !== undefined) {
            const canChange =
                verdict.rules === "ignored" || verdict.index === "listed" || verdict.isListedByVirtual;
            if (!canChange || passed(decided) >= settleSeconds) return { verdict, answers };
        }
        if (isUndecided && passed(start) >= inForceSeconds) {
            throw new Error(
                `No result: after ${Math.round(passed(start))} seconds, ${verdict.because}. Run the command again later`,
            );
        }
        if (passed(start) >= inForceSeconds + settleSeconds) {
            throw new Error(`No result: the answers still change after ${Math.round(passed(start))} seconds`);
        }
        const line = isUndecided
            ? `Waiting for at most ${inForceSeconds} seconds: ${verdict.because}`
            : `The rule is in force. Watching for ${settleSeconds} seconds whether the answers change`;
        if (line !== said.line || passed(said.time) >= repeatSeconds) {
            say(`${line} (${Math.round(passed(start))} s)`);
            said = { line, time: Date.now() };
        }
        await setTimeout(intervalSeconds * 1000, undefined, { signal });
    }
}

/** The result of reading, which nothing has to wait for if the signal comes first. */
async function unlessAborted<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const { promise, reject } = Promise.withResolvers<never>();
    const stop = () => {
        reject(signal.reason as Error);
    };
    signal.addEventListener("abort", stop, { once: true });
    try {
        return await Promise.race([read(), promise]);
    } finally {
        signal.removeEventListener("abort", stop);
    }
}

function lastSegment(name: string): string {
    return name.slice(name.lastIndexOf("/") + 1);
}
