import type { ResourceValidationPolicy } from "@pulumi/policy";
import { texts } from "../parameters";
import { repositoryId } from "../repositories";
import { isKind } from "../resource-types";

interface Parameters {
    readonly labels?: readonly string[];
}

/** Refuses repositories without the configured labels. */
export function requiredLabels(name: string): ResourceValidationPolicy {
    return {
        name,
        description: "Repositories have the required labels.",
        enforcementLevel: "mandatory",
        severity: "low",
        configSchema: { properties: { labels: texts("Keys of labels that every repository has.") } },
        validateResource: (args, report) => {
            const { type, props, provider } = args;
            const { labels = [] } = args.getConfig<Parameters>();
            if (!isKind("repository", type) || labels.length === 0) return;
            // Only the keys count: a preview may not know a value yet.
            const present = [props["labels"] ?? {}, defaultLabels(provider?.props)] as object[];
            const missing = labels.filter((key) => !present.some((each) => key in each));
            if (missing.length === 0) return;
            report(
                `${repositoryId(props)} does not have the ${missing.length === 1 ? "label" : "labels"} ${missing.join(", ")}. Add ${missing.length === 1 ? "it" : "them"} to labels.`,
            );
        },
    };
}

/** The labels that the provider adds to each resource. The configuration of a provider has them as JSON text. */
function defaultLabels(props: Record<string, unknown> | undefined): object {
    const labels = props?.["defaultLabels"] ?? {};
    return (typeof labels === "string" ? JSON.parse(labels) : labels) as object;
}
