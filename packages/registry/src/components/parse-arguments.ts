import * as pulumi from "@pulumi/pulumi";
import { isRecord } from "../validation/schema";
import { configPath, formatJson, typeMismatch, unknownKey, withValue } from "../validation/wording";
import {
    type InputArgs,
    isParsed,
    type ParsedRegistry,
    parseRegistry,
    parseValue,
    registrySchemas,
} from "./parse-registry";
import type { RegistryArgs } from "./registry-args";
import { userError } from "./user-error";

// The arguments of a registry in a program: some can be outputs, and callers without types, such as programs in other languages,
// can pass anything.

const inputs: readonly string[] = ["description", "labels"] satisfies (keyof InputArgs)[];

/**
 * Parses the arguments of a `Registry`, unless they are parsed already.
 *
 * @param name the name of the component, for the message
 * @throws pulumi.InputPropertiesError that lists every mistake and names its property
 */
export function parseArguments(name: string, args: RegistryArgs): ParsedRegistry {
    const errors: pulumi.InputPropertyErrorDetails[] = [];
    const report = (
        [property = "args", ...rest]: readonly (string | number)[],
        value: unknown,
        message: string,
    ) => {
        // Commands that set the configuration of a stack don't apply to arguments.
        const reason = withValue(value, message).replace(/ Set it with: .*/s, "");
        errors.push({ propertyPath: `${property}${configPath(rest)}`, reason });
    };
    const describe = (end: string) => {
        const count = errors.length === 1 ? "a mistake" : `${errors.length} mistakes`;
        const mistakes = errors.map(({ propertyPath, reason }) => `  - ${propertyPath}: ${reason}`);
        return `The arguments of Registry "${name}" have ${count}${end}\n${mistakes.join("\n")}`;
    };
    const refuse = () => {
        throw new pulumi.InputPropertiesError({ message: describe("; nothing was changed."), errors });
    };
    const known = Object.keys(registrySchemas);
    const given: unknown = args;
    if (!isRecord(given) || isOutput(given)) {
        const what = isOutput(given) ? "is an output, not a map." : typeMismatch(given, "a map");
        report([], plain(given), `${what} Allowed: a map with the keys ${known.join(", ")}.`);
        return refuse();
    }
    if (isParsed(given)) return given;
    for (const key of Object.keys(given).filter((each) => !known.includes(each))) {
        report([key], key, unknownKey(formatJson(plain(given[key])), key, known));
    }
    const withOutputs = known.filter((key) => hasOutput(given[key]));
    for (const key of withOutputs.filter((each) => !inputs.includes(each))) {
        const reason = "is an output. Allowed: a plain value, so that a preview shows what is created.";
        report([key], undefined, reason);
    }
    const later = withOutputs.map((key): [string, pulumi.Output<unknown> | undefined] => [
        key,
        inputs.includes(key)
            ? pulumi.output(given[key] as object).apply((value: unknown) => {
                  const output = parseValue(key, value, report);
                  if (errors.length > 0) throw userError(describe("."));
                  return output;
              })
            : undefined,
    ]);
    const plainValues = Object.fromEntries(
        Object.entries(given).filter(([key]) => !withOutputs.includes(key)),
    );
    const parsed = parseRegistry(
        plainValues,
        {
            report,
            formatValue: (_, value) => formatJson(value),
            forNewRegion:
                plainValues["skipRegionValidation"] === true
                    ? undefined
                    : "set skipRegionValidation to true to accept it",
        },
        Object.fromEntries(later),
    );
    return parsed === undefined || errors.length > 0 ? refuse() : parsed;
}

function isOutput(value: unknown): boolean {
    return pulumi.Output.isInstance(value) || value instanceof Promise || pulumi.Resource.isInstance(value);
}

/** Whether a value is an output, or has one in its lists and maps. */
function hasOutput(value: unknown): boolean {
    return (
        isOutput(value) ||
        (typeof value === "object" && value !== null && Object.values(value).some(hasOutput))
    );
}

/** A value for a message; undefined if it cannot be shown. */
function plain(value: unknown): unknown {
    return hasOutput(value) ? undefined : value;
}
