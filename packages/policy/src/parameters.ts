import type { PolicyConfigSchema } from "@pulumi/policy";

// The parameters of rules, as the policy pack's configuration has them.

/** The schema of a parameter. */
export type ParameterSchema = PolicyConfigSchema["properties"][string];

/** A list of texts. */
export function texts(description: string, defaults: readonly string[] = []): ParameterSchema {
    return { type: "array", items: { type: "string" }, description, default: [...defaults] };
}

/** A list of texts of which only some are allowed. */
export function choices(
    description: string,
    allowed: readonly string[],
    defaults: readonly string[],
): ParameterSchema {
    return {
        type: "array",
        items: { type: "string", enum: [...allowed] },
        description,
        default: [...defaults],
    };
}

/** A number of days. */
export function days(description: string, standard: number): ParameterSchema {
    return { type: "integer", minimum: 1, description, default: standard };
}
