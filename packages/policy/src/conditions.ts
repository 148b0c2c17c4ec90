import { parse as parseCel } from "@bufbuild/cel";

// Attribute conditions of workload identity federation, in Google's expression language (CEL): what a token must be.

type Expression = ReturnType<typeof parseCel>["expr"];
type Comprehension = Extract<Expression["exprKind"], { case: "comprehensionExpr" }>["value"];

/** From attribute (`google.subject`, `attribute.repository`) to CEL expression. */
export type AttributeMapping = Readonly<Record<string, string>>;

/** What a condition compares. */
export interface Comparison {
    /** Whether the condition can only be true for a token with a particular value of a stable claim. */
    readonly stable: boolean;
    /** The claims that the condition reads, also through the mapping. */
    readonly claims: ReadonlySet<string>;
}

/** The claims that cannot change and are not given to anyone else. */
export interface StableClaims {
    /**
     * Whether a claim, such as `repository_owner_id`, is one.
     *
     * @param value the value that it is compared with, if that is a text in the condition
     */
    has(claim: string, value?: string): boolean;
    /** Whether all values of a claim that start like this belong to one owner. */
    hasPrefix(claim: string, prefix: string): boolean;
}

/**
 * Whether a condition needs a particular value of a claim that cannot change. It looks for `claim == "value"`,
 * `claim in ["value"]`, `"value" in claim` and `claim.startsWith("value")` in every branch that can be true, also inside
 * `exists` and `all`. It does not evaluate other functions: with them, a condition counts as one that needs no particular value.
 *
 * @throws Error for a condition or a mapping that cannot be parsed
 */
export function compareClaims(
    condition: string,
    mapping: AttributeMapping,
    stable: StableClaims,
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
        const name = findPath(expr);
        if (name?.startsWith("assertion.")) claims.add(getClaim(name));
        else if (name !== undefined) follow(name, undefined, readClaims);
        else getChildren(expr).forEach(readClaims);
    };

    /**
     * Whether the expression has a particular value only for particular values of a stable claim.
     *
     * @param value the value, if it is a text that the condition names
     */
    const identifies = (expr: Expression, value: string | undefined): boolean => {
        const name = findPath(expr);
        if (name?.startsWith("assertion.")) return stable.has(getClaim(name), value);
        if (name !== undefined) return follow(name, false, (mapped) => identifies(mapped, value));
        const { operator, args } = findCall(expr);
        const [first, second, third] = args;
        if (operator === "_?_:_" && second && third) {
            return [second, third].every((branch) => {
                const text = findText(branch);
                // A branch with another text does not have the value.
                return text === undefined ? identifies(branch, value) : value !== undefined && text !== value;
            });
        }
        if (operator === "_+_") return value !== undefined && identifiesAtStart(getOperands(expr), value);
        return (operator === "string" || operator === "int") && first !== undefined
            ? identifies(first, value)
            : false;
    };

    /**
     * Whether a chain of `+` has this value only for a particular value of its first claim. A claim in front of an id could contain
     * the id of someone else, with the texts around it.
     */
    const identifiesAtStart = (operands: readonly Expression[], value: string): boolean => {
        const texts = operands.map(findText);
        const start = texts.indexOf(undefined);
        const next = texts.indexOf(undefined, start + 1);
        const first = operands[start];
        const before = texts.slice(0, Math.max(start, 0)).join("");
        const after = texts.slice(start + 1, next === -1 ? undefined : next).join("");
        if (first === undefined || !value.startsWith(before)) return false;
        const rest = value.slice(before.length);
        if (next !== -1 && !endsId(first, after)) return false;
        const end =
            next !== -1 ? rest.indexOf(after) : rest.endsWith(after) ? rest.length - after.length : -1;
        // Some systems give an empty text to those who have no id.
        return end > 0 && identifies(first, rest.slice(0, end));
    };

    /** The operands of a chain of `+`, also through the mapping. */
    const getOperands = (expr: Expression): Expression[] => {
        const name = findPath(expr);
        if (name !== undefined) {
            return name.startsWith("assertion.") ? [expr] : follow(name, [expr], getOperands);
        }
        const { operator, target, args } = findCall(expr);
        const isText = target === undefined && (operator === "_+_" || operator === "string");
        return isText ? args.flatMap(getOperands) : [expr];
    };

    /** Whether all values of the expression that start like this belong to one owner. */
    const identifiesPrefix = (expr: Expression, prefix: string): boolean => {
        const name = findPath(expr);
        if (name === undefined) return false;
        if (name.startsWith("assertion.")) return stable.hasPrefix(getClaim(name), prefix);
        return follow(name, false, (mapped) => identifiesPrefix(mapped, prefix));
    };

    /** Whether the expression is `outcome` only for particular values of a stable claim. */
    const needsStableClaim = (expr: Expression, outcome: boolean): boolean => {
        // The constant of the other outcome never is this one.
        if (isBoolean(expr, !outcome)) return true;
        if (expr.exprKind.case === "comprehensionExpr") return needsInMacro(expr.exprKind.value, outcome);
        const { operator, target, args } = findCall(expr);
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
                if (isIdConstant(second)) return identifies(first, findText(second));
                return isIdConstant(first) && identifies(second, findText(first));
            }
            case "@in": {
                if (!second || !outcome) return false;
                if (second.exprKind.case !== "listExpr")
                    return isIdConstant(first) && identifies(second, undefined);
                const values = second.exprKind.value.elements;
                return values.every((each) => isIdConstant(each) && identifies(first, findText(each)));
            }
            case "startsWith": {
                const prefix = findText(first);
                return outcome && target !== undefined && !!prefix && identifiesPrefix(target, prefix);
            }
            default:
                return false;
        }
    };

    /** The same for `list.exists(x, …)`, `exists_one` and `all`. */
    const needsInMacro = (macro: Comprehension, outcome: boolean): boolean => {
        const { iterRange: list, iterVar, iterVar2, loopStep } = macro;
        const { operator, args } = loopStep ? findCall(loopStep) : { operator: "", args: [] };
        // The parser makes `result || predicate` of exists, `result && predicate` of all, `predicate ? result + 1 : result` of exists_one.
        const predicate = operator === "_?_:_" ? args[0] : args[1];
        const isMacro =
            macro.accuVar === "@result" &&
            (operator === "_||_" || operator === "_&&_" || (operator === "_?_:_" && isCounted(macro)));
        if (!isMacro || !list || !predicate || iterVar2 !== "" || isVariable(iterVar)) return false;
        const literals = list.exprKind.case === "listExpr" ? list.exprKind.value.elements : undefined;
        // An element of a claim is compared as the claim itself.
        const outcomes = (literals ?? [list]).map((element) =>
            needsStableClaim(substitute(predicate, iterVar, element), outcome),
        );
        const isForOne = operator === "_&&_" ? !outcome : outcome;
        if (isForOne) return outcomes.every(Boolean);
        // All elements of an empty list fulfill everything.
        return operator !== "_?_:_" && literals !== undefined && outcomes.some(Boolean);
    };

    const expression = parse(condition).expr;
    readClaims(expression);
    return { stable: needsStableClaim(expression, true), claims };
}

