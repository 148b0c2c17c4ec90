import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import type { Sandbox } from "../../packages/sandbox/src/sandbox";
import { within } from "../deadline";

export interface Reply {
    status: number;
    headers: http.IncomingHttpHeaders;
    body: Buffer;
    text: string;
}

/** Any JSON value, with the types of its fields unchecked. */
export interface Json {
    [key: string]: Json;
}

export const projectPath = "/projects/sandbox-project";
export const repositoryPath = `/artifactregistry/v1${projectPath}/locations/europe-west1/repositories/python`;
export const accountsPath = `/iam/v1${projectPath}/serviceAccounts`;
export const packages = "https://europe-west1-python.pkg.dev/sandbox-project/python";

/** A value that is text. */
export function text(value: unknown): string {
    assert.ok(typeof value === "string");
    return value;
}

/** A control plane call as the operator, or with another token. */
export async function call(
    sandbox: Sandbox,
    method: string,
    path: string,
    body?: unknown,
    token = sandbox.accessToken,
): Promise<{ status: number; json: Json }> {
    const fetched = fetch(sandbox.apiUrl + path, {
        method,
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
        ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const response = await within(`the response to ${method} ${path}`, fetched);
    return { status: response.status, json: (await response.json()) as Json };
}

/** A control plane call that must succeed. */
export async function ok(...args: Parameters<typeof call>): Promise<Json> {
    const { status, json } = await call(...args);
    assert.equal(status, 200, JSON.stringify(json));
    return json;
}

/** The calls that `action` makes, such as `GET projects/p/serviceAccounts`. */
export async function recordCalls(sandbox: Sandbox, action: () => Promise<unknown>): Promise<string[]> {
    const before = sandbox.requests.length;
    await action();
    return sandbox.requests
        .slice(before)
        .map(({ method, path }) => `${method} ${path.replace(/^\/\w+\/v1\//, "")}`);
}

/** A request through the sandbox's proxy, with its authority as the only one trusted. */
export async function through(
    sandbox: Sandbox,
    url: string,
    {
        method = "GET",
        headers = {},
        body,
    }: { method?: string; headers?: Record<string, string>; body?: Buffer } = {},
): Promise<Reply> {
    const proxyEnv = sandbox.clientEnvironment;
    const options = url.startsWith("https:")
        ? { agent: new https.Agent({ proxyEnv, ca: readFileSync(sandbox.caFile) }) }
        : { agent: new http.Agent({ proxyEnv }) };
    const reply = new Promise<Reply>((resolve, reject) => {
        const request = (url.startsWith("https:") ? https : http).request(url, {
            method,
            headers,
            ...options,
        });
        request.on("error", reject).on("response", (response) => {
            const chunks: Buffer[] = [];
            response
                .on("data", (chunk: Buffer) => chunks.push(chunk))
                .on("error", reject)
                .on("end", () => {
                    const content = Buffer.concat(chunks);
                    const { statusCode: status = 0, headers: replied } = response;
                    resolve({ status, headers: replied, body: content, text: content.toString() });
                });
        });
        request.end(body);
    });
    return within(`the response to ${method} ${url}`, reply);
}

export function basic(user: string, password: string): { Authorization: string } {
    return { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}

/** Uploads a file as twine does. */
export async function upload(
    sandbox: Sandbox,
    headers: Record<string, string>,
    { url = `${packages}/`, filename = "hello_there-1.0.tar.gz", content = "content", fields = {} } = {},
): Promise<Reply> {
    const form = new FormData();
    const all = {
        ":action": "file_upload",
        protocol_version: "1",
        name: "Hello.There",
        version: "1.0",
        filetype: "sdist",
        pyversion: "source",
        ...fields,
    };
    for (const [name, value] of Object.entries(all)) form.append(name, value);
    form.append("content", new Blob([Buffer.from(content, "latin1")]), filename);
    const encoded = new Response(form);
    return through(sandbox, url, {
        method: "POST",
        headers: { ...headers, "Content-Type": encoded.headers.get("Content-Type") ?? "" },
        body: Buffer.from(await encoded.arrayBuffer()),
    });
}

/** Enables the APIs and creates a repository, `python` in europe-west1 by default. */
export async function createRepository(
    sandbox: Sandbox,
    {
        id = "python",
        project = projectPath,
        ...settings
    }: { id?: string; project?: string; [field: string]: unknown } = {},
): Promise<void> {
    await ok(sandbox, "POST", `/serviceusage/v1${project}/services:batchEnable`, {
        serviceIds: ["artifactregistry.googleapis.com", "iam.googleapis.com"],
    });
    const parent = `/artifactregistry/v1${project}/locations/europe-west1/repositories`;
    await ok(sandbox, "POST", `${parent}?repository_id=${id}`, { format: "PYTHON", ...settings });
}

/** Replaces the repository's policy with one role for these members. */
export async function grant(sandbox: Sandbox, role: string, ...members: string[]): Promise<void> {
    await ok(sandbox, "POST", `${repositoryPath}:setIamPolicy`, {
        policy: { bindings: [{ role: `roles/artifactregistry.${role}`, members }] },
    });
}

export interface KeyFile {
    private_key_id: string;
    private_key: string;
    client_email: string;
    [field: string]: string;
}

/** Creates a service account, if it does not exist, and a key for it. */
export async function createKey(
    sandbox: Sandbox,
    accountId = "publisher",
): Promise<{ email: string; path: string; base64: string; file: KeyFile }> {
    await call(sandbox, "POST", accountsPath, { accountId });
    const email = `${accountId}@sandbox-project.iam.gserviceaccount.com`;
    const key = await ok(sandbox, "POST", `${accountsPath}/${email}/keys`, {});
    const base64 = text(key["privateKeyData"]);
    return {
        email,
        path: `/iam/v1/${text(key["name"])}`,
        base64,
        file: JSON.parse(Buffer.from(base64, "base64").toString()) as KeyFile,
    };
}
