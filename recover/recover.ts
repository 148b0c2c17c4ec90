import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { parseDocument } from "yaml";
import { type Candidate, candidateOf, isOwn } from "./candidate";
import { parsePreview, type Preview } from "./events";

/** How the Pulumi CLI ended, and what it printed. The output may hold secrets: it is never passed on as it is. */
export interface CliResult {
    readonly exitCode: number;
    readonly stdout: string;
    readonly stderr: string;
}

/** Runs the Pulumi CLI, without interaction, in the project's folder. */
export type Cli = (
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
) => Promise<CliResult>;

/** What recovering takes. */
export interface Recovery {
    readonly stack: string;
    /** The project's folder, with the stack's file. */
    readonly directory: string;
    readonly pulumi: Cli;
    readonly onProgress: (line: string) => void;
}

const namespace = "python-registry";
/** Values as the program gets them. */
const configSchema = v.record(
    v.string(),
    v.object({ value: v.optional(v.string()), objectValue: v.optional(v.unknown()) }),
);
const accountsSchema = v.record(v.string(), v.record(v.string(), v.unknown()));
const exportSchema = v.object({
    deployment: v.object({
        resources: v.optional(v.array(v.object({ urn: v.string() })), []),
        pending_operations: v.optional(
            v.array(
                v.object({
                    type: v.string(),
                    resource: v.object({
                        type: v.string(),
                        inputs: v.optional(v.record(v.string(), v.unknown()), {}),
                    }),
                }),
            ),
            [],
        ),
    }),
});

/**
 * Brings the state of a stack up to date after an interrupted update: clears the operations that were under way, and imports
 * each repository and service account that the update created and that the state does not know. What exists without this
 * stack's mark belongs to somebody else: it is reported and left alone. Changes the state only, nothing at Google.
 *
 * @returns whether the next update can go on; what stands in its way is told
 * @throws Error with what the CLI said
 */
export async function recover({ stack, directory, pulumi, onProgress }: Recovery): Promise<boolean> {
    const run = async (args: readonly string[], environment?: Readonly<Record<string, string>>) => {
        const result = await pulumi([...args, "--stack", stack], environment);
        if (result.exitCode !== 0) {
            throw new Error(`pulumi ${args[0] ?? ""} failed:\n${result.stderr || result.stdout}`);
        }
        return result.stdout;
    };

    const { deployment } = v.parse(exportSchema, JSON.parse(await run(["stack", "export"])));
    const pending = deployment.pending_operations.filter(({ type }) => type === "creating");
    onProgress(
        pending.length === 0
            ? "No operation is pending. Refreshing the state…"
            : `Clearing ${pending.length} pending ${pending.length === 1 ? "operation" : "operations"} and refreshing the state…`,
    );
    await run(["refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--suppress-outputs"]);

    onProgress("Looking for resources that exist and that the state does not know…");
    const preview = async (...args: string[]): Promise<Preview> => {
        const { exitCode, stdout, stderr } = await pulumi(["preview", "--json", "--stack", stack, ...args], {
            PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true",
        });
        const parsed = parsePreview(stdout);
        return exitCode === 0 || parsed.errors.length > 0 ? parsed : { ...parsed, errors: [stderr.trim()] };
    };
    const planned = await preview();
    if (planned.errors.length > 0) {
        throw new Error(`pulumi preview failed:\n${planned.errors.join("\n")}`);
    }
    const candidates = planned.creates.flatMap((create) => candidateOf(create) ?? []);
    const config = v.parse(configSchema, JSON.parse(await run(["config", "--json", "--show-secrets"])));
    const found = await adopted(candidates, (chosen) =>
        withConfigFile(directory, stack, adopting(config, chosen), (file) => preview("--config-file", file)),
    );

    let complete = true;
    for (const candidate of candidates) {
        const { description, urn, type, id, parent } = candidate;
        if (!found.imports.some((resource) => resource.urn === urn)) {
            onProgress(`${description} does not exist yet: the next update creates it`);
        } else if (!isOwn(candidate, found)) {
            complete = false;
            onProgress(
                `${description} exists, but this stack did not create it: left alone. ` +
                    "To use or adopt it, set existing for it; otherwise choose a different id.",
            );
        } else if (!deployment.resources.some((resource) => resource.urn === parent)) {
            complete = false;
            onProgress(
                `${description} was created by this stack, which lost track of it: set existing: adopt for it.`,
            );
        } else {
            // Protected, until the next update sets what the configuration asks for.
            await run([
                ...["import", type, urn.split("::").slice(3).join("::"), id, "--parent", `parent=${parent}`],
                ...["--yes", "--skip-preview", "--generate-code=false", "--suppress-outputs"],
            ]);
            onProgress(`${description} was created by this stack: imported`);
        }
    }
    for (const { resource } of pending) {
        const account = resource.inputs["serviceAccountId"];
        if (resource.type !== "gcp:serviceaccount/key:Key" || typeof account !== "string") continue;
        const email = account.slice(account.lastIndexOf("/") + 1);
        onProgress(
            `A key of ${email} was being created. If Google has it, nobody else does: delete it. List the keys with: ` +
                `gcloud iam service-accounts keys list --managed-by=user --iam-account=${email}`,
        );
    }
    return complete;
}

