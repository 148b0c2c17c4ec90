import { execa } from "execa";
import { readFile } from "node:fs/promises";
import { repositoryName, repositoryUrls } from "python-registry/names/urls";
import * as v from "valibot";
import { findCli } from "../pulumi-cli";
import { UsageError } from "../usage-error";

/** A registry, as source or as target. */
export interface Registry {
    /** How the user named it. */
    readonly from: string;
    /** The full resource name, `projects/P/locations/L/repositories/R`. */
    readonly name: string;
    /** The id of the repository. */
    readonly id: string;
    readonly indexUrl: string;
    readonly uploadUrl: string;
}

// A project is a part of a path: it must not be `..`.
const project = v.pipe(v.string(), v.regex(/^[a-z0-9](?:[a-z0-9.:-]*[a-z0-9])?$/));
const location = v.pipe(v.string(), v.regex(/^[a-z0-9-]+$/));
const repositoryId = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*$/));

/** The output `repository`. The addresses follow from the other values: they are only compared. */
const outputsSchema = v.object({
    repository: v.pipe(
        v.object({
            id: repositoryId,
            name: v.string(),
            project,
            location,
            indexUrl: v.string(),
            uploadUrl: v.string(),
            /** The virtual repository from which tools install, if there is one. Uploads go to the other one. */
            indexRepository: v.optional(repositoryId),
        }),
        // The author of a file must not decide where a credential is sent.
        v.check((found) => {
            const own = locate(found.project, found.location, found.id);
            const index = locate(found.project, found.location, found.indexRepository ?? found.id);
            return (
                found.name === own.name &&
                found.uploadUrl === own.uploadUrl &&
                found.indexUrl === index.indexUrl
            );
        }),
    ),
});

const nameSchema = v.object({ project, location, id: repositoryId });

function locate(project: string, location: string, id: string): Omit<Registry, "from"> {
    const { indexUrl, uploadUrl } = repositoryUrls({ project, location, repository: id });
    return { name: repositoryName({ project, location, repositoryId: id }), id, indexUrl, uploadUrl };
}

/**
 * Finds a registry.
 *
 * @param from a full resource name, which starts with `projects/`; a file of outputs, which ends with `.json`; or the name of a
 * stack, whose outputs the Pulumi CLI reads
 * @throws Error that says what to do
 */
export async function findRegistry(from: string, onProgress?: (line: string) => void): Promise<Registry> {
    if (from.startsWith("projects/")) return parseName(from);
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(from)) {
        throw new UsageError(
            `${from} is an address. Use the name of a stack, a file of outputs (.json), or projects/P/locations/L/repositories/R`,
        );
    }
    if (from.endsWith(".json")) return parseOutputs(await readOutputsFile(from), from);
    return parseOutputs(await readStack(from, onProgress), `stack ${from}`);
}

function parseName(from: string): Registry {
    const [, project, location, id] =
        /^projects\/([^/]+)\/locations\/([^/]+)\/repositories\/([^/]+)$/.exec(from) ?? [];
    const parsed = v.safeParse(nameSchema, { project, location, id });
    if (!parsed.success) {
        throw new UsageError(
            `${JSON.stringify(from)} is not the resource name of a repository. Use projects/P/locations/L/repositories/R`,
        );
    }
    return { from, ...locate(parsed.output.project, parsed.output.location, parsed.output.id) };
}

/** @param from names the source in messages */
export function parseOutputs(json: string, from: string): Registry {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), outputsSchema), json);
    if (!parsed.success) {
        throw new Error(
            `${from} does not contain the outputs of a python-registry stack, or its repository has the name or the addresses of a different one. ` +
                "Use the output of this command: pulumi stack output --json",
        );
    }
    const { repository } = parsed.output;
    return { from, ...locate(repository.project, repository.location, repository.id) };
}

async function readOutputsFile(file: string): Promise<string> {
    try {
        return await readFile(file, "utf8");
    } catch (error) {
        const { code = "" } = error as NodeJS.ErrnoException;
        throw new Error(`${file} cannot be read (${code}). To use a stack, leave out .json`, {
            cause: error,
        });
    }
}

async function readStack(stack: string, onProgress?: (line: string) => void): Promise<string> {
    const cli = await findCli(onProgress);
    if ("missing" in cli) {
        throw new Error(
            `Reading the stack ${stack} needs ${cli.missing}. Use a file of outputs (.json) or projects/P/locations/L/repositories/R instead`,
        );
    }
    const args = ["stack", "output", "--json", "--non-interactive", `--stack=${stack}`];
    const { exitCode, stdout, stderr } = await execa("pulumi", args, {
        env: cli.environment,
        reject: false,
        stdin: "ignore",
    });
    if (exitCode !== 0) {
        throw new Error(
            `Cannot read the outputs of the stack ${stack}: ${stderr.trim().replace(/^error: /, "") || "pulumi failed"}`,
        );
    }
    return stdout;
}
