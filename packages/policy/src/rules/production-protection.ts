import type { ResourceValidationPolicy } from "@pulumi/policy";
import { choices } from "../parameters";
import { isProduction, productionSchema, type ProductionParameters, stackName } from "../production";
import { repositoryId } from "../repositories";
import { isKind } from "../resource-types";

interface Parameters extends ProductionParameters {
    readonly require?: readonly string[];
}

const protections = ["protect", "deletionPolicy"];

/** Refuses repositories for production that an update or a destroy could delete. */
export function productionProtection(name: string): ResourceValidationPolicy {
    return {
        name,
        description: "Repositories for production are protected from deletion.",
        enforcementLevel: "mandatory",
        severity: "high",
        configSchema: {
            properties: {
                production: productionSchema,
                require: choices(
                    "protect is Pulumi's resource option, deletionPolicy the argument of the Google provider.",
                    protections,
                    protections,
                ),
            },
        },
        validateResource: (args, report) => {
            const { type, props, urn, opts } = args;
            if (!isKind("repository", type)) return;
            const parameters = args.getConfig<Parameters>();
            const { require = protections } = parameters;
            if (!isProduction(parameters, [stackName(urn)]) && !isProduction(parameters, labelValues(props)))
                return;
            const missing = [
                ...(require.includes("protect") && !opts.protect
                    ? ["the resource option protect: true"]
                    : []),
                ...(require.includes("deletionPolicy") && props["deletionPolicy"] !== "PREVENT"
                    ? ['the argument deletionPolicy: "PREVENT"']
                    : []),
            ];
            if (missing.length === 0) return;
            report(
                `${repositoryId(props)} is for production, and can be deleted with all its packages. Set ${missing.join(" and ")}.`,
            );
        },
    };
}

function labelValues(props: Record<string, unknown>): string[] {
    return Object.values((props["labels"] ?? {}) as Record<string, string>);
}
