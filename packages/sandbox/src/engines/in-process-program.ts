import * as pulumi from "@pulumi/pulumi";
import { createRequire } from "node:module";
import { setImmediate } from "node:timers/promises";
import { GoogleProvider } from "./google-provider";
import type { ProgramEvent, ProgramRun } from "./in-process-engine";

// The process in which the in-process engine runs programs, one after the other: it receives a run and sends events. It exits after a
// failure, and when the engine disconnects.

/** What every run finds loaded: what this file imports. The load of the Pulumi SDK takes longer than most runs. */
const loadedOnce = new Set(Object.keys(require.cache));
const environment = { ...process.env };
const directory = process.cwd();

/** Forgets the modules that the last run loaded, what the SDK knows of its stack, and what it set of the process. */
function forgetLastRun(): void {
    for (const name of Object.keys(process.env)) {
        if (!(name in environment)) Reflect.deleteProperty(process.env, name);
    }
    Object.assign(process.env, environment);
    process.chdir(directory);
    for (const path of modules()) Reflect.deleteProperty(require.cache, path);
    // The SDK makes a new one when it finds none:
    // https://github.com/pulumi/pulumi/blob/master/sdk/nodejs/runtime/state.ts
    Reflect.deleteProperty(globalThis, "globalStore");
}

/** Paths of the modules that the program has loaded. */
function modules(): string[] {
    return Object.keys(require.cache).filter((path) => !loadedOnce.has(path));
}

function send(event: ProgramEvent): Promise<void> {
    return new Promise((resolve, reject) => {
        process.send?.(event, (error: Error | null) => {
            if (error) reject(error);
            else resolve();
        });
    });
}

/** Waits until all that was printed is in the pipe, which has room for only some of it: the engine has then read the rest. */
function flush(stream: NodeJS.WriteStream): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    stream.write("", () => {
        resolve(undefined);
    });
    return promise;
}

/** The exit of this process, once something failed. */
let failing: Promise<never> | undefined;

function fail(error: unknown): Promise<never> {
    failing ??= reportAndExit(error);
    return failing;
}

async function reportAndExit(error: unknown): Promise<never> {
    const message = pulumi.RunError.isInstance(error)
        ? error.message
        : error instanceof Error
          ? (error.stack ?? error.message)
          : String(error);
    // If the report fails too, the engine no longer exists, and there is nobody to report that to.
    await send({ kind: "error", message }).catch(() => undefined);
    process.exit(1);
}

async function runProgram(run: ProgramRun): Promise<void> {
    const provider = new GoogleProvider(run.config);
    /** What each registered resource depends on, and the inputs that an import leaves as they are. */
    const registered = new Map<
        string,
        { readonly dependencies: readonly string[]; readonly ignored: readonly string[] }
    >();
    /** Reads, imports or creates a resource; a preview only reads. */
    const perform = (type: string, name: string, inputs: object, id: string | undefined) => {
        const properties = inputs as Record<string, unknown>;
        const { ignored } = registered.get(`${type} ${name}`) ?? {};
        if (id && ignored === undefined) return provider.read(type, id);
        if (run.preview) return undefined;
        if (!id) return provider.create(type, properties);
        const managed = Object.entries(properties).filter(([key]) => ignored?.includes(key) !== true);
        return provider.import(type, id, Object.fromEntries(managed));
    };
    pulumi.runtime.setAllConfig(run.config, [...run.secretKeys]);
    await pulumi.runtime.setMocks(
        {
            call: async ({ token, inputs }) => {
                try {
                    return await provider.call(token, inputs as Record<string, unknown>);
                } catch (error) {
                    // The SDK reads the message from the field that gRPC uses.
                    throw Object.assign(error as Error, { details: (error as Error).message });
                }
            },
            newResource: async ({ type, name, inputs, custom, id }) => {
                const isComponent = custom === false || type.startsWith("python-registry:");
                const { dependencies = [] } = registered.get(`${type} ${name}`) ?? {};
                try {
                    const made = isComponent ? undefined : await perform(type, name, inputs as object, id);
                    await send({ kind: "resource", resource: { type, name, dependencies } });
                    return made ?? { id: run.preview ? undefined : `${name}-id`, state: inputs as object };
                } catch (error) {
                    return await fail(error);
                }
            },
        },
        "python-registry",
        run.stack,
        run.preview,
        "organization",
    );

    // The SDK does not pass to a mock what a resource depends on, but it passes it to the monitor that calls the mock.
    const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
    const register = monitor.registerResource.bind(monitor);
    monitor.registerResource = (request, callback) => {
        registered.set(`${request.getType()} ${request.getName()}`, {
            dependencies: request.getDependenciesList(),
            ignored: request.getIgnorechangesList(),
        });
        return register(request, callback);
    };

    const exported = createRequire(__filename)(run.program) as Record<string, unknown>;
    const outputs: Record<string, { value: unknown; secret: boolean }> = {};
    const unknown: string[] = [];
    for (const [name, value] of Object.entries(exported)) {
        const output = pulumi.output(value) as pulumi.Output<unknown> & Resolved;
        const [resolved, secret, known] = await Promise.all([
            output.promise(),
            output.isSecret,
            output.isKnown,
        ]);
        if (known) {
            outputs[name] = { value: resolved, secret };
        } else {
            unknown.push(name);
        }
    }
    // Resources that no output depends on, such as grants, may not be finished.
    await pulumi.runtime.disconnect();
    // Only now does Node report a rejection without a handler.
    await setImmediate();
    await failing;
    await Promise.all([process.stdout, process.stderr].map(flush));
    const peakMiB = process.resourceUsage().maxRSS / 1024;
    await send({ kind: "outputs", outputs, unknown, modules: modules(), peakMiB });
}

/** https://github.com/pulumi/pulumi/blob/master/proto/pulumi/resource.proto */
interface Monitor {
    registerResource(request: RegisterResourceRequest, callback: unknown): unknown;
}

interface RegisterResourceRequest {
    getType(): string;
    getName(): string;
    getDependenciesList(): string[];
    getIgnorechangesList(): string[];
}

/** Members of an Output that are not in its public type. */
interface Resolved {
    promise(): Promise<unknown>;
    readonly isSecret: Promise<boolean>;
    readonly isKnown: Promise<boolean>;
}

process.on("unhandledRejection", (error) => void fail(error));
process.on("message", (run: ProgramRun) => {
    forgetLastRun();
    runProgram(run).catch(fail);
});
// The engine no longer exists.
process.once("disconnect", () => process.exit(1));