/** The parser does not accept a comment that ends with the text. */
function parse(source: string): ReturnType<typeof parseCel> {
    return parseCel(`${source}\n`);
}

function getClaim(path: string): string {
    return path.slice("assertion.".length);
}

/** Whether a name is one of a condition's variables, and not of a macro's. */
function isVariable(name: string): boolean {
    return ["assertion", "google", "attribute"].includes(name);
}

/** The dotted path that an expression is, such as `assertion.sub`, also for `assertion['sub']`. */
function findPath({ exprKind }: Expression): string | undefined {
    if (exprKind.case === "identExpr") return exprKind.value.name;
    if (exprKind.case === "selectExpr" && !exprKind.value.testOnly && exprKind.value.operand) {
        const operand = findPath(exprKind.value.operand);
        return operand && `${operand}.${exprKind.value.field}`;
    }
    if (exprKind.case === "callExpr" && exprKind.value.function === "_[_]") {
        const [operand, key] = exprKind.value.args.map((each, index) =>
            index === 0 ? findPath(each) : findText(each),
        );
        return operand && key && `${operand}.${key}`;
    }
    return undefined;
}

/** The function or operator that an expression calls; a method's object is no argument. */
function findCall({ exprKind }: Expression): {
    readonly operator: string;
    readonly target?: Expression | undefined;
    readonly args: readonly Expression[];
} {
    return exprKind.case === "callExpr"
        ? { operator: exprKind.value.function, target: exprKind.value.target, args: exprKind.value.args }
        : { operator: "", args: [] };
}

/** Whether a macro compares a number of elements: exists_one, and not filter. */
function isCounted({ result }: Comprehension): boolean {
    return result !== undefined && findCall(result).operator === "_==_";
}

/** An expression in which another one replaces a variable of a macro. */
function substitute(expr: Expression, name: string, replacement: Expression): Expression {
    const inside = <T extends Expression | undefined>(each: T): T =>
        each && (substitute(each, name, replacement) as T);
    const { exprKind } = expr;
    switch (exprKind.case) {
        case "identExpr":
            return exprKind.value.name === name ? replacement : expr;
        case "selectExpr": {
            const value = { ...exprKind.value, operand: inside(exprKind.value.operand) };
            return { ...expr, exprKind: { ...exprKind, value } };
        }
        case "callExpr": {
            const { target, args } = exprKind.value;
            const value = { ...exprKind.value, target: inside(target), args: args.map(inside) };
            return { ...expr, exprKind: { ...exprKind, value } };
        }
        case "listExpr": {
            const value = { ...exprKind.value, elements: exprKind.value.elements.map(inside) };
            return { ...expr, exprKind: { ...exprKind, value } };
        }
        case "comprehensionExpr": {
            const { iterRange, iterVar, loopStep } = exprKind.value;
            // A macro inside can have a variable with the same name.
            const value = {
                ...exprKind.value,
                iterRange: inside(iterRange),
                loopStep: iterVar === name ? loopStep : inside(loopStep),
            };
            return { ...expr, exprKind: { ...exprKind, value } };
        }
        default:
            return expr;
    }
}

/**
 * Whether this text after a claim shows where its value ends: "1" + "23" is "12" + "3". Ids have letters, digits, hyphens and
 * braces. Other claims, such as a subject, can contain anything.
 */
function endsId(claim: Expression, next: string): boolean {
    return /ids?$/i.test(findPath(claim) ?? "") && /[^\w{}-]/.test(next);
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
function findText({ exprKind }: Expression): string | undefined {
    const constant = exprKind.case === "constExpr" ? exprKind.value.constantKind : undefined;
    return constant?.case === "stringValue" ? constant.value : undefined;
}

function getChildren({ exprKind }: Expression): readonly Expression[] {
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
