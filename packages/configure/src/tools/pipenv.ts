import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { stringify } from "smol-toml";
import * as v from "valibot";
import { nonPypiName } from "python-registry/clients/client";
import { normalizedName } from "python-registry/names/package-names";
import { asTable, type TomlTable } from "../formats/toml";
import type { LockedPackage, Probe, ProbeRequest, ToolDescriptor } from "./descriptor";
import { pipenvProject } from "./pipenv-project";
import { elsewhere, entriesFor, outsideProject, pick } from "./probe-project";

export const pipenv: ToolDescriptor = {
    commands: ["pipenv"],
    locations: { Pipfile: { variable: { name: "PIPENV_PIPFILE", names: "file" } } },
    project: pipenvProject,
    readsNetrc: true,
    asksKeyringAfterNetrc: true,
    keyring: { install: "command" },
    keyringSwitches: "PIPENV_KEYRING_PROVIDER, which must be subprocess",
    expandsVariables: true,
    lock: {
        isNamed: (name, pipfile) => name === `${pipfile}.lock`,
        // The lock file has a hash of the sources and the packages.
        isStale: ({ before, after }) => !isDeepStrictEqual(before, after),
        command:
            "pipenv upgrade --lock-only (before pipenv 2026: pipenv lock, which also takes newer versions)",
        commandFor: (packages, indexName) =>
            indexName === undefined
                ? `pipenv lock. First remove the index from ${packages.join(", ")} in the Pipfile: without that source, pipenv takes these names from a different one`
                : `pipenv install --index ${nonPypiName(indexName)} ${packages.join(" ")}`,
        packages: readPipfileLock,
    },
    probe: probeLock,
};

function probeLock({
    packageName,
    others,
    directory,
    indexName,
    project,
    daysToWait: days,
}: ProbeRequest): Probe | { notTried: string } {
    if (project === undefined) return outsideProject("pipenv", "indexes");
    const findEntries = (wanted: string) =>
        Object.entries(project)
            .filter(([name]) => !["source", "pipenv", "requires", "scripts"].includes(name))
            .map(([, table]) => entriesFor(wanted, asTable(table)))
            .find((entries) => Object.keys(entries).length > 0);
    const declared = findEntries(packageName);
    const refusal = elsewhere(packageName, {}, Object.values(declared ?? {}));
    if (refusal !== undefined) return refusal;
    const packages = {
        // They may be dependencies of the package, for which the project names an index.
        ...(Object.assign({}, ...others.map(findEntries)) as TomlTable),
        ...(declared ?? { [packageName]: { version: "*", ...(indexName && { index: indexName }) } }),
    };
    return {
        files: {
            Pipfile: stringify({
                ...pick(project, ["source", "pipenv"]),
                ...(days !== undefined && {
                    pipenv: { ...asTable(project["pipenv"]), "cool-down-period": `${days}d` },
                }),
                packages,
            }),
        },
        args: ["lock", "--quiet"],
        environment: {
            PIPENV_PIPFILE: join(directory, "Pipfile"),
            PIPENV_VENV_IN_PROJECT: "1",
            PIPENV_CACHE_DIR: join(directory, "cache"),
            PIPENV_NOSPIN: "1",
            // The environment that pipenv creates stays empty. Without pip in it, that takes a quarter of the time.
            VIRTUALENV_NO_SEED: "1",
            PIPENV_YES: "1",
            // Only wheels: to read the metadata of other files, pip would run their code.
            PIP_ONLY_BINARY: ":all:",
        },
        read: (_, lockFile) => {
            const { _meta: meta, default: locked } = v.parse(lockSchema, lockFile("Pipfile.lock"));
            return Object.entries(locked).map(([name, { version, index }]) => {
                const source = meta.sources.find((each) => each.name === index) ?? meta.sources[0];
                return { name, version: version.replace(/^==/, ""), url: source?.url ?? "" };
            });
        },
    };
}

const lockSchema = v.pipe(
    v.string(),
    v.parseJson(),
    v.object({
        _meta: v.object({ sources: v.array(v.object({ name: v.string(), url: v.string() })) }),
        default: v.record(
            v.string(),
            v.object({ version: v.optional(v.string(), ""), index: v.optional(v.string()) }),
        ),
    }),
);

const wholeLockSchema = v.objectWithRest(
    { _meta: v.object({ sources: v.array(v.object({ name: v.string(), url: v.string() })) }) },
    v.record(v.string(), v.looseObject({ index: v.optional(v.string()), version: v.optional(v.string()) })),
);

/** The packages with a version: the others come from a file or a repository of source code. */
function readPipfileLock(text: string): LockedPackage[] {
    const result = v.safeParse(v.pipe(v.string(), v.parseJson(), wholeLockSchema), text);
    if (!result.success) return [];
    const {
        _meta: { sources },
        ...categories
    } = result.output;
    const getUrl = (index: string | undefined) =>
        sources.find(({ name }) => name === index)?.url ?? sources[0]?.url ?? "";
    return Object.values(categories).flatMap((packages) =>
        Object.entries(packages)
            .filter(([name, { version }]) => version !== undefined && /^[\w.-]+$/.test(name))
            .map(([name, { index }]) => ({ name: normalizedName(name), text: `${getUrl(index)}/` })),
    );
}
