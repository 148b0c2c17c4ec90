import { inVariable } from "../../src/clients/client";
import { asTable } from "../formats/toml";
import { pathsOf } from "../machine/system";
import type { ToolDescriptor } from "./descriptor";

/** @see https://docs.astral.sh/uv/reference/environment/ */
export const uv: ToolDescriptor = {
    commands: ["uv"],
    locations: { "~/.config/uv/uv.toml": { variable: { name: "UV_CONFIG_FILE", names: "file" } } },
    projectTables: ["uv"],
    projectProblem: (projectFile, system) => {
        const paths = pathsOf(system);
        const own = paths.join(paths.dirname(projectFile), "uv.toml");
        return system.exists(own)
            ? `${own} takes precedence over pyproject.toml in the same directory. Move its settings to [tool.uv]`
            : undefined;
    },
    // uv accepts no source for a member of a workspace. There, the order of the indexes protects the internal names.
    refusesPins: (pyproject) => "workspace" in (asTable(asTable(pyproject["tool"])?.["uv"]) ?? {}),
    addressVariables: [
        "UV_INDEX",
        "UV_DEFAULT_INDEX",
        "UV_INDEX_URL",
        "UV_EXTRA_INDEX_URL",
        "UV_PUBLISH_URL",
    ],
    loginVariables: (use, indexName) => {
        const prefix = use === "publish" ? "UV_PUBLISH" : `UV_INDEX_${inVariable(indexName)}`;
        return [`${prefix}_USERNAME`, `${prefix}_PASSWORD`];
    },
    sharesLogin: true,
    readsNetrc: true,
    keyring: { install: "command", publish: "command" },
    keyringProvider: { variable: "UV_KEYRING_PROVIDER", setting: "keyring-provider" },
};
