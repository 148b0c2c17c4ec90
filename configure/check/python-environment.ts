import { open } from "node:fs/promises";
import { realpathSync } from "node:fs";
import * as v from "valibot";
import { tokenUsername } from "../../src/clients/credential";
import { run } from "../machine/run";
import { onPath, pathsOf, type System, variable } from "../machine/system";

/** The Python that a tool runs in. */
export interface PythonEnvironment {
    readonly interpreter: string;
    /** `sys.prefix`: of a virtual environment, its folder. */
    readonly prefix: string;
    /** The directory of its commands. */
    readonly scripts: string;
    /** The tool's version. */
    readonly version: string;
    /** The keyring backends, by class; undefined if it has no keyring. */
    readonly backends: readonly string[] | undefined;
}

/** A keyring that a tool asks. */
export interface Keyring {
    /** In words. */
    readonly where: string;
    readonly command: readonly [program: string, ...args: string[]];
    /** The directory of its environment's commands: the same one is the same keyring. */
    readonly directory: string;
    /** Whether it runs at all. */
    readonly runs: boolean;
    /** Whether it has the backend for Artifact Registry. */
    readonly google: boolean;
}

/** An access token from a keyring, or why there is none. */
export type KeyringAnswer =
    | {
          readonly token: string;
          /** Whether the Application Default Credentials failed, and gcloud's account stood in. */
          readonly fallback: boolean;
      }
    | { readonly problem: string; readonly fix: string };

const googleBackend = /\bgauth\.GooglePythonAuth\b/;

const inspection = `
import json, sys, sysconfig
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
found = {"prefix": sys.prefix, "scripts": sysconfig.get_path("scripts"), "version": version, "backends": backends}
print()
print(json.dumps(found))
`;

const inspectionSchema = v.pipe(
    v.string(),
    v.parseJson(),
    v.object({
        prefix: v.string(),
        scripts: v.string(),
        version: v.string(),
        backends: v.nullable(v.array(v.string())),
    }),
);

/** Looks into the Python that a tool's command runs in; undefined where that cannot be told for sure. */
export async function inspect(
    system: System,
    launcher: string,
    distribution: string,
): Promise<PythonEnvironment | undefined> {
    const interpreter = await interpreterOf(system, launcher);
    if (interpreter === undefined) return undefined;
    const { stdout } = await run(system, interpreter, ["-c", inspection, distribution], 30);
    // A package without the tool in it is another one's Python.
    const parsed = v.safeParse(inspectionSchema, stdout.trim().split(/\r?\n/).at(-1) ?? "");
    if (!parsed.success) return undefined;
    const { backends, ...found } = parsed.output;
    return { interpreter, ...found, backends: backends ?? undefined };
}

/** The keyring in a tool's own Python; undefined if there is none. */
export function ownKeyring(
    tool: string,
    { interpreter, backends }: PythonEnvironment,
    system: System,
): Keyring | undefined {
    return backends === undefined
        ? undefined
        : {
              where: `in ${tool}'s own environment (${interpreter})`,
              command: [interpreter, "-m", "keyring"],
              directory: pathsOf(system).dirname(interpreter),
              runs: true,
              google: backends.some((name) => googleBackend.test(name)),
          };
}

/**
 * The command `keyring`, as those tools find it that call it; undefined if there is none.
 *
 * @param except a directory of commands that the tool passes over
 */
export async function keyringOnPath(system: System, except?: string): Promise<Keyring | undefined> {
    const program = onPath(except === undefined ? system : withoutOnPath(system, except), "keyring");
    if (program === undefined) return undefined;
    const { exitCode, stdout } = await run(system, program, ["--list-backends"], 30);
    return {
        where: `on PATH (${program})`,
        command: [program],
        directory: pathsOf(system).dirname(whole(program)),
        runs: exitCode === 0,
        google: googleBackend.test(stdout),
    };
}

/** Asks a keyring for an access token, as the tools do. */
export async function askKeyring(
    system: System,
    { command }: Keyring,
    indexUrl: string,
): Promise<KeyringAnswer> {
    const [program, ...args] = command;
    const { exitCode, stdout, stderr } = await run(
        system,
        program,
        [...args, "get", indexUrl, tokenUsername],
        60,
    );
    const token = stdout.trim();
    if (exitCode === 0 && /^[\w.~+/=-]{20,}$/.test(token)) {
        return { token, fallback: /Failed to retrieve Application Default Credentials/.test(stderr) };
    }
    const login =
        "run: gcloud auth application-default login (a person), or name a service account's key file in GOOGLE_APPLICATION_CREDENTIALS";
    if (exitCode === undefined) {
        return { problem: "does not answer within a minute", fix: "look at the network and HTTPS_PROXY" };
    }
    if (/invalid_grant|Reauthentication|invalid_rapt/i.test(stderr)) {
        return {
            problem:
                "gives no token: Google refuses the credential (invalid_grant); its key or account is deleted or disabled, or the login has ended",
            fix: login,
        };
    }
    if (/ProxyError|SSLError|CERTIFICATE_VERIFY|ConnectionError|Max retries|TransportError/.test(stderr)) {
        return {
            problem: "gives no token: it cannot reach Google",
            fix: "look at HTTPS_PROXY, and at REQUESTS_CA_BUNDLE behind a proxy that opens TLS",
        };
    }
    if (/Failed to find credentials/.test(stderr)) {
        return { problem: "gives no token: it finds no credentials", fix: login };
    }
    return {
        problem: "gives no token",
        fix: "look whether another backend is forced (PYTHON_KEYRING_BACKEND, keyringrc.cfg: keyring diagnose)",
    };
}

/** By the launcher's first lines, or the Python beside it. */
async function interpreterOf(system: System, launcher: string): Promise<string | undefined> {
    const paths = pathsOf(system);
    const directory = paths.dirname(launcher);
    const beside = () =>
        (system.kind === "windows" ? ["python.exe", "..\\python.exe"] : ["python3", "python"])
            .map((name) => paths.join(directory, name))
            .find((file) => system.exists(file));
    if (system.kind === "windows") return beside();
    const head = await headOf(launcher);
    if (!head.startsWith("#!")) return undefined;
    const [program = "", argument] = head.slice(2).split("\n")[0]?.trim().split(/\s+/) ?? [];
    if (isPython(program)) return program;
    if (/\/env$/.test(program) && argument !== undefined && isPython(argument)) {
        return onPath(system, argument);
    }
    // A path too long for a first line, or with a space in it, comes in a second one that only the shell reads.
    const long = /^'''exec' "?([^"\n]*?)"? "\$0" "\$@"$/m.exec(head)?.[1];
    return long ?? beside();
}

function isPython(program: string): boolean {
    return /(^|\/)(python|pypy)[\d.]*$/.test(program);
}

async function headOf(file: string): Promise<string> {
    try {
        await using handle = await open(file);
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
        return buffer.toString("utf8", 0, bytesRead);
    } catch {
        return "";
    }
}

function withoutOnPath(system: System, directory: string): System {
    const { delimiter } = pathsOf(system);
    const PATH = (variable(system, "PATH") ?? "")
        .split(delimiter)
        .filter((entry) => whole(entry) !== whole(directory))
        .join(delimiter);
    const others = Object.entries(system.environment).filter(([name]) => name.toUpperCase() !== "PATH");
    return {
        ...system,
        environment: { ...Object.fromEntries(others), PATH },
        exists: system.exists.bind(system),
    };
}

/** A path without links. */
function whole(path: string): string {
    try {
        return realpathSync(path);
    } catch {
        return path;
    }
}
