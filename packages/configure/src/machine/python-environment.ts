import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { run } from "./run";
import { onPath, getPathSyntax, type System } from "./system";

/** The Python that a tool runs in. */
export interface PythonEnvironment {
    readonly interpreter: string;
    /** `sys.prefix`: of a virtual environment, its folder. */
    readonly prefix: string;
    readonly version: string;
    /** The classes of its keyring backends; undefined if it has no keyring. */
    readonly backends: readonly string[] | undefined;
}

const inspection = `
import json, sys
sys.path = [path for path in sys.path if path]
from importlib import metadata
try:
    version = metadata.version(sys.argv[1])
except metadata.PackageNotFoundError:
    version = None
try:
    import keyring.backend
    rings = keyring.backend.get_all_keyring()
    backends = [type(ring).__module__ + "." + type(ring).__name__ for ring in rings]
except Exception:
    backends = None
found = {"prefix": sys.prefix, "version": version, "backends": backends}
print()
print(json.dumps(found))
`;

const inspectionSchema = v.pipe(
    v.string(),
    v.parseJson(),
    v.object({
        prefix: v.string(),
        version: v.string(),
        backends: v.nullable(v.array(v.string())),
    }),
);

/** Inspects the Python that a tool's command runs in; undefined where it is not certain which one that is. */
export async function inspectPython(
    system: System,
    launcher: string,
    distribution: string,
): Promise<PythonEnvironment | undefined> {
    const interpreter = await findInterpreter(system, launcher);
    if (interpreter === undefined) return undefined;
    const { stdout } = await run(system, interpreter, ["-c", inspection, distribution]);
    // A Python without the tool is not the tool's own: it prints no version.
    const parsed = v.safeParse(inspectionSchema, stdout.trim().split(/\r?\n/).at(-1) ?? "");
    if (!parsed.success) return undefined;
    const { backends, ...found } = parsed.output;
    return { interpreter, ...found, backends: backends ?? undefined };
}

/** The Python that a command's first lines name, or the one next to the command. */
async function findInterpreter(system: System, launcher: string): Promise<string | undefined> {
    const paths = getPathSyntax(system);
    const directory = paths.dirname(launcher);
    const pythonNextToIt = () =>
        (system.kind === "windows" ? ["python.exe", "..\\python.exe"] : ["python3", "python"])
            .map((name) => paths.join(directory, name))
            .find((file) => system.exists(file));
    if (system.kind === "windows") return pythonNextToIt();
    const beginning = (await readFile(launcher, "utf8").catch(() => "")).slice(0, 4096);
    if (!beginning.startsWith("#!")) return undefined;
    const [program = "", argument] = beginning.slice(2).split("\n")[0]?.trim().split(/\s+/) ?? [];
    if (isPython(program)) return program;
    if (/\/env$/.test(program) && argument !== undefined && isPython(argument)) {
        return onPath(system, argument);
    }
    // pip writes a path that is too long for the first line, or has a space, in a second one that only the shell reads.
    const inSecondLine = /^'''exec' "?([^"\n]*?)"? "\$0" "\$@"$/m.exec(beginning)?.[1];
    return inSecondLine ?? pythonNextToIt();
}

function isPython(program: string): boolean {
    return /(^|\/)(python|pypy)[\d.]*$/.test(program);
}
