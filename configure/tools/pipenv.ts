import type { ToolDescriptor } from "./descriptor";

export const pipenv: ToolDescriptor = {
    commands: ["pipenv"],
    locations: { Pipfile: { variable: { name: "PIPENV_PIPFILE", names: "file" } } },
    readsNetrc: true,
    asksKeyringAfterNetrc: true,
    keyring: { install: "command" },
    keyringProvider: { variable: "PIPENV_KEYRING_PROVIDER" },
};
