import { isDeepStrictEqual } from "node:util";
import { inVariable } from "python-registry/clients/client";
import { stringify } from "smol-toml";
import * as v from "valibot";
import { asTable, readToml, type TomlTable } from "../formats/toml";
import type { FileLocation, Probe, ProbeRequest, ToolDescriptor } from "./descriptor";
import { poetryProject, getTable } from "./poetry-project";
import {
    elsewhere,
    entriesFor,
    outsideProject,
    pick,
    projectName,
    requirementsFor,
    requirementsOrName,
} from "./probe-project";

const inConfigFolder: FileLocation = { variable: { name: "POETRY_CONFIG_DIR", names: "folder" } };

/** @see https://python-poetry.org/docs/configuration/ */
export const poetry: ToolDescriptor = {
    commands: ["poetry"],
    locations: {
        "~/.config/pypoetry/config.toml": inConfigFolder,
        "~/.config/pypoetry/auth.toml": inConfigFolder,
    },
    projectTables: ["poetry"],
    project: poetryProject,
    loginVariables: (_use, indexName) => {
        const prefix = `POETRY_HTTP_BASIC_${inVariable(indexName)}`;
        return [`${prefix}_USERNAME`, `${prefix}_PASSWORD`];
    },
    keyring: { install: "package", publish: "package" },
    keyringSwitches: "keyring.enabled in `poetry config --list`",
    lock: {
        isNamed: (name) => name === "poetry.lock",
        // The lock file has a hash of the sources and the dependencies.
        isStale: ({ before, after }) => !isDeepStrictEqual(before, after),
        command: "poetry lock (Poetry 1: poetry lock --no-update)",
        commandFor: (packages) => `poetry update --lock ${packages.join(" ")}`,
    },
    cooldownVariable: "POETRY_SOLVER_MIN_RELEASE_AGE",
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
    if (project === undefined) return outsideProject("poetry", "indexes");
    const own = getTable(project);
    const sources = [own["source"] ?? []].flat().map(asTable);
    const isDeclared = requirementsFor(packageName, project).length > 0;
    const isExplicit =
        !isDeclared &&
        sources.some((each) => each?.["name"] === indexName && each?.["priority"] === "explicit");
    const groups = Object.values(asTable(own["group"]) ?? {}).map(
        (group) => asTable(group)?.["dependencies"],
    );
    const findEntries = (name: string) =>
        [own["dependencies"], ...groups, own["dev-dependencies"]]
            .map((table) => entriesFor(name, table))
            .find((entries) => Object.keys(entries).length > 0);
    const declared = findEntries(packageName);
    const refusal = elsewhere(packageName, project, Object.values(declared ?? {}));
    if (refusal !== undefined) return refusal;
    // They may be dependencies of the package, for which the project names a source.
    const declaredOthers = others.filter(
        (name) => elsewhere(name, project, Object.values(findEntries(name) ?? {})) === undefined,
    );
    // From an explicit source, poetry takes only what names it.
    const source = isExplicit ? { source: indexName ?? "" } : {};
    const standard = asTable(project["project"]);
    const required = [
        ...requirementsOrName(packageName, project),
        ...declaredOthers.flatMap((name) => requirementsFor(name, project)),
    ];
    const poetry = {
        ...(standard === undefined && { name: projectName, version: "0", description: "", authors: [] }),
        "package-mode": false,
        ...pick(own, ["source", "requires-poetry"]),
        dependencies: {
            ...pick(asTable(own["dependencies"]) ?? {}, ["python"]),
            ...(Object.assign({}, ...declaredOthers.map(findEntries)) as TomlTable),
            ...(declared ??
                (standard === undefined || isExplicit ? { [packageName]: { version: "*", ...source } } : {})),
        },
    };
    return {
        files: {
            "pyproject.toml": stringify({
                ...(standard && {
                    project: {
                        name: projectName,
                        version: "0",
                        ...pick(standard, ["requires-python"]),
                        dependencies: required,
                    },
                }),
                tool: { poetry },
            }),
        },
        copies: ["poetry.toml"],
        args: ["lock", "--project", directory, "--no-interaction", "--no-cache"],
        environment: {
            POETRY_VIRTUALENVS_CREATE: "false",
            ...(days !== undefined && { POETRY_SOLVER_MIN_RELEASE_AGE: String(days) }),
        },
        read: (_, lockFile) =>
            v
                .parse(lockSchema, readToml(lockFile("poetry.lock")))
                .package.map(({ source: from, ...found }) => ({ ...found, url: from?.url ?? pypiUrl })),
    };
}

const pypiUrl = "https://pypi.org/simple/";
const lockSchema = v.object({
    package: v.array(
        v.object({
            name: v.string(),
            version: v.string(),
            source: v.optional(v.object({ url: v.string() })),
        }),
    ),
});
