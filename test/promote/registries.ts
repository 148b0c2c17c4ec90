import { execa } from "execa";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { EnvHttpProxyAgent, fetch } from "undici";
import type { Repository } from "../../packages/sandbox/src/google/cloud";
import { startProxy } from "../../packages/sandbox/src/python/proxy";
import type { PythonTools } from "../../packages/sandbox/src/python/python-tools";
import { buildPackage, type SamplePackage } from "../../packages/sandbox/src/python/sample-package";
import { pythonFile } from "../../packages/sandbox/src/python/simple-index";
import { systemCommands } from "../../packages/sandbox/src/python/system-commands";
import { ToolEnvironment } from "../../packages/sandbox/src/python/tool-environment";
import { type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";
import { createRepository, ok, projectPath } from "../sandbox/client";

const root = join(__dirname, "..", "..");

export const source = "projects/sandbox-project/locations/europe-west1/repositories/dev";
export const target = "projects/sandbox-project/locations/europe-west1/repositories/prod";
export const host = "europe-west1-python.pkg.dev";
export const promoter = "user:promoter@example.com";
/** Has two files, a wheel and an sdist. */
export const core: SamplePackage = { name: "acme-core", version: "1.2.3" };
export const http: SamplePackage = { name: "acme-http", version: "2.0" };

/** A request on its way through the proxy between the command and the sandbox. */
export interface PassingRequest {
    readonly method: string;
    readonly url: URL;
    readonly authorization: string | null;
}

/** What a test does with a request; undefined: let it pass. */
export type Interception = (
    request: PassingRequest,
    forward: () => Promise<Response>,
) => Promise<Response | undefined> | Response | undefined;

/** How the command ended. */
export interface PromoteResult {
    readonly exitCode: number | undefined;
    readonly stdout: string;
    readonly stderr: string;
}

/** Two registries in a sandbox, with a proxy in front of it that a test can let lie. */
export class Registries implements AsyncDisposable {
    /** All requests, with their credentials. */
    readonly requests: PassingRequest[] = [];
    intercept: Interception = () => undefined;

    private constructor(
        readonly sandbox: Sandbox,
        readonly tools: PythonTools,
        /** A new folder: its `tmp` is the folder for temporary files of the command. */
        readonly folder: string,
        private readonly files: ReadonlyMap<string, readonly string[]>,
        private readonly closers: readonly (() => Promise<unknown>)[],
        private readonly proxyUrl: () => string,
    ) {}

    static async open(tools: PythonTools): Promise<Registries> {
        const folder = await mkdtemp(join(tmpdir(), "python-registry-promote-test-"));
        const sandbox = await startSandbox();
        await createRepository(sandbox, { id: "dev" });
        await createRepository(sandbox, { id: "prod" });
        await mkdir(join(folder, "tmp"));
        const files = new Map<string, readonly string[]>();
        await using builder = await ToolEnvironment.open({ path: [tools.bin] });
        for (const sample of [core, http]) {
            files.set(sample.name, await buildPackage(builder, join(folder, sample.name), sample));
        }
        const agent = new EnvHttpProxyAgent({
            httpsProxy: sandbox.proxyUrl,
            httpProxy: sandbox.proxyUrl,
            noProxy: "",
            requestTls: { ca: await readFile(sandbox.caFile, "utf8") },
        });
        // The callback needs the object whose constructor needs the proxy.
        const answering: { registries?: Registries } = {};
        const proxy = await startProxy(async (request) => {
            const url = new URL(request.url);
            const authorization = request.headers.get("authorization");
            const passing = { method: request.method, url, authorization };
            const registries = answering.registries!;
            registries.requests.push(passing);
            const body = request.method === "POST" ? await request.arrayBuffer() : undefined;
            const forward = async () => {
                const response = await fetch(request.url, {
                    method: request.method,
                    headers: Object.fromEntries(request.headers),
                    dispatcher: agent,
                    redirect: "manual",
                    ...(body && { body }),
                });
                return new Response(await response.arrayBuffer(), {
                    status: response.status,
                    headers: Object.fromEntries(
                        [...response.headers].filter(
                            ([name]) => !/^(?:content-|transfer-|connection)/.test(name),
                        ),
                    ),
                });
            };
            return (await registries.intercept(passing, forward)) ?? (await forward());
        });
        await writeFile(join(folder, "ca.pem"), proxy.caCertificate);
        const registries = new Registries(
            sandbox,
            tools,
            folder,
            files,
            [
                () => proxy.close(),
                () => agent.close(),
                () => sandbox.close(),
                () => rm(folder, { recursive: true, force: true }),
            ],
            () => proxy.url,
        );
        answering.registries = registries;
        await registries.reset();
        return registries;
    }

    /** The state at the beginning of a test: both packages at the source, none at the target, and one identity for both. */
    async reset(): Promise<void> {
        this.intercept = () => undefined;
        for (const id of ["dev", "prod"]) this.repository(id).files.clear();
        for (const [name, paths] of this.files) {
            for (const path of paths) await this.publish("dev", name, path);
        }
        await this.grant("dev", "reader", promoter);
        await this.grant("prod", "writer", promoter);
        this.requests.length = 0;
        await rm(join(this.folder, "tmp"), { recursive: true });
        await mkdir(join(this.folder, "tmp"));
    }

    repository(id: string): Repository {
        const { cloud } = this.sandbox;
        return cloud.repository(cloud.project("sandbox-project"), "europe-west1", id);
    }

    async publish(id: string, name: string, path: string): Promise<void> {
        const file = pythonFile(name, basename(path), await readFile(path));
        this.repository(id).files.set(file.filename, file);
    }

    /** The files of a sample: their paths on this machine. */
    paths(sample: SamplePackage): readonly string[] {
        return this.files.get(sample.name) ?? [];
    }

    /** File name → hash, of everything in a repository. */
    content(id: string): Record<string, string> {
        const entries = [...this.repository(id).files.values()].map(
            ({ filename, content }): [string, string] => [
                filename,
                createHash("sha256").update(content).digest("hex"),
            ],
        );
        return Object.fromEntries(entries.sort());
    }

    async grant(id: string, role: string, ...members: string[]): Promise<void> {
        const path = `/artifactregistry/v1${projectPath}/locations/europe-west1/repositories/${id}:setIamPolicy`;
        const bindings = members.length === 0 ? [] : [{ role: `roles/artifactregistry.${role}`, members }];
        await ok(this.sandbox, "POST", path, { policy: { bindings } });
    }

    /** The uploads that the target took or refused. */
    uploads(): PassingRequest[] {
        return this.requests.filter(({ method, url }) => method === "POST" && url.hostname === host);
    }

    /** What is left of the command's temporary files. */
    leftover(): Promise<string[]> {
        return readdir(join(this.folder, "tmp"));
    }

    async environment(more: Readonly<Record<string, string>> = {}): Promise<Record<string, string>> {
        const ca = join(this.folder, "ca.pem");
        const proxy = this.proxyUrl();
        return {
            HOME: this.folder,
            TMPDIR: join(this.folder, "tmp"),
            PATH: [await systemCommands(), this.tools.bin].join(delimiter),
            LANG: "C.UTF-8",
            CLOUDSDK_CORE_CHECK_GCE_METADATA: "false",
            NO_GCE_CHECK: "true",
            HTTPS_PROXY: proxy,
            HTTP_PROXY: proxy,
            REQUESTS_CA_BUNDLE: ca,
            CLOUDSDK_AUTH_ACCESS_TOKEN: this.sandbox.issueToken(promoter),
            ...more,
        };
    }

    /** Starts the command. */
    start(
        args: readonly string[],
        env: Readonly<Record<string, string>>,
        options: { readonly detached?: boolean } = {},
    ) {
        const main = join(root, "packages/operations/src/promote/main.ts");
        const node = ["--conditions=source", "--require", join(root, "typescript.cjs"), main];
        return execa(process.execPath, [...node, ...args], {
            cwd: this.folder,
            env,
            extendEnv: false,
            reject: false,
            stdin: "ignore",
            ...options,
        });
    }

    /** Runs the command to its end. */
    async promote(
        args: readonly string[],
        more: Readonly<Record<string, string>> = {},
    ): Promise<PromoteResult> {
        const { exitCode, stdout, stderr } = await this.start(args, await this.environment(more));
        return {
            exitCode,
            stdout: stripVTControlCharacters(stdout),
            stderr: stripVTControlCharacters(stderr),
        };
    }

    async [Symbol.asyncDispose](): Promise<void> {
        for (const close of this.closers) await close();
    }
}
