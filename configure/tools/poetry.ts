import { inVariable } from "../../src/clients/client";
import type { FileLocation, ToolDescriptor } from "./descriptor";

const inConfigFolder: FileLocation = { variable: { name: "POETRY_CONFIG_DIR", names: "folder" } };

/** @see https://python-poetry.org/docs/configuration/ */
export const poetry: ToolDescriptor = {
    commands: ["poetry"],
    locations: {
        "~/.config/pypoetry/config.toml": inConfigFolder,
        "~/.config/pypoetry/auth.toml": inConfigFolder,
    },
    projectTables: ["poetry"],
    loginVariables: (_use, indexName) => {
        const prefix = `POETRY_HTTP_BASIC_${inVariable(indexName)}`;
        return [`${prefix}_USERNAME`, `${prefix}_PASSWORD`];
    },
    keyring: { install: "package", publish: "package" },
};