type Config = v.InferOutput<typeof configSchema>;

/**
 * Previews adopting those candidates that exist. The program itself reports which do not.
 *
 * @throws Error with what the preview said if it fails for a different reason
 */
async function adopted(
    candidates: readonly Candidate[],
    adopt: (chosen: readonly Candidate[]) => Promise<Preview>,
): Promise<Preview> {
    let chosen = candidates;
    while (chosen.length > 0) {
        const preview = await adopt(chosen);
        if (preview.errors.length === 0) return preview;
        const said = preview.errors.join("\n");
        const problems = said.split(/^ *- (?=existing:)/m);
        const remaining = chosen.filter(({ id }) => !problems.some((problem) => isMissing(id, problem)));
        if (remaining.length === chosen.length) {
            const what = chosen.map(({ description }) => description).join(", ");
            throw new Error(`looking up ${what} failed:\n${said}`);
        }
        chosen = remaining;
    }
    return { creates: [], imports: [], errors: [], notes: [] };
}

/** Whether a problem is that a resource does not exist, as it cannot where its API was never enabled. */
function isMissing(id: string, problem: string): boolean {
    return (
        problem.includes(`${id} does not exist`) ||
        (problem.includes(id) && /has not been used in project|SERVICE_DISABLED/.test(problem))
    );
}

/** The stack's configuration with the candidates as existing resources: keys and values to set. */
function adopting(config: Config, chosen: readonly Candidate[]): Record<string, unknown> {
    const accounts = v.parse(accountsSchema, config[`${namespace}:serviceAccounts`]?.objectValue ?? {});
    const isChosen = (kind: Candidate["kind"], name: string) =>
        chosen.some((candidate) => candidate.kind === kind && candidate.name === name);
    const adopted = Object.entries(accounts).map(
        ([id, account]) =>
            [id, isChosen("serviceAccount", id) ? { ...account, existing: "adopt" } : account] as const,
    );
    const repository = chosen.some(({ kind }) => kind === "repository");
    return {
        [`${namespace}:serviceAccounts`]: Object.fromEntries(adopted),
        // Additive: nobody's role is looked up.
        ...(repository ? { [`${namespace}:existing`]: "adopt", [`${namespace}:access`]: "additive" } : {}),
    };
}

/** Has something done with a copy of the stack's file in which some values are different. */
async function withConfigFile<T>(
    directory: string,
    stack: string,
    values: Readonly<Record<string, unknown>>,
    work: (file: string) => Promise<T>,
): Promise<T> {
    const name = `Pulumi.${stack.slice(stack.lastIndexOf("/") + 1)}.yaml`;
    const document = parseDocument(await readFile(join(directory, name), "utf8"));
    for (const [key, value] of Object.entries(values)) {
        document.setIn(["config", key], value);
    }
    const temporary = await mkdtemp(join(tmpdir(), "python-registry-recover-"));
    try {
        const file = join(temporary, name);
        await writeFile(file, document.toString(), { mode: 0o600 });
        return await work(file);
    } finally {
        await rm(temporary, { recursive: true });
    }
}
