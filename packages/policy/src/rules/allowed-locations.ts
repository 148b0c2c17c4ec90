import type { ResourceValidationPolicy } from "@pulumi/policy";
import { texts } from "../parameters";
import { repositoryId } from "../repositories";
import { isKind } from "../resource-types";

interface Parameters {
    readonly locations?: readonly string[];
}

/** Refuses repositories outside the configured locations. Without configuration, every location is allowed. */
export function allowedLocations(name: string): ResourceValidationPolicy {
    return {
        name,
        description: "Repositories are in allowed locations.",
        enforcementLevel: "mandatory",
        severity: "medium",
        configSchema: {
            properties: {
                locations: texts(
                    "Regions and multi-regions, such as europe-west1 and europe. Empty: all of them.",
                ),
            },
        },
        validateResource: (args, report) => {
            const { type, props, provider } = args;
            const { locations = [] } = args.getConfig<Parameters>();
            if (!isKind("repository", type) || locations.length === 0) return;
            const location = (props["location"] ?? provider?.props["region"]) as string | undefined;
            if (locations.some((each) => each.toLowerCase() === location?.toLowerCase())) return;
            report(
                `${repositoryId(props)} is in ${location ?? "no location that is set"}. Allowed: ${locations.join(", ")}. Create it there; a repository cannot move.`,
            );
        },
    };
}
