import type { ToolDescriptor } from "./descriptor";

export const twine: ToolDescriptor = {
    commands: ["twine"],
    addressVariables: ["TWINE_REPOSITORY_URL"],
    loginVariables: () => ["TWINE_USERNAME", "TWINE_PASSWORD"],
    keyring: { publish: "package" },
    probe: () => ({ notTried: "only an upload shows whether twine can publish" }),
};
