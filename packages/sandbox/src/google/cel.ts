import { celEnv, celMethod, CelScalar, isCelError, isCelList, isCelMap, parse, plan } from "@bufbuild/cel";
import { strings } from "@bufbuild/cel/ext";

/** A JSON value, such as a claim of a token. */
export type CelInput = string | number | boolean | null | readonly CelInput[] | { [name: string]: CelInput };

/** The variables of attribute mappings and conditions, and that of download rules. */
export type CelVariable = "assertion" | "google" | "attribute" | "pkg";

/** An expression of an attribute mapping or condition. https://cloud.google.com/iam/docs/workload-identity-federation#mapping */
export interface CelExpression {
    /**
     * The fields that the expression reads, by variable: `assertion` → `sub` for `assertion.sub` and `assertion['sub']`.
     * A field that only an evaluation can name is not among them.
     */
    readonly fields: ReadonlyMap<CelVariable, ReadonlySet<string>>;
    /**
     * The value of the expression. An integer is a bigint.
     * @throws Error if there is none, such as for a claim that the token does not have
     */
    evaluate(variables: Partial<Record<CelVariable, CelInput>>): unknown;
}

type Expression = ReturnType<typeof parse>["expr"];

/** `"a/b/c".extract("a/{x}/c")`: Google's own addition to CEL. https://cloud.google.com/iam/docs/conditions-attribute-reference#extract */
const extract = celMethod(
    "extract",
    CelScalar.STRING,
    [CelScalar.STRING],
    CelScalar.STRING,
    function (template) {
        const [, before = "", after = ""] = /^(.*?)\{[^{}]*\}(.*)$/s.exec(template) ?? [];
        const at = this.indexOf(before);
        if (at < 0) return "";
        const start = at + before.length;
        const end = after === "" ? this.length : this.indexOf(after, start);
        return end < 0 ? "" : this.slice(start, end);
    },
);

const environment = celEnv({ funcs: [...strings, extract] });

/** Operators that the planner evaluates itself, because they may leave an operand unevaluated; and the element access. */
const operators = new Set(["_&&_", "_||_", "_?_:_", "!_", "_[_]", "@not_strictly_false"]);

/** What an expression may name beside the variables: the types with which the result of `type()` is compared. */
const types = [
    "bool",
    "bytes",
    "double",
    "google.protobuf.Duration",
    "google.protobuf.Timestamp",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "type",
    "uint",
];

/**
 * Parses an expression, and checks that the variables and functions it names exist. Types are not checked: the claims of a
 * token can have any.
 * @throws Error that says what is wrong, in one line
 */
export function parseCel(source: string, variables: readonly CelVariable[]): CelExpression {
    const { expr } = parse(source);
    const fields = new Map<CelVariable, Set<string>>();
    check(expr, new Set(variables), (variable, field) => {
        const known = variables.find((each) => each === variable);
        if (known !== undefined) fields.set(known, (fields.get(known) ?? new Set()).add(field));
    });
    const evaluate = plan(environment, expr);
    return {
        fields,
        evaluate: (values) => {
            const result = evaluate(values);
            if (isCelError(result)) throw new Error(result.message);
            return plain(result);
        },
    };
}

/** @throws Error for a name that does not exist */
function check(
    expr: Expression,
    names: ReadonlySet<string>,
    found: (variable: string, field: string) => void,
): void {
    const inside = (each: Expression | undefined) => {
        if (each !== undefined) check(each, names, found);
    };
    const { exprKind } = expr;
    switch (exprKind.case) {
        case "identExpr":
            if (!names.has(exprKind.value.name) && !types.includes(exprKind.value.name)) {
                throw new Error(`undeclared reference to '${exprKind.value.name}'`);
            }
            break;
        case "selectExpr": {
            const { operand, field } = exprKind.value;
            if (types.includes(`${path(operand)}.${field}`)) break;
            found(path(operand), field);
            inside(operand);
            break;
        }
        case "callExpr": {
            const { function: name, target, args } = exprKind.value;
            const [container, key] = name === "@in" ? [args[1], args[0]] : [args[0], args[1]];
            const text = key?.exprKind.case === "constExpr" ? key.exprKind.value.constantKind : undefined;
            if ((name === "@in" || name === "_[_]") && text?.case === "stringValue") {
                found(path(container), text.value);
            }
            const qualified = `${path(target)}.${name}`;
            if (environment.funcs.find(qualified) === undefined) {
                checkFunction(name, target !== undefined, args.length);
                inside(target);
            }
            args.forEach(inside);
            break;
        }
        case "listExpr":
            exprKind.value.elements.forEach(inside);
            break;
        case "structExpr":
            for (const { keyKind, value } of exprKind.value.entries) {
                if (keyKind.case === "mapKey") inside(keyKind.value);
                inside(value);
            }
            break;
        case "comprehensionExpr": {
            const { iterVar, iterVar2, accuVar, iterRange, accuInit, loopCondition, loopStep, result } =
                exprKind.value;
            inside(iterRange);
            inside(accuInit);
            const inner = new Set([...names, iterVar, iterVar2, accuVar]);
            for (const each of [loopCondition, loopStep, result]) {
                if (each !== undefined) check(each, inner, found);
            }
            break;
        }
    }
}

/** @throws Error unless there is a function with this name, form and number of arguments */
function checkFunction(name: string, isMethod: boolean, count: number) {
    if (operators.has(name)) return;
    const overloads = [...(environment.funcs.find(name) ?? [])];
    const exists = overloads.some(
        (each) => (each.target !== undefined) === isMethod && each.arguments.length === count,
    );
    if (!exists) throw new Error(`undeclared reference to '${name}'`);
}

/** The dotted name that an expression is, such as `google.protobuf`; otherwise empty. */
function path(expr: Expression | undefined): string {
    if (expr?.exprKind.case === "identExpr") return expr.exprKind.value.name;
    if (expr?.exprKind.case !== "selectExpr" || expr.exprKind.value.testOnly) return "";
    const operand = path(expr.exprKind.value.operand);
    return operand && `${operand}.${expr.exprKind.value.field}`;
}

/** Lists as arrays and maps as `Map`. */
function plain(value: unknown): unknown {
    if (isCelList(value)) return [...value].map(plain);
    if (isCelMap(value)) return new Map([...value].map(([key, each]) => [key, plain(each)]));
    return value;
}
