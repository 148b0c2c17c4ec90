import * as pulumi from "@pulumi/pulumi";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { stackDescription, type StackName } from "../../packages/registry/src/names/stack-label";
import type { Registration } from "./analyze";

// A process that runs this project's program as a preview and prints what it registers, as JSON. It reads the names of the
// project and of the stack, and the configuration, `{project, stack, config}`, from standard input. For lookups, all that the
// stack refers to exists, and its pool is its own.

/** https://github.com/pulumi/pulumi/blob/master/proto/pulumi/resource.proto */
interface RegisterResourceRequest {
    getType(): string;
    getName(): string;
    getCustom(): boolean;
    getProtect(): boolean;
    getObject(): { toJavaScript(): Record<string, unknown> };
    getPropertydependenciesMap(): { entries(): Iterable<[string, { getUrnsList(): string[] }]> };
}

/** What lookups find, by function. */
const existing: Readonly<Record<string, (createdBy: StackName) => object>> = {
    getProject: () => ({ number: "123456789012" }),
    getRepository: () => ({
        format: "PYTHON",
        mode: "STANDARD_REPOSITORY",
        effectiveLabels: {},
        cleanupPolicies: [],
        vulnerabilityScanningConfigs: [],
    }),
    getRepositoryIamPolicy: () => ({ policyData: "{}" }),
    getAccount: () => ({ disabled: false, displayName: "" }),
    getWorkloadIdentityPool: (createdBy) => ({ disabled: false, description: stackDescription(createdBy) }),
    getWorkloadIdentityPoolProvider: (createdBy) => ({ description: stackDescription(createdBy) }),
};

const organization = "organization";

async function main() {
    const { project, stack, config } = JSON.parse(await text(process.stdin)) as {
        project: string;
        stack: string;
        config: Record<string, string>;
    };
    const registrations: Registration[] = [];
    pulumi.runtime.setAllConfig(config);
    await pulumi.runtime.setMocks(
        {
            call: ({ token }) => {
                const found = existing[token.slice(token.lastIndexOf(":") + 1)];
                if (found === undefined)
                    throw new Error(`a preview calls ${token}, which the tests do not know`);
                return found({ organization, project, stack });
            },
            newResource: ({ inputs }) => ({ id: undefined, state: inputs as object }),
        },
        project,
        stack,
        true,
        organization,
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
