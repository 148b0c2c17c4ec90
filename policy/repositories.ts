import { known } from "./grants";

/** Whether a resource type is an Artifact Registry repository. */
export function isRepository(type: string): boolean {
    return type === "gcp:artifactregistry/repository:Repository";
}

/** The repository at the start of a message: `The repository python`. */
export function repositoryId(props: Record<string, unknown>): string {
    const id = known(() => props["repositoryId"]);
    return typeof id === "string" ? `The repository ${id}` : "The repository";
}
