import { join } from "node:path";
import * as v from "valibot";
import { readToml } from "../formats/toml";
import type { ToolDescriptor } from "./descriptor";
import { pyprojectFor } from "./probe-project";

/** @see https://pdm-project.org/latest/reference/configuration/ */
export const pdm: ToolDescriptor = {
    commands: ["pdm"],
    locations: { "~/.config/pdm/config.toml": { variable: { name: "PDM_CONFIG_FILE", names: "file" } } },
    projectTables: ["pdm"],
    addressVariables: ["PDM_PUBLISH_REPO"],
    loginVariables: (use) =>
        use === "publish" ? ["PDM_PUBLISH_USERNAME", "PDM_PUBLISH_PASSWORD"] : undefined,
    keyring: { install: "package", publish: "package" },
    expandsVariables: true,
    probe: (request) => ({
        files: { "pyproject.toml": pyprojectFor(request, "pdm") },
        copies: ["pdm.toml", ".pdm-python"],
        args: ["lock", "--project", request.directory, "--strategy", "static_urls"],
        environment: {
            PDM_USE_VENV: "false",
            PDM_CACHE_DIR: join(request.directory, "cache"),
            PDM_CHECK_UPDATE: "false",
            // Only wheels: to read the metadata of other files, pdm would run their code.
            PDM_ONLY_BINARY: ":all:",
        },
        read: (_, lockFile) =>
            v
                .parse(lockSchema, readToml(lockFile("pdm.lock")))
                .package.flatMap(({ files, ...found }) => files.map(({ url }) => ({ ...found, url }))),
    }),
};

const lockSchema = v.object({
    package: v.array(
        v.object({
            name: v.string(),
            version: v.string(),
            files: v.array(v.object({ url: v.string() })),
        }),
    ),
});
