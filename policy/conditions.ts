import { parse } from "@bufbuild/cel";

// Attribute conditions of workload identity federation, in Google's expression language (CEL): what a token must be.

type Expression = ReturnType<typeof parse>["expr"];

/** From attribute (`google.subject`, `attribute.repository`) to CEL expression. */
export type AttributeMapping = Readonly<Record<string, string>>;

/** What a condition compares. */
export interface Comparison {
    /** Whether the condition can only be true for a token with a particular value of a stable claim. */
    readonly stable: boolean;
    /** The claims that the condition reads, also through the mapping. */
    readonly claims: ReadonlySet<string>;
}

/**
 * Whether a condition needs a particular value of a claim that cannot change. It looks for `claim == "value"`,
 * `claim in ["value"]` and `"value" in claim` in every branch that can be true. It does not evaluate functions such as
 * `startsWith`: with them, a condition counts as one that needs no particular value.
 *
 * @param isStable whether a claim, such as `repository_owner_id`, cannot change and is not given to anyone else
 * @throws Error for a condition or a mapping that cannot be parsed
 */
export function compareClaims(
    condition: string,
    mapping: AttributeMapping,
    isStable: (claim: string) => boolean,
): Comparison {
    const claims = new Set<string>();
    /** The mapped attributes that are being followed, so that a mapping cannot go in a circle. */
    const following = new Set<string>();

    /** Calls a function with the expression of a mapped attribute. */
    const follow = <T>(name: string, otherwise: T, use: (expr: Expression) => T): T => {
        const source = mapping[name];
        if (source === undefined || following.has(name)) return otherwise;
        following.add(name);
        try {
            return use(parse(source).expr);
        } finally {
            following.delete(name);
        }
    };

    const readClaims = (expr: Expression): void => {
        const name = pathOf(expr);
        if (name?.startsWith("assertion.")) claims.add(name.slice("assertion.".length));
        else if (name !== undefined) follow(name, undefined, readClaims);
        else childrenOf(expr).forEach(readClaims);
    };

    /**
     * Whether the expression has a particular value only for particular values of a stable claim.
     *
     * @param value the value, if it is a text that the condition names
     */
    const identifies = (expr: Expression, value: string | undefined): boolean => {
        const name = pathOf(expr);
        if (name?.startsWith("assertion.")) return isStable(name.slice("assertion.".length));
        if (name !== undefined) return follow(name, false, (mapped) => identifies(mapped, value));
        const { operator, args } = callOf(expr);
        const [first, second, third] = args;
        if (operator === "_?_:_" && second && third) {
            return [second, third].every((branch) => {
                const text = textOf(branch);
                // A branch with another text does not have the value.
                return text === undefined ? identifies(branch, value) : value !== undefined && text !== value;
            });
        }
        if (operator === "_+_") {
            // Next to another claim, the end of an id would be unclear: "1" + "23" is "12" + "3".
            const parts = operandsOf(expr);
            return parts.some(
                (part, index) =>
                    textOf(part) === undefined &&
                    identifies(part, undefined) &&
                    [parts[index - 1], parts[index + 1]].every((next) => next === undefined || textOf(next)),
            );
        }
        return (operator === "string" || operator === "int") && first !== undefined
            ? identifies(first, value)
            : false;
    };

    /** Whether the expression is `outcome` only for particular values of a stable claim. */
    const needsStableClaim = (expr: Expression, outcome: boolean): boolean => {
        // The constant of the other outcome never is this one.
        if (isBoolean(expr, !outcome)) return true;
        const { operator, args } = callOf(expr);
        const [first, second, third] = args;
        if (first === undefined) return false;
        const branches = (...all: Expression[]) => all.map((each) => needsStableClaim(each, outcome));
        switch (operator) {
            case "!_":
                return needsStableClaim(first, !outcome);
            case "_&&_":
            case "_||_": {
                const both = branches(...args);
                return (operator === "_&&_") === outcome ? both.some(Boolean) : both.every(Boolean);
            }
            case "_?_:_": {
                if (!second || !third) return false;
                const [then = false, otherwise = false] = branches(second, third);
                return (
                    (then || needsStableClaim(first, true)) && (otherwise || needsStableClaim(first, false))
                );
            }
            case "_==_":
            case "_!=_": {
                if (!second || (operator === "_==_") !== outcome) return false;
                if (isIdConstant(second)) return identifies(first, textOf(second));
                return isIdConstant(first) && identifies(second, textOf(first));
            }
            case "@in": {
                if (!second || !outcome) return false;
                if (second.exprKind.case !== "listExpr")
                    return isIdConstant(first) && identifies(second, undefined);
                const values = second.exprKind.value.elements;
                return values.every((each) => isIdConstant(each) && identifies(first, textOf(each)));
            }
            default:
                return false;
        }
    };

    const expression = parse(condition).expr;
    readClaims(expression);
    return { stable: needsStableClaim(expression, true), claims };
}

/** The dotted path that an expression is, such as `assertion.sub`, also for `assertion['sub']`. */
function pathOf({ exprKind }: Expression): string | undefined {
    if (exprKind.case === "identExpr") return exprKind.value.name;
    if (exprKind.case === "selectExpr" && !exprKind.value.testOnly && exprKind.value.operand) {
        const operand = pathOf(exprKind.value.operand);
        return operand && `${operand}.${exprKind.value.field}`;
    }
    if (exprKind.case === "callExpr" && exprKind.value.function === "_[_]") {
        const [operand, key] = exprKind.value.args.map((each, index) =>
            index === 0 ? pathOf(each) : textOf(each),
        );
        return operand && key && `${operand}.${key}`;
    }
    return undefined;
}

/** The function or operator that an expression calls; a method's object is no argument. */
function callOf({ exprKind }: Expression): {
    readonly operator: string;
    readonly args: readonly Expression[];
} {
    return exprKind.case === "callExpr"
        ? { operator: exprKind.value.function, args: exprKind.value.args }
        : { operator: "", args: [] };
}

/** The operands of a chain of `+`. */
function operandsOf(expr: Expression): Expression[] {
    const { operator, args } = callOf(expr);
    return operator === "_+_" ? args.flatMap(operandsOf) : [expr];
}

/** Whether the expression is a constant that can be an id. Some systems give an empty text to those who have no id. */
function isIdConstant({ exprKind }: Expression): boolean {
    const constant = exprKind.case === "constExpr" ? exprKind.value.constantKind : undefined;
    return constant?.case === "stringValue"
        ? constant.value !== ""
        : constant?.case === "int64Value" || constant?.case === "uint64Value";
}

function isBoolean({ exprKind }: Expression, value: boolean): boolean {
    const constant = exprKind.case === "constExpr" ? exprKind.value.constantKind : undefined;
    return constant?.case === "boolValue" && constant.value === value;
}

/** The value of a text constant. */
function textOf({ exprKind }: Expression): string | undefined {
    const constant = exprKind.case === "constExpr" ? exprKind.value.constantKind : undefined;
    return constant?.case === "stringValue" ? constant.value : undefined;
}

function childrenOf({ exprKind }: Expression): readonly Expression[] {
    const all: readonly (Expression | undefined)[] =
        exprKind.case === "callExpr"
            ? [exprKind.value.target, ...exprKind.value.args]
            : exprKind.case === "selectExpr"
              ? [exprKind.value.operand]
              : exprKind.case === "listExpr"
                ? exprKind.value.elements
                : exprKind.case === "comprehensionExpr"
                  ? [exprKind.value.iterRange, exprKind.value.loopStep]
                  : [];
    return all.filter((each) => each !== undefined);
}
