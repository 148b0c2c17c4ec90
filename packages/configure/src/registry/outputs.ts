import * as v from "valibot";
import { KeyringProvider, PublicPackages, type PythonIndex } from "python-registry/clients/client";
import { repositoryUrls } from "python-registry/names/urls";
import { readInput } from "../machine/input";
import { describeFailure } from "./masking";
import { run } from "../machine/run";
import { onPath, type System } from "../machine/system";

/** A registry, from its stack's outputs. */
export interface RegistryOutputs {
    /** Full resource name, which is unique. */
    readonly name: string;
    /** Where the outputs were read, for messages. */
    readonly from: string;
    readonly index: PythonIndex;
    /** E-mail addresses of the dedicated accounts, by account id. */
    readonly accounts: Readonly<Record<string, string>>;
    /** Key files of the accounts that have keys, by account id; undefined if the outputs were read without secrets. */
    readonly keyFiles: Readonly<Record<string, string>> | undefined;
    /** Everyone to whom the stack gives a role on the repository. Published outputs name only the dedicated accounts. */
    readonly principals: readonly string[];
}

/** Where to read the outputs: from a stack, with the Pulumi CLI, or from a file, an https address, or `-` for standard input. */
export type OutputsSource = { readonly stack: string } | { readonly file: string };

/** Whether the value of --outputs is an address, of any kind, and not a file. */
export function isAddress(file: string): boolean {
    return /^[a-z][a-z0-9+.-]*:\/\//i.test(file);
}

/** Long, because the backend may be slow, or the launcher may download the CLI first. */
const pulumiTimeoutSeconds = 300;

/** What Pulumi prints instead of a secret. */
const secretPlaceholder = "[secret]";

/** What `configure` uses. It makes its files from this, and takes no text of a client file. */
const schema = v.object({
    repository: v.pipe(
        v.object({
            id: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*$/)),
            name: v.string(),
            project: v.pipe(v.string(), v.regex(/^[a-z0-9.:-]+$/)),
            location: v.pipe(v.string(), v.regex(/^[a-z0-9-]+$/)),
            indexUrl: v.string(),
            uploadUrl: v.string(),
            // Of a stack with publicPackages: mirror: the repository that tools ask.
            indexRepository: v.optional(v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*$/))),
        }),
        // The author of the file must not decide where a credential is sent.
        v.check(({ id, name, project, location, indexUrl, uploadUrl, indexRepository }) => {
            const urls = repositoryUrls({ project, location, repository: id, indexRepository });
            return (
                name === `projects/${project}/locations/${location}/repositories/${id}` &&
                indexUrl === urls.indexUrl &&
                uploadUrl === urls.uploadUrl
            );
        }),
    ),
    keyring: v.optional(v.enum(KeyringProvider)),
    // A value of a later release is refused: its files could name other indexes than this release knows.
    publicPackages: v.optional(v.enum(PublicPackages), PublicPackages.pypi),
    cooldown: v.optional(v.object({ days: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(365)) })),
    // Only for the outputs of a stack without the output `keyring`, of an earlier release.
    pipConf: v.optional(v.string(), ""),
    serviceAccounts: v.optional(
        v.record(v.string(), v.looseObject({ email: v.pipe(v.string(), v.regex(/^[\w.+-]+@[\w.-]+$/)) })),
        {},
    ),
    access: v.optional(
        v.looseObject({
            reader: v.optional(v.array(v.string()), []),
            writer: v.optional(v.array(v.string()), []),
            admin: v.optional(v.array(v.string()), []),
        }),
        {},
    ),
    internalPackages: v.optional(v.array(v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]*\*?$/))), []),
    credentials: v.optional(
        v.union([
            v.literal(secretPlaceholder),
            v.record(v.string(), v.looseObject({ keyFile: v.pipe(v.string(), v.startsWith("{")) })),
        ]),
        {},
    ),
});

/**
 * Reads a registry's outputs.
 *
 * @param secrets whether the keys are needed
 * @throws Error that says what to do, and never contains what was read
 */
