import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { parseDocument } from "yaml";
import { type Candidate, findCandidate, isCreatedByStack } from "./candidate";
import { parsePreview, type Preview } from "./events";

/** How the Pulumi CLI ended, and what it printed. The output may contain secrets: only parts of it are printed. */
export interface CliResult {
    readonly exitCode: number;
    readonly stdout: string;
    readonly stderr: string;
}

/** Runs the Pulumi CLI without prompts in the project's directory. */
export type Cli = (
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
) => Promise<CliResult>;

/** What `recover` needs. */
export interface RecoverOptions {
    readonly stack: string;
    /** The project's directory, which contains the stack's configuration file. */
    readonly directory: string;
    readonly pulumi: Cli;
    readonly onProgress: (line: string) => void;
}

/** The configuration as `pulumi config --json` prints it. */
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
 * Repairs the state of a stack after an interrupted update: clears pending operations, and imports each repository and
 * service account that the update created but did not record. A resource without this stack's mark was created by others:
 * it is reported and not changed. Only the state changes, nothing at Google.
 *
 * @returns whether the next update can continue; what prevents it is reported
 * @throws Error with the CLI's output if a command fails
 */
export async function recover({ stack, directory, pulumi, onProgress }: RecoverOptions): Promise<boolean> {
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

    onProgress("Looking for existing resources that are missing in the state…");
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
    const candidates = planned.creates.flatMap((create) => findCandidate(create) ?? []);
    const config = v.parse(configSchema, JSON.parse(await run(["config", "--json", "--show-secrets"])));
    const found = await previewAdoption(candidates, (chosen) =>
        withConfigFile(directory, stack, adoptionConfig(config, chosen), (file) =>
            preview("--config-file", file),
        ),
    );

    let complete = true;
    for (const candidate of candidates) {
        const { description, urn, type, id, parent } = candidate;
        if (!found.imports.some((resource) => resource.urn === urn)) {
            onProgress(`${description} does not exist yet: the next update creates it`);
        } else if (!isCreatedByStack(candidate, found)) {
            complete = false;
            onProgress(
                `${description} exists, but this stack did not create it. It was not changed. ` +
                    "To use or adopt it, set existing for it. Otherwise use a different id.",
            );
        } else if (!deployment.resources.some((resource) => resource.urn === parent)) {
            complete = false;
            onProgress(
                `${description} was created by this stack, but its parent is not in the state. To import it, set existing: adopt for it.`,
            );
        } else {
            // The import protects the resource. The next update applies the configured protection.
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
            `A key of ${email} was being created. If it exists at Google, its private part is lost: delete it. To list the keys, run: ` +
                `gcloud iam service-accounts keys list --managed-by=user --iam-account=${email}`,
        );
    }
    return complete;
}

type Config = v.InferOutput<typeof configSchema>;

/**
 * Previews the adoption of the candidates that exist. The program reports which ones do not.
 *
 * @throws Error with the preview's errors if it fails for a different reason
 */
async function previewAdoption(
    candidates: readonly Candidate[],
    adopt: (chosen: readonly Candidate[]) => Promise<Preview>,
): Promise<Preview> {
    let chosen = candidates;
    while (chosen.length > 0) {
        const preview = await adopt(chosen);
        if (preview.errors.length === 0) return preview;
        const errors = preview.errors.join("\n");
        const problems = errors.split(/^ *- (?=existing:)/m);
        const remaining = chosen.filter(({ id }) => !problems.some((problem) => isMissing(id, problem)));
        if (remaining.length === chosen.length) {
            const what = chosen.map(({ description }) => description).join(", ");
            throw new Error(`Looking up ${what} failed:\n${errors}`);
        }
        chosen = remaining;
    }
    return { creates: [], imports: [], errors: [], notes: [] };
}

/** Whether a problem means that a resource does not exist. If its API was never enabled, it cannot exist. */
function isMissing(id: string, problem: string): boolean {
    return (
        problem.includes(`${id} does not exist`) ||
        (problem.includes(id) && /has not been used in project|SERVICE_DISABLED/.test(problem))
    );
}

/** The configuration values that let the program adopt the candidates. */
function adoptionConfig(config: Config, chosen: readonly Candidate[]): Record<string, unknown> {
    // The second part of a URN is the name of the project, which is the namespace of its configuration.
    const [namespace = ""] = chosen.map(({ urn }) => urn.split("::")[1] ?? "");
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
        // With additive access, the preview does not read who has which role.
        ...(repository ? { [`${namespace}:existing`]: "adopt", [`${namespace}:access`]: "additive" } : {}),
    };
}

/** Runs work with a copy of the stack's configuration file in which some values are replaced. */
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
