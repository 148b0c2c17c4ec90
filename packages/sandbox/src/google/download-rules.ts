import * as v from "valibot";
import { parseCel, type CelExpression } from "./cel";
import { GoogleError } from "./google-api";

/** What may be downloaded from a repository. https://cloud.google.com/artifact-registry/docs/restrict-artifact-downloads */
export const ruleSchema = v.strictObject({
    name: v.exactOptional(v.string()),
    action: v.picklist(["ALLOW", "DENY"]),
    operation: v.exactOptional(v.literal("DOWNLOAD"), "DOWNLOAD"),
    /** Without one, the rule is for the whole repository. */
    packageId: v.exactOptional(v.string(), ""),
    condition: v.exactOptional(
        v.strictObject({
            expression: v.string(),
            title: v.exactOptional(v.string()),
            description: v.exactOptional(v.string()),
            location: v.exactOptional(v.string()),
        }),
    ),
});

export type DownloadRule = Omit<v.InferOutput<typeof ruleSchema>, "name">;

/** Rules by id. */
export type DownloadRules = ReadonlyMap<string, DownloadRule>;

/** @throws GoogleError INVALID_ARGUMENT */
export function checkRuleId(id: string) {
    if (/^([\w.~:@+^-]|%[0-9a-f]{2}){1,256}$/i.test(id)) return;
    throw new GoogleError(
        "INVALID_ARGUMENT",
        `Invalid rule ID "${id}": at most 256 letters, digits, percent-encoded characters and -._~:@+^.`,
    );
}

/**
 * Checks the condition of a rule, and that it is the only one for its package, or for the whole repository.
 * @param id of the rule, which replaces an earlier one with this id
 * @throws GoogleError INVALID_ARGUMENT, ALREADY_EXISTS
 */
export function checkRule(rules: DownloadRules, id: string, { packageId, condition }: DownloadRule) {
    if (condition) parsedCondition(condition.expression);
    const [other] = [...rules].find(([key, each]) => key !== id && each.packageId === packageId) ?? [];
    if (other === undefined) return;
    throw new GoogleError(
        "ALREADY_EXISTS",
        `The rule "${other}" exists for ${packageId === "" ? "the repository" : `the package "${packageId}"`} already.`,
    );
}

/**
 * Whether the rules forbid to download a version. The rule for its package decides; if there is none whose condition
 * holds, the one for the whole repository; without any, the download is allowed.
 */
export function isDenied(rules: DownloadRules, packageName: string, version: string): boolean {
    const applying = [...rules.values()].filter(
        ({ packageId, condition }) =>
            ["", packageName].includes(packageId) &&
            (condition === undefined || holds(condition.expression, packageName, version)),
    );
    const deciding = applying.find(({ packageId }) => packageId !== "") ?? applying[0];
    return deciding?.action === "DENY";
}

function holds(expression: string, packageName: string, version: string): boolean {
    return (
        parsedCondition(expression).evaluate({ pkg: { id: packageName, version: { id: version } } }) === true
    );
}

/** @throws GoogleError INVALID_ARGUMENT */
function parsedCondition(expression: string): CelExpression {
    try {
        return parseCel(expression, ["pkg"]);
    } catch (error) {
        throw new GoogleError("INVALID_ARGUMENT", `Invalid condition: ${(error as Error).message}`);
    }
}