export async function readOutputs(
    source: OutputsSource,
    secrets: boolean,
    system: System,
): Promise<RegistryOutputs> {
    const [from, json] =
        "stack" in source
            ? [`stack ${source.stack}`, await readFromStack(source.stack, secrets, system)]
            : await readFromFile(source.file, system);
    return parseOutputs(json, from);
}

async function readFromFile(file: string, system: System): Promise<[from: string, text: string]> {
    if (isAddress(file)) {
        const { fetchOutputs } = await import("./outputs-address.ts");
        return fetchOutputs(file, system);
    }
    return [file === "-" ? "standard input" : file, await readInput(file, system)];
}

/** @param from names the source in messages */
export function parseOutputs(json: string, from: string): RegistryOutputs {
    const parsed = v.safeParse(schema, parseJson(json, from));
    if (!parsed.success) {
        const keys = new Set(parsed.issues.map((issue) => v.getDotPath(issue) ?? "everything"));
        throw new Error(
            `${from} does not contain the outputs of a python-registry stack (missing or unexpected: ${[...keys].join(", ")}). ` +
                "Use the output of this command: pulumi stack output --json",
        );
    }
    const {
        repository,
        pipConf,
        serviceAccounts,
        access,
        publicPackages,
        internalPackages,
        cooldown,
        credentials,
    } = parsed.output;
    const { id, name, indexUrl, uploadUrl } = repository;
    const keyring = parsed.output.keyring ?? keyringIn(pipConf);
    return {
        name,
        from,
        index: {
            name: id,
            indexUrl,
            uploadUrl,
            keyring,
            publicPackages,
            internalPackages,
            ...(cooldown && { cooldown }),
        },
        accounts: Object.fromEntries(
            Object.entries(serviceAccounts).map(([account, { email }]) => [account, email]),
        ),
        keyFiles:
            credentials === secretPlaceholder
                ? undefined
                : Object.fromEntries(
                      Object.entries(credentials).map(([account, { keyFile }]) => [account, keyFile]),
                  ),
        principals: [
            ...access.reader,
            ...access.writer,
            ...access.admin,
            ...Object.values(serviceAccounts).map(({ email }) => `serviceAccount:${email}`),
        ],
    };
}

/** The keyring provider that a pip.conf sets. */
function keyringIn(pipConf: string): KeyringProvider {
    const found = Object.values(KeyringProvider).find((each) =>
        pipConf.includes(`\nkeyring-provider = ${each}\n`),
    );
    return found ?? KeyringProvider.auto;
}

/** Runs the CLI in the current directory, which has the stack's project file. */
async function readFromStack(stack: string, secrets: boolean, system: System): Promise<string> {
    const pulumi = pulumiOnPath(system);
    if (pulumi === undefined) {
        throw new Error(
            "The Pulumi CLI is not on PATH. Install it, or run this command elsewhere and pass its output with --outputs FILE: pulumi stack output --json",
        );
    }
    const args = ["stack", "output", "--json", "--non-interactive", "--stack", stack];
    const { exitCode, stdout, stderr } = await run(
        // npm runs a script in the project, also if it is started elsewhere.
        { ...system, workingDirectory: process.cwd() },
        pulumi,
        secrets ? [...args, "--show-secrets"] : args,
        pulumiTimeoutSeconds,
    );
    if (exitCode !== 0) {
        throw new Error(
            `Cannot read the outputs of stack ${stack}: pulumi failed ${describeFailure({ exitCode, stderr })}`,
        );
    }
    return stdout;
}

/**
 * The Pulumi CLI that the user installed, else the launcher of the npm package `pulumi`, which downloads one. npm puts the
 * launcher in front on the PATH of its scripts.
 */
function pulumiOnPath(system: System): string | undefined {
    return (
        onPath(system, "pulumi", (directory) => !directory.includes("node_modules")) ??
        onPath(system, "pulumi")
    );
}

function parseJson(json: string, from: string): unknown {
    try {
        return JSON.parse(json);
    } catch {
        throw new Error(`${from} is not JSON. Use the output of this command: pulumi stack output --json`);
    }
}
