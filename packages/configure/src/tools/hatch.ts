import { asTable, type TomlTable } from "../formats/toml";
import { join } from "node:path";
import type { Probe, ProbeRequest, ToolDescriptor } from "./descriptor";
import { hatchProject } from "./hatch-project";
import { probePip } from "./pip";
import { elsewhere, entriesFor, outsideProject, pick, pyprojectFor } from "./probe-project";
import { compileArgs, readCompiled, uv, waiting } from "./uv";

/** hatch: it installs with uv and uv's files, and publishes by itself. */
export const hatch: ToolDescriptor = {
    commands: ["hatch"],
    locations: { "~/.config/hatch/config.toml": { variable: { name: "HATCH_CONFIG", names: "file" } } },
    project: hatchProject,
    projectTables: ["hatch", "uv"],
    addressVariables: ["HATCH_INDEX_REPO"],
    loginVariables: (use, indexName) =>
        use === "publish" ? ["HATCH_INDEX_USER", "HATCH_INDEX_AUTH"] : uv.loginVariables?.(use, indexName),
    keyring: { install: "command", publish: "package" },
    ...(uv.keyringSwitches && { keyringSwitches: uv.keyringSwitches }),
    lock: {
        isNamed: (name) => /^pylock(?:\..+)?\.toml$/.test(name),
        isOwn: (text, settings) => /^created-by = "(?:uv|pip)"/m.test(text) && locksEnvironments(settings),
        // It locks again only when the dependencies change.
        isStale: () => false,
        command: "hatch env lock",
        commandFor: (packages) =>
            `hatch env lock ${packages.map((name) => `--upgrade-package ${name}`).join(" ")}, and in each environment: hatch dep sync`,
    },
    cooldownVariable: "UV_EXCLUDE_NEWER",
    probe: probeEnvironment,
};

/** Asks the installer of the project's environment, with that environment's variables. */
function probeEnvironment(request: ProbeRequest): Probe | { notTried: string } {
    const { packageName, directory, project, beside } = request;
    if (project === undefined) return outsideProject("hatch", "settings");
    const settings = installerSettings(
        beside("hatch.toml") ?? asTable(asTable(project["tool"])?.["hatch"]) ?? {},
    );
    const refusal = elsewhere(
        packageName,
        project,
        Object.values(entriesFor(packageName, settings["sources"])),
    );
    if (refusal !== undefined) return refusal;
    const pip = probePip(request);
    const isUv = settings["installer"] === "uv";
    return {
        files: {
            "pyproject.toml": pyprojectFor(request, "hatch", () => ({
                envs: { default: { ...settings, "skip-install": true } },
            })),
            "requirements.in": `${[packageName, ...request.others].join("\n")}\n`,
            "probe.py": uvScript,
        },
        copies: ["uv.toml"],
        args: isUv ? ["run", "python", "probe.py"] : ["run", "python", "-m", "pip", ...pip.args],
        runsInDirectory: true,
        environment: {
            HATCH_ENV: undefined,
            HATCH_DATA_DIR: join(directory, "data"),
            HATCH_CACHE_DIR: join(directory, "cache"),
            UV_CACHE_DIR: join(directory, "uv"),
            ...waiting(request),
        },
        read: isUv ? readCompiled : pip.read,
    };
}

/** Of the environment in which a project runs by default. */
function installerSettings(own: TomlTable): TomlTable {
    const environment = asTable(asTable(own["envs"])?.["default"]) ?? {};
    return pick(environment, [
        "installer",
        "env-vars",
        "env-include",
        "env-exclude",
        "python",
        "sources",
        "type",
    ]);
}

/** Runs the uv that hatch names in a variable. */
const uvScript = `
import os, subprocess, sys
sys.exit(subprocess.call([os.environ["HATCH_UV"], *${JSON.stringify(compileArgs("requirements.in"))}]))
`.trim();

function locksEnvironments(settings: TomlTable): boolean {
    const { "lock-envs": all, envs } = asTable(settings["hatch"]) ?? {};
    return (
        all === true || Object.values(asTable(envs) ?? {}).some((env) => asTable(env)?.["locked"] === true)
    );
}
