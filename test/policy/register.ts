import * as pulumi from "@pulumi/pulumi";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import type { Registration } from "./analyze";

// A process that runs this project's program as a preview and prints what it registers, as JSON. It reads the name of the
// stack and its configuration, `{stack, config}`, from standard input.

/** https://github.com/pulumi/pulumi/blob/master/proto/pulumi/resource.proto */
interface RegisterResourceRequest {
    getType(): string;
    getName(): string;
    getCustom(): boolean;
    getProtect(): boolean;
    getObject(): { toJavaScript(): Record<string, unknown> };
    getPropertydependenciesMap(): { entries(): Iterable<[string, { getUrnsList(): string[] }]> };
}

async function main() {
    const { stack, config } = JSON.parse(await text(process.stdin)) as {
        stack: string;
        config: Record<string, string>;
    };
    const registrations: Registration[] = [];
    pulumi.runtime.setAllConfig(config);
    await pulumi.runtime.setMocks(
        {
            call: ({ token }) => {
                throw new Error(`a preview without lookups calls ${token}`);
            },
            newResource: ({ inputs }) => ({ id: undefined, state: inputs as object }),
        },
        "python-registry",
        stack,
        true,
        "organization",
    );
    const monitor = pulumi.runtime.getMonitor() as unknown as {
        registerResource(request: RegisterResourceRequest, callback: unknown): unknown;
    };
    const register = monitor.registerResource.bind(monitor);
    monitor.registerResource = (request, callback) => {
        registrations.push({
            type: request.getType(),
            name: request.getName(),
            stack,
            props: request.getObject().toJavaScript(),
            opts: { protect: request.getProtect() },
            propertyDependencies: Object.fromEntries(
                [...request.getPropertydependenciesMap().entries()].map(([property, urns]) => [
                    property,
                    urns.getUrnsList().map((urn) => urn.replace(/^.*::/, "")),
                ]),
            ),
        });
        return register(request, callback);
    };
    createRequire(__filename)("../../index.ts");
    await pulumi.runtime.disconnect();
    process.stdout.write(JSON.stringify(registrations));
}

void main();
