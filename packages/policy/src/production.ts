import type { ParameterSchema } from "./parameters";

// Which stacks are for production.

/** `prod` and `production`, also inside a name. Not `nonprod`, `pre-prod` and `products`. */
const defaultPattern = String.raw`(?<!(?:non|not|pre)[-_.]?)prod(?!ucts?(?![a-z]))`;

/** The parameters of a rule for production. */
export interface ProductionParameters {
    readonly production?: string;
}

export const productionSchema: ParameterSchema = {
    type: "string",
    description:
        "A regular expression, without case. A stack is for production if it matches its name; a repository also if it matches " +
        "one of its labels' values.",
    default: defaultPattern,
};

/** Whether one of the names is one of production. */
export function isProduction(
    { production = defaultPattern }: ProductionParameters,
    names: readonly string[],
): boolean {
    let pattern: RegExp;
    try {
        pattern = new RegExp(production, "i");
    } catch {
        throw new Error(
            `The parameter production has ${JSON.stringify(production)}, which is not a regular expression. Write one, such as prod.`,
        );
    }
    return names.some((name) => pattern.test(name));
}

/** The name of the stack in a resource's URN, `urn:pulumi:STACK::PROJECT::TYPE::NAME`. */
export function stackName(urn: string): string {
    return /^urn:pulumi:(.*?)::/.exec(urn)?.[1] ?? "";
}
