import type {
    EnforcementLevel,
    PolicyResource,
    PolicyResourceOptions,
    ReportViolation,
    ResourceValidationPolicy,
    StackValidationPolicy,
} from "@pulumi/policy";
import * as policySdk from "@pulumi/policy";
import { runtime } from "@pulumi/pulumi";
import assert from "node:assert/strict";
import { policies } from "../../packages/policy/src/policies";

// Runs rules as the server of @pulumi/policy does: properties through its proxy, parameters with the defaults of their schema.

/** Exported for tests, but without types. */
const { unknownCheckingProxy, UnknownValueError } = policySdk as unknown as {
    unknownCheckingProxy: (props: object) => Record<string, unknown>;
    UnknownValueError: new () => Error;
};

/** A property that a preview does not know yet. */
export const unknown = runtime.unknownValue;

/** A resource that a program registers. */
export interface Registration {
    readonly type: string;
    readonly name?: string;
    readonly stack?: string;
    readonly props: Readonly<Record<string, unknown>>;
    readonly opts?: Partial<PolicyResourceOptions>;
    /** The configuration of the resource's provider. */
    readonly provider?: Readonly<Record<string, unknown>>;
    /** The names of the resources that a property comes from. */
    readonly propertyDependencies?: Readonly<Record<string, readonly string[]>>;
}

/** What a rule reports. */
export interface Finding {
    readonly rule: string;
    readonly level: EnforcementLevel;
    readonly message: string;
    readonly urn?: string;
}

type Parameters = Readonly<Record<string, unknown>>;

/** The rule named like this in the pack. */
export function rule(name: string): ResourceValidationPolicy | StackValidationPolicy {
    const found = policies.find((each) => each.name === name);
    assert.ok(found, `the pack has no rule ${name}`);
    return found;
}

/** The name of a resource in a test: the given one, or its type. */
const getName = ({ name, type }: Registration) => name ?? type;

/** The messages of a rule about one resource, or about a stack of resources. */
export async function messages(
    policy: string | ResourceValidationPolicy | StackValidationPolicy,
    registrations: Registration | readonly Registration[],
    parameters: Parameters = {},
): Promise<string[]> {
    const found = await analyze(
        [registrations].flat(),
        [typeof policy === "string" ? rule(policy) : policy],
        parameters,
    );
    return found.map(({ message }) => message);
}

/** What rules report about a stack. */
export async function analyze(
    registrations: readonly Registration[],
    rules: readonly (ResourceValidationPolicy | StackValidationPolicy)[] = policies,
    parameters: Parameters = {},
): Promise<Finding[]> {
    const findings: Finding[] = [];
    for (const policy of rules) {
        const { name, enforcementLevel: level = "advisory", configSchema } = policy;
        const defaults = Object.entries(configSchema?.properties ?? {}).map(([key, each]) => [
            key,
            each.default,
        ]);
        const config = { ...(Object.fromEntries(defaults) as object), ...parameters };
        const context = {
            stackTags: new Map<string, string>(),
            getConfig: () => config as never,
            notApplicable: (): never => assert.fail(),
        };
        const report: ReportViolation = (message, urn) =>
            findings.push({ rule: name, level, message, ...(urn === undefined ? {} : { urn }) });
        const run = async (validate: () => Promise<void> | void) => {
            try {
                await validate();
            } catch (error) {
                if (!(error instanceof UnknownValueError)) throw error;
                findings.push({ rule: name, level: "advisory", message: error.message });
            }
        };
        if ("validateStack" in policy) {
            await run(() =>
                policy.validateStack({ ...context, resources: stackResources(registrations) }, report),
            );
            continue;
        }
        for (const registration of registrations) {
            const resource = policyResource(registration);
            const validations = [policy.validateResource ?? []].flat();
            for (const validate of validations) {
                await run(() => validate({ ...context, ...resource, asType: () => undefined }, report));
            }
        }
    }
    return findings;
}

function policyResource(registration: Registration): PolicyResource {
    const { type, props, stack = "dev", opts = {}, provider } = registration;
    const name = getName(registration);
    return {
        type,
        name,
        urn: `urn:pulumi:${stack}::project::${type}::${name}`,
        props: unknownCheckingProxy({ ...props }),
        opts: {
            protect: false,
            ignoreChanges: [],
            aliases: [],
            customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
            additionalSecretOutputs: [],
            ...opts,
        },
        ...(provider === undefined
            ? {}
            : {
                  provider: {
                      type: "pulumi:providers:gcp",
                      name: "default",
                      urn: "urn:provider",
                      props: unknownCheckingProxy({ ...provider }),
                  },
              }),
        dependencies: [],
        propertyDependencies: {},
        isType: () => false,
        asType: () => undefined,
    };
}

function stackResources(registrations: readonly Registration[]): PolicyResource[] {
    const resources = new Map(registrations.map((each) => [getName(each), policyResource(each)]));
    for (const each of registrations) {
        const resource = resources.get(getName(each));
        for (const [property, names] of Object.entries(each.propertyDependencies ?? {})) {
            const from = names.flatMap((name) => resources.get(name) ?? []);
            if (resource !== undefined) resource.propertyDependencies[property] = from;
        }
    }
    return [...resources.values()];
}
