import type { Form } from "python-registry/clients/credential";
import { repositoryUrls } from "python-registry/names/urls";
import { findFile } from "../journal/atomic-file";
import { registriesIn } from "../registry/expected";
import { getPlace } from "./places";
import { formatOfFile, isInScope, placesOf, type ToolRequest } from "./tool-plan";

/** Which files to look in: those that a run for these tools would edit. */
export interface NamedRegistriesRequest extends Pick<ToolRequest, "registry" | "scope" | "system"> {
    readonly tools: readonly ToolRequest["tool"][];
    readonly form: Form;
}

/**
 * The full resource names of the registries in these files. A project may be someone else's, so its files do not show
 * that this user has the requested registry already, only that there are others.
 */
export async function namedRegistries(request: NamedRegistriesRequest): Promise<string[]> {
    const { registry, scope, form, system } = request;
    const files = request.tools.flatMap((tool) =>
        placesOf(tool)
            .filter((file) => isInScope(file, scope, form !== "keyring"))
            .map((file) => ({ file, tool })),
    );
    const named = await Promise.all(
        files.map(async ({ file, tool }) => {
            const place = getPlace(file, system, tool);
            // The edit of a file that cannot be read fails, and says why.
            const found = "problem" in place ? undefined : await findFile(place.path).catch(() => undefined);
            const all = registriesIn(found?.content.toString() ?? "", formatOfFile(file)).map((name) =>
                isInFront(name, registry) ? registry.name : name,
            );
            return file.scope === "project" ? all.filter((name) => name !== registry.name) : all;
        }),
    );
    return named.flat();
}

/** Whether a repository is the one that tools ask in the place of the registry. */
function isInFront(name: string, { index }: NamedRegistriesRequest["registry"]): boolean {
    const [, project = "", , location = "", , repository = ""] = name.split("/");
    return repositoryUrls({ project, location, repository }).indexUrl === index.indexUrl;
}
