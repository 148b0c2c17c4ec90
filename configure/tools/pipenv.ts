import type { ToolDescriptor } from "./descriptor";
import { readTomlFile } from "./project-files";

export const pipenv: ToolDescriptor = {
    commands: ["pipenv"],
    locations: { Pipfile: { variable: { name: "PIPENV_PIPFILE", names: "file" } } },
    projectProblem: (projectFile) =>
        "source" in readTomlFile(projectFile)
            ? undefined
            : `${projectFile} has no source. If this registry were the only one, pipenv would no longer use PyPI. Add PyPI as a source first`,
    readsNetrc: true,
    asksKeyringAfterNetrc: true,
    keyring: { install: "command" },
    keyringProvider: { variable: "PIPENV_KEYRING_PROVIDER" },
};
