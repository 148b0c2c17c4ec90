import { readFileSync } from "node:fs";
import { copyFile, writeFile } from "node:fs/promises";
import { stripVTControlCharacters } from "node:util";
import { isAmong } from "python-registry/names/package-names";
import { isOnlyIndex, type PythonIndex } from "python-registry/clients/client";
import { run } from "../machine/run";
import { getPathSyntax, type System } from "../machine/system";
import { TemporaryDirectory } from "../machine/temporary-directory";
import { lastLines } from "../registry/masking";
import type { ProbeRequest } from "../tools/descriptor";
import type { ConfigurableTool } from "../tools/configurable";
import { descriptors } from "../tools/descriptors";
import { readTomlFile } from "../tools/project-files";
import { judge, readResolved, type Resolution } from "../tools/resolution";

/** What a tool itself did when it was asked for a package. */
export type Answer =
    | Resolution
    /** The last lines that the tool printed, without credentials. */
    | { readonly failed: string; readonly packageName: string; readonly isTimeout?: boolean }
    | { readonly notTried: string };

/** What to ask a tool. */
export interface Question {
    readonly tool: ConfigurableTool;
    /** The tool's command. */
    readonly launcher: string;
    readonly packageName: string;
    /** Further packages, for a tool that can resolve each of them on its own. */
    readonly others: readonly string[];
    readonly index: PythonIndex;
    /** The registry's name in the tool's files. */
    readonly indexName: string | undefined;
    /** The project's file for this tool; undefined outside a project. */
    readonly projectFile: string | undefined;
    /** How many days to wait for public versions, in the place of what the tool's files say. */
    readonly daysToWait?: number;
}

/** Makes a tool resolve a package, in a temporary directory that only the user can read. */
export async function ask(question: Question, system: System): Promise<Answer> {
    const paths = getPathSyntax(system);
    const { tool, launcher, packageName, others, index, indexName, projectFile, daysToWait } = question;
    await using temporary = await TemporaryDirectory.create();
    const directory = temporary.path;
    const beside = (name: string) => paths.join(paths.dirname(projectFile ?? directory), name);
    const request: ProbeRequest = {
        packageName,
        others,
        isInternal: (name) => isOnlyIndex(index) || isAmong(name, index.internalPackages),
        directory,
        indexName,
        daysToWait,
        project: projectFile === undefined ? undefined : readTomlFile(projectFile),
        beside: (name) => (system.exists(beside(name)) ? readTomlFile(beside(name)) : undefined),
    };
    const probe = descriptors[tool].probe(request);
    if ("notTried" in probe) return probe;
    const { files = {}, copies = [], environment = {}, args, runsInDirectory, read } = probe;
    for (const [name, text] of Object.entries(files)) {
        await writeFile(paths.join(directory, name), text, { mode: 0o600 });
    }
    for (const name of projectFile === undefined ? [] : copies) {
        // A project has only some of them.
        await copyFile(beside(name), paths.join(directory, name)).catch(() => undefined);
    }
    const printed = await run(
        {
            ...system,
            environment: { ...system.environment, ...temporaryFolders(directory), ...environment },
            ...(runsInDirectory && { workingDirectory: directory }),
        },
        launcher,
        args,
    );
    const result = { ...printed, stdout: stripVTControlCharacters(printed.stdout) };
    // Of a traceback, its last line says what happened.
    const output = lastLines(`${result.stdout}\n${result.stderr}`.replace(/^Traceback[^]*\n(?=\S)/m, ""));
    if (result.exitCode === undefined)
        return { packageName, failed: output || "it did not end within a minute", isTimeout: true };
    if (unknownOption.test(output)) {
        return { notTried: `this version of ${tool} lacks an option that the check needs` };
    }
    const found =
        result.exitCode === 0
            ? readResolved(() => read(result, (name) => readFileSync(paths.join(directory, name), "utf8")))
            : [];
    return judge(found, request, index) ?? { packageName, failed: output || "it printed nothing" };
}

/** What tools leave behind goes into the temporary directory, and with it. */
function temporaryFolders(directory: string): Record<string, string> {
    return { TMPDIR: directory, TEMP: directory, TMP: directory, VIRTUALENV_OVERRIDE_APP_DATA: directory };
}

const unknownOption =
    /no such option: -|unrecognized arguments: -|unexpected argument '-|option does not exist/i;
