import type { ResourceValidationPolicy } from "@pulumi/policy";
import { known } from "../grants";
import { texts } from "../parameters";
import { isProduction, productionSchema, type ProductionParameters, stackName } from "../production";
import { isKind } from "../resource-types";

interface Parameters extends ProductionParameters {
    readonly accounts?: readonly string[];
}

const accountsDescription = "Ids or addresses of the accounts that may have keys.";

const workload =
    "Let the machine sign in without a key, by workload identity federation or as its own account on Google Cloud";

/** Reports keys of accounts that are not on a list. Stacks for production have a rule of their own. */
export function keyAllowList(name: string): ResourceValidationPolicy {
    return keyRule(name, {
        description: "Only listed service accounts have keys.",
        enforcementLevel: "advisory",
        severity: "medium",
        production: false,
        problem: () => ", which works for everyone who has the file.",
    });
}

/** Refuses keys in stacks for production. */
export function noProductionKeys(name: string): ResourceValidationPolicy {
    return keyRule(name, {
        description: "Service accounts for production have no keys.",
        enforcementLevel: "mandatory",
        severity: "high",
        production: true,
        problem: (stack) => `, and the stack ${stack} is for production. Remove the key.`,
    });
}

interface KeyRule extends Pick<ResourceValidationPolicy, "description" | "enforcementLevel" | "severity"> {
    /** Whether the rule is for the stacks for production, or for all others. */
    readonly production: boolean;
    /** Why a key is a problem; follows "… has a key". */
    readonly problem: (stack: string) => string;
}

function keyRule(name: string, { production, problem, ...rule }: KeyRule): ResourceValidationPolicy {
    return {
        name,
        ...rule,
        configSchema: { properties: { accounts: texts(accountsDescription), production: productionSchema } },
        validateResource: (args, report) => {
            const { type, props, urn } = args;
            const parameters = args.getConfig<Parameters>();
            const stack = stackName(urn);
            if (!isKind("key", type) || isProduction(parameters, [stack]) !== production) return;
            const account = findAccount(props);
            if (isListed(account, parameters)) return;
            report(
                `${named(account)} has a key${problem(stack)} ${workload}. If a tool needs the key, add the account to the parameter accounts of ${name}.`,
            );
        },
    };
}

/** The id or address of the account of a key; undefined if a preview does not know it yet, because the account is new. */
function findAccount(props: Record<string, unknown>): string | undefined {
    const id = known(() => props["serviceAccountId"] as string | undefined);
    return id?.replace(/^.*\//, "").toLowerCase();
}

function isListed(account: string | undefined, { accounts = [] }: Parameters): boolean {
    return accounts.some((each) => {
        const listed = each.toLowerCase();
        return listed === account || listed === account?.replace(/@.*$/, "");
    });
}

function named(account: string | undefined): string {
    return account === undefined ? "A service account of this stack" : `The service account ${account}`;
}
