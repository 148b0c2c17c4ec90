import { known } from "./grants";

/** The repository at the start of a message: `The repository python`. */
export function repositoryId(props: Record<string, unknown>): string {
    const id = known(() => props["repositoryId"]);
    return typeof id === "string" ? `The repository ${id}` : "The repository";
}
