import { type Tool, tools } from "python-registry/clients/tools";
import { type ConfigureOptions, resolveRequest } from "./configure";
import { getFiles, type ScopeFile } from "./tools/tool-plan";
import { printNote } from "./report";
import { getPathSyntax, type System } from "./machine/system";

export interface PrintOptions extends Omit<ConfigureOptions, "tool" | "dryRun"> {
    readonly tool?: readonly Tool[];
    /** The file's name without its directory; true if the tool has only one file. */
    readonly print: string | true;
}

/** Prints one client file, and nothing else, to standard output. Writes no file. */
export async function print(options: PrintOptions, system: System): Promise<void> {
    const { file, secret } = await fileToPrint(options, system);
    process.stdout.write(file.text);
    if (secret) {
        printNote("This file contains a credential: keep it readable by you only (umask 077).");
    }
}

/**
 * Finds the file that the command line names, with the text that `configure` writes to a new file. Reads no existing
 * client file and no project.
 *
 * @throws Error that says which tool or file to name
 */
export async function fileToPrint(options: PrintOptions, system: System): Promise<ScopeFile> {
    const { scope, print: name } = options;
    const [tool, ...more] = options.tool ?? [];
    if (tool === undefined || more.length > 0) {
        throw new Error(
            `--print needs exactly one tool. Use --tool with one of ${Object.keys(tools).join(", ")}`,
        );
    }
    const { registry, credential } = await resolveRequest({ ...options, dryRun: false }, [], system);
    const found = getFiles({ tool, clientOf: tools[tool].client, index: registry.index, credential, scope });
    if ("problem" in found) throw new Error(found.problem);
    const getName = ({ file }: ScopeFile) => getPathSyntax(system).basename(file.path[system.kind]);
    const [chosen, ...others] =
        name === true ? found.files : found.files.filter((each) => getName(each) === name);
    if (chosen === undefined || others.length > 0) {
        const problem = name === true ? "several files" : `no file named ${name}`;
        const choices = found.files.map((each) => `--print ${getName(each)}`).join(" or ");
        throw new Error(`${tool} has ${problem} for --scope ${scope}. Use ${choices}`);
    }
    return chosen;
}
