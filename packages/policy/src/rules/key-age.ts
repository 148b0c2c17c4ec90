import type { PolicyResource, StackValidationPolicy } from "@pulumi/policy";
import { known } from "../grants";
import { days } from "../parameters";
import { isKind } from "../resource-types";

interface Parameters {
    readonly maxDays?: number;
    readonly rotationDays?: number;
}

const defaults = { maxDays: 90, rotationDays: 14 };
const day = 24 * 60 * 60 * 1000;

/**
 * Refuses keys that are too old. Clients move from an old key to a new one while both exist: an old key may stay for some days
 * beside a new key of the same account. Otherwise the update that adds the new key would be refused.
 *
 * @param now the time in milliseconds
 */
export function keyAge(name: string, now: () => number = Date.now): StackValidationPolicy {
    return {
        name,
        description: "Service account keys are rotated.",
        enforcementLevel: "mandatory",
        severity: "high",
        configSchema: {
            properties: {
                maxDays: days("The age that a key can have.", defaults.maxDays),
                rotationDays: days(
                    "How long an older key can stay after the account got a new one.",
                    defaults.rotationDays,
                ),
            },
        },
        validateStack: (args, report) => {
            const { resources } = args;
            const { maxDays = defaults.maxDays, rotationDays = defaults.rotationDays } =
                args.getConfig<Parameters>();
            const keys = resources.filter(({ type }) => isKind("key", type));
            const getAge = (key: PolicyResource) => ageInDays(key, now());
            for (const key of keys) {
                const age = getAge(key);
                if (age <= maxDays) continue;
                const newest = Math.min(
                    ...keys.filter((each) => findAccount(each) === findAccount(key)).map(getAge),
                );
                if (newest <= rotationDays) continue;
                const who = findAccount(key) ?? key.name;
                report(
                    newest < age
                        ? `A key of ${who} is ${age} days old, and its newer key ${newest} days. An old key can stay for ${rotationDays} days beside a new one. Update the clients that still use it, and remove it.`
                        : `The key of ${who} is ${age} days old. Allowed: at most ${maxDays} days. Add a new key, update the clients, and remove the old key.`,
                    key.urn,
                );
            }
        },
    };
}

/** Whole days; 0 for a key that does not exist yet, or that does not say since when it is valid. */
function ageInDays({ props }: PolicyResource, now: number): number {
    // google-native has the second name.
    const validAfter = known(() => (props["validAfter"] ?? props["validAfterTime"]) as string | undefined);
    const created = Date.parse(validAfter ?? "");
    return Number.isNaN(created) ? 0 : Math.floor((now - created) / day);
}

function findAccount({ props }: PolicyResource): string | undefined {
    return known(() => props["serviceAccountId"] as string | undefined)?.replace(/^.*\//, "");
}
