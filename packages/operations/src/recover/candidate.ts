import { createdByStack, stackLabel } from "python-registry/names/stack-label";
import { serviceAccountEmail } from "python-registry/names/principals";
import { repositoryName } from "python-registry/names/urls";
import type { Preview, ResourceState } from "./events";

/** A resource that the next update would create, and that the interrupted one may have created already. */
export interface Candidate {
    readonly kind: "repository" | "serviceAccount";
    /** Used in messages. */
    readonly description: string;
    /** Account id, or repository id. */
    readonly name: string;
    /** Resource name at Google, which is also the id for `pulumi import`. */
    readonly id: string;
    readonly type: string;
    readonly urn: string;
    readonly parent: string;
    /** The stack's mark on the resources that it creates. */
    readonly mark: string;
}

/** The candidate for a create step; undefined for resources that can be created again. */
export function findCandidate({ type, urn, parent, inputs }: ResourceState): Candidate | undefined {
    const text = (name: string) => (typeof inputs[name] === "string" ? inputs[name] : "");
    const project = text("project");
    switch (type) {
        case "gcp:artifactregistry/repository:Repository": {
            const [name, location] = [text("repositoryId"), text("location")];
            const { labels } = inputs;
            const label = isRecord(labels) ? labels[stackLabel] : undefined;
            const mark = typeof label === "string" ? label : "";
            const id = repositoryName({ project, location, repositoryId: name });
            return {
                kind: "repository",
                description: `repository ${name}`,
                name,
                id,
                type,
                urn,
                parent,
                mark,
            };
        }
        case "gcp:serviceaccount/account:Account": {
            const name = text("accountId");
            const id = `projects/${project}/serviceAccounts/${serviceAccountEmail(project, name)}`;
            const mark = text("description");
            const description = `service account ${name}`;
            return { kind: "serviceAccount", description, name, id, type, urn, parent, mark };
        }
        default:
            return undefined;
    }
}

/** Whether a preview that adopts the candidate shows the mark of this stack. */
export function isCreatedByStack({ kind, id, urn, mark }: Candidate, { imports, notes }: Preview): boolean {
    if (mark === "") return false;
    // The engine masks a repository's labels. The program reports this label instead.
    return kind === "repository"
        ? notes.some((note) => note.includes(createdByStack(id, mark)))
        : imports.some((resource) => resource.urn === urn && resource.inputs["description"] === mark);
}

function isRecord(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null;
}
