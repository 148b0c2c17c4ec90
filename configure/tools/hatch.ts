import type { ToolDescriptor } from "./descriptor";
import { uv } from "./uv";

/** hatch: it installs with uv and uv's files, and publishes by itself. */
export const hatch: ToolDescriptor = {
    commands: ["hatch"],
    locations: { "~/.config/hatch/config.toml": { variable: { name: "HATCH_CONFIG", names: "file" } } },
    projectTables: ["hatch", "uv"],
    addressVariables: ["HATCH_INDEX_REPO"],
    loginVariables: (use, indexName) =>
        use === "publish" ? ["HATCH_INDEX_USER", "HATCH_INDEX_AUTH"] : uv.loginVariables?.(use, indexName),
    keyring: { install: "command", publish: "package" },
    ...(uv.keyringProvider && { keyringProvider: uv.keyringProvider }),
};
