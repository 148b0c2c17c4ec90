import { expandConfigPath, expandPath } from "../machine/paths";
import { pathsOf, type System, variable } from "../machine/system";
import type { ToolDescriptor } from "./descriptor";

/** pip. Its settings and its keyrings are special: see pip-settings.ts and check/pip-check.ts. */
export const pip: ToolDescriptor = {
    commands: ["pip", "pip3"],
    readsNetrc: true,
    asksKeyringAfterNetrc: true,
    locations: {
        "~/.config/pip/pip.conf": {
            variable: { name: "PIP_CONFIG_FILE", names: "file" },
            path: (system) => {
                const [former, current] = userFiles(system);
                return !system.exists(current) && system.exists(former) ? former : current;
            },
        },
    },
};

/**
 * The files that pip reads, the least important first.
 *
 * @param prefix of pip's Python, where an environment's own pip.conf lies; undefined if not known
 * @see https://pip.pypa.io/en/stable/topics/configuration/#location
 */
export function pipFiles(system: System, prefix: string | undefined): string[] {
    const { kind, workingDirectory } = system;
    const paths = pathsOf(system);
    const named = variable(system, "PIP_CONFIG_FILE");
    if (named === "/dev/null" || (kind === "windows" && named?.toLowerCase() === "nul")) return [];
    const own = named === undefined ? undefined : paths.resolve(workingDirectory, named);
    return [
        ...machineFiles(system),
        // PIP_CONFIG_FILE replaces the user's files if it names one that exists.
        ...(own !== undefined && system.exists(own) ? [] : userFiles(system)),
        ...(prefix === undefined ? [] : [paths.join(prefix, kind === "windows" ? "pip.ini" : "pip.conf")]),
        ...(own === undefined ? [] : [own]),
    ];
}

function machineFiles(system: System): string[] {
    switch (system.kind) {
        case "linux":
            return [
                ...(variable(system, "XDG_CONFIG_DIRS") ?? "/etc/xdg")
                    .split(":")
                    .filter(Boolean)
                    .map((folder) => pathsOf(system).join(folder, "pip/pip.conf")),
                "/etc/pip.conf",
            ];
        case "macos":
            return ["/Library/Application Support/pip/pip.conf"];
        case "windows":
            return [expandPath("%ProgramData%\\pip\\pip.ini", system)];
    }
}

/** The place that pip used in former versions and still reads, and the current one. */
function userFiles(system: System): [former: string, current: string] {
    switch (system.kind) {
        case "linux":
            return [
                expandPath("~/.pip/pip.conf", system),
                expandConfigPath("~/.config/pip/pip.conf", system),
            ];
        case "macos": {
            const folder = expandPath("~/Library/Application Support/pip", system);
            const current = system.exists(folder) ? folder : expandPath("~/.config/pip", system);
            return [expandPath("~/.pip/pip.conf", system), `${current}/pip.conf`];
        }
        case "windows":
            return [
                expandPath("%USERPROFILE%\\pip\\pip.ini", system),
                expandPath("%APPDATA%\\pip\\pip.ini", system),
            ];
    }
}
