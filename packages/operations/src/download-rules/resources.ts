import { setTimeout } from "node:timers/promises";
import * as v from "valibot";
import { type GoogleClient, NoAnswer, Refusal } from "../google/client";

/** What creates and deletes resources. */
export type Api = Pick<GoogleClient, "call">;

/** A resource that the trial creates. */
export interface Resource {
    /** In words, such as "the remote repository". */
    readonly title: string;
    /** Resource name, without the host. */
    readonly name: string;
    /** The command with which a person deletes it. */
    readonly deletion: string;
}

/** A resource that is left, or of which that is not known. */
export interface Leftover {
    readonly resource: Resource;
    /** What the service said, as a sentence without its end. */
    readonly why: string;
}

/** How long to wait for the service, and how often to ask. */
export interface Waiting {
    readonly intervalSeconds: number;
    /** For a resource to be created, and for one to be deleted. */
    readonly operationSeconds: number;
}

/** A long-running operation, or the resource itself. https://google.aip.dev/151 */
const operationSchema = v.object({
    name: v.optional(v.string(), ""),
    done: v.optional(v.boolean(), false),
    error: v.optional(v.object({ message: v.optional(v.string(), "no reason given") })),
});
type Operation = v.InferOutput<typeof operationSchema>;

/** Resources for a while: what was created, or perhaps was, is known from before the request until the service says that it is gone. */
export class TemporaryResources {
    readonly #begun = new Map<Resource, { pending: Operation | undefined }>();

    constructor(
        private readonly api: Api,
        private readonly waiting: Waiting,
    ) {}

    /**
     * Creates a resource, and waits until it is there.
     *
     * @param path of the collection, with the id
     * @param signal ends the waiting, and not the request: what it creates must be known
     * @throws Refusal, NoAnswer, Error
     */
    async create(resource: Resource, path: string, body: object, signal: AbortSignal): Promise<void> {
        signal.throwIfAborted();
        const state: { pending: Operation | undefined } = { pending: undefined };
        this.#begun.set(resource, state);
        try {
            state.pending = await this.api.call("POST", path, operationSchema, body);
        } catch (error) {
            // It was not created, and with 409 it is someone else's.
            const isRefused = error instanceof Refusal && error.status < 500;
            if (isRefused || (error instanceof NoAnswer && !error.isSent)) this.#begun.delete(resource);
            throw error;
        }
        await this.#finish(state.pending, signal);
        state.pending = undefined;
    }

    /** Whether nothing was created, not even perhaps, that the service has not confirmed to be gone. */
    get isEmpty(): boolean {
        return this.#begun.size === 0;
    }

    /**
     * Deletes everything, the last first, and then asks the service for each. No signal interrupts it.
     *
     * @param onProgress called before each deletion, and with the reason before it is tried again
     */
    async delete(onProgress: (resource: Resource, again?: string) => void): Promise<Leftover[]> {
        const reasons = new Map<Resource, string>();
        for (const [resource, { pending }] of [...this.#begun].reverse()) {
            onProgress(resource);
            const why = await this.#remove(resource, pending, (reason) => {
                onProgress(resource, reason);
            });
            if (why !== undefined) reasons.set(resource, why);
        }
        const left: Leftover[] = [];
        for (const resource of this.#begun.keys()) {
            const found = await this.#find(resource);
            if (found === undefined) continue;
            left.push({ resource, why: reasons.get(resource) ?? found });
        }
        for (const resource of this.#begun.keys()) {
            if (!left.some((each) => each.resource === resource)) this.#begun.delete(resource);
        }
        return left;
    }

    /** @returns why it could not be deleted */
    async #remove(
        resource: Resource,
        pending: Operation | undefined,
        onAgain: (reason: string) => void,
    ): Promise<string | undefined> {
        let said = "";
        const end = Date.now() + this.waiting.operationSeconds * 1000;
        // While it is created, it cannot be deleted. If the creation fails, nothing is there.
        if (pending !== undefined) await this.#finish(pending).catch(() => undefined);
        for (;;) {
            try {
                await this.#finish(await this.api.call("DELETE", resource.name, operationSchema));
                return undefined;
            } catch (error) {
                if (isMissing(error)) return undefined;
                const message = (error as Error).message;
                const isFinal = error instanceof Refusal && [401, 403].includes(error.status);
                if (isFinal || Date.now() >= end) return message;
                if (message !== said) onAgain(message);
                said = message;
            }
            await this.#pause();
        }
    }

    /** @returns undefined if the service says that it is gone */
    async #find(resource: Resource): Promise<string | undefined> {
        try {
            await this.api.call("GET", resource.name, v.object({}));
            return "it still exists";
        } catch (error) {
            return isMissing(error) ? undefined : (error as Error).message;
        }
    }

    /** Waits for an operation. */
    async #finish(started: Operation, signal?: AbortSignal): Promise<void> {
        const end = Date.now() + this.waiting.operationSeconds * 1000;
        let operation = started;
        while (/\/operations\//.test(operation.name) && !operation.done) {
            if (Date.now() >= end) {
                throw new Error(
                    `The operation ${operation.name} did not end in ${this.waiting.operationSeconds} seconds`,
                );
            }
            await this.#pause(signal);
            operation = await this.api.call("GET", operation.name, operationSchema);
        }
        if (operation.error !== undefined)
            throw new Error(`Artifact Registry says: ${operation.error.message}`);
    }

    #pause(signal?: AbortSignal): Promise<void> {
        return setTimeout(this.waiting.intervalSeconds * 1000, undefined, signal && { signal });
    }
}

function isMissing(error: unknown): boolean {
    return error instanceof Refusal && error.status === 404;
}
