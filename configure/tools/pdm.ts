import type { ToolDescriptor } from "./descriptor";

/** @see https://pdm-project.org/latest/reference/configuration/ */
export const pdm: ToolDescriptor = {
    commands: ["pdm"],
    locations: { "~/.config/pdm/config.toml": { variable: { name: "PDM_CONFIG_FILE", names: "file" } } },
    projectTables: ["pdm"],
    addressVariables: ["PDM_PUBLISH_REPO"],
    loginVariables: (use) =>
        use === "publish" ? ["PDM_PUBLISH_USERNAME", "PDM_PUBLISH_PASSWORD"] : undefined,
    keyring: { install: "package", publish: "package" },
};
