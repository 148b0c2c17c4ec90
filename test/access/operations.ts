import type { Role } from "../../packages/registry/src/names/principals";
import { pythonFile } from "../../packages/sandbox/src/python/simple-index";
import { type AccessStack, type Answer, type Deviation, LoginRefused, words } from "./access-stack";
import type { Identity } from "./identities";

/** What an identity can try with the repository. */
export const operations = [
    "install",
    "upload",
    "overwrite",
    "delete a package",
    "read the policy",
    "change the policy",
] as const;
export type Operation = (typeof operations)[number];

/** What happened when an identity tried an operation. */
export interface Outcome {
    /** Whether it had the effect that it should have. */
    readonly done: boolean;
    /** The last answer. */
    readonly answer: Answer;
}

/** A package that every repository has. */
export const ready = { name: "ready-made", filename: "ready_made-1.0.0.tar.gz" };

/** What the configuration declares about an operation. */
export function declared(role: Role | undefined, operation: Operation): boolean {
    switch (operation) {
        case "install":
            return role !== undefined;
        case "upload":
            return role === "writer" || role === "admin";
        case "delete a package":
            return role === "admin";
        // A version never changes, and nobody but the operator of the stack decides who may do what.
        case "overwrite":
        case "read the policy":
        case "change the policy":
            return false;
    }
}

/**
 * Tries an operation as an identity, with a token that it gets for it.
 *
 * @param deviation how the login differs from that of an honest client
 */
export async function attempt(
    stack: AccessStack,
    identity: Pick<Identity, "id" | "login">,
    operation: Operation,
    deviation?: Deviation,
): Promise<Outcome> {
    const [outcome] = await attemptEach(stack, identity, [operation], deviation);
    return outcome!;
}

/** The same for several operations, with one token. */
export async function attemptEach(
    stack: AccessStack,
    identity: Pick<Identity, "id" | "login">,
    wanted: readonly Operation[],
    deviation?: Deviation,
): Promise<Outcome[]> {
    let token: string | undefined;
    try {
        token = await stack.login(identity.login, deviation);
    } catch (error) {
        if (!(error instanceof LoginRefused)) throw error;
        const { answer } = error;
        return wanted.map(() => ({ done: false, answer }));
    }
    const outcomes: Outcome[] = [];
    for (const operation of wanted) outcomes.push(await attemptWith(stack, identity.id, operation, token));
    return outcomes;
}

/**
 * Tries an operation with an access token; undefined: without a credential.
 *
 * @param username with which pip and twine send it
 */
export async function attemptWith(
    stack: AccessStack,
    id: string,
    operation: Operation,
    token: string | undefined,
    username = "oauth2accesstoken",
): Promise<Outcome> {
    const { request, hadEffect } = trial(stack, id, operation, username);
    const { status, text } = await request(token);
    const done = status === 200;
    if (done !== hadEffect()) {
        throw new Error(
            `${id}: ${operation} was answered with ${status}, but its effect is different: ${text}`,
        );
    }
    return { done, answer: { step: "registry", status, text: words(text) } };
}

interface Trial {
    readonly request: (token: string | undefined) => Promise<{ status: number; text: string }>;
    /** Whether the state of the repository shows that the operation was done. */
    readonly hadEffect: () => boolean;
}

let turn = 0;

/** The requests of an operation: those that pip, twine and gcloud send. */
function trial(stack: AccessStack, id: string, operation: Operation, username: string): Trial {
    const { indexUrl, uploadUrl, name } = stack.outputs.repository;
    const { files } = stack.repository;
    const api = `https://artifactregistry.googleapis.com/v1/${name}`;
    const own = `probe-${id}-${++turn}`;
    const filename = `${own.replaceAll("-", "_")}-1.0.tar.gz`;
    const put = (project: string, file: string, content: string) =>
        files.set(file, pythonFile(project, file, Buffer.from(content)));
    const upload = (project: string, file: string) => (token: string | undefined) =>
        send(stack, uploadUrl, {
            method: "POST",
            token: basic(token, username),
            form: uploadForm(id, project, file),
        });
    switch (operation) {
        case "install": {
            let downloaded = "";
            return {
                request: async (token) => {
                    const page = await send(stack, `${indexUrl}${ready.name}/`, {
                        token: basic(token, username),
                    });
                    const link = /href="([^"#]+)/.exec(page.text)?.[1];
                    if (page.status !== 200 || link === undefined) return page;
                    const file = await send(stack, new URL(link, indexUrl).href, {
                        token: basic(token, username),
                    });
                    downloaded = file.text;
                    return file;
                },
                hadEffect: () => downloaded === files.get(ready.filename)?.content.toString(),
            };
        }
        case "upload":
            return { request: upload(own, filename), hadEffect: () => files.has(filename) };
        case "overwrite":
            put(own, filename, "the first content");
            return {
                request: upload(own, filename),
                hadEffect: () => files.get(filename)?.content.toString() !== "the first content",
            };
        case "delete a package":
            put(own, filename, "to be deleted");
            return {
                request: (token) =>
                    send(stack, `${api}/packages/${own}`, { method: "DELETE", token: bearer(token) }),
                hadEffect: () => !files.has(filename),
            };
        case "read the policy": {
            let read = "";
            return {
                request: async (token) => {
                    const reply = await send(stack, `${api}:getIamPolicy`, { token: bearer(token) });
                    read = reply.text;
                    return reply;
                },
                hadEffect: () => read.includes('"bindings"'),
            };
        }
        case "change the policy": {
            const { policy } = stack.repository;
            return {
                request: (token) =>
                    send(stack, `${api}:setIamPolicy`, {
                        method: "POST",
                        token: bearer(token),
                        json: { policy },
                    }),
                hadEffect: () => stack.repository.policy.etag !== policy.etag,
            };
        }
    }
}

interface Sent {
    readonly method?: string;
    /** Value of the header Authorization. */
    readonly token: string | undefined;
    readonly form?: FormData;
    readonly json?: object;
}

export async function send(stack: AccessStack, url: string, { method = "GET", token, form, json }: Sent) {
    const encoded =
        form === undefined
            ? json === undefined
                ? undefined
                : { type: "application/json", body: JSON.stringify(json) }
            : await encode(form);
    return stack.request(url, {
        method,
        headers: {
            ...(token === undefined ? {} : { authorization: token }),
            ...(encoded === undefined ? {} : { "content-type": encoded.type }),
        },
        ...(encoded === undefined ? {} : { body: encoded.body }),
    });
}

async function encode(form: FormData): Promise<{ type: string; body: Uint8Array }> {
    const response = new Response(form);
    const type = response.headers.get("content-type") ?? "";
    return { type, body: new Uint8Array(await response.arrayBuffer()) };
}

/** The form with which twine uploads a file of a project. */
export function uploadForm(by: string, project: string, file: string): FormData {
    const form = new FormData();
    const fields = {
        ":action": "file_upload",
        protocol_version: "1",
        name: project,
        version: "1.0",
        filetype: "sdist",
        pyversion: "source",
    };
    for (const [field, value] of Object.entries(fields)) form.append(field, value);
    form.append("content", new Blob([`uploaded by ${by}`]), file);
    return form;
}

/** The login of pip and twine. */
export function basic(token: string | undefined, username = "oauth2accesstoken"): string | undefined {
    return token === undefined
        ? undefined
        : `Basic ${Buffer.from(`${username}:${token}`).toString("base64")}`;
}

/** The login of gcloud. */
export function bearer(token: string | undefined): string | undefined {
    return token === undefined ? undefined : `Bearer ${token}`;
}
