import type { PolicyResource, StackValidationPolicy } from "@pulumi/policy";
import { known } from "../grants";
import { texts } from "../parameters";
import { repositoryId } from "../repositories";
import { isKind } from "../resource-types";

interface Parameters {
    readonly exceptRepositories?: readonly string[];
}

/** Refuses remote repositories of Python packages without a rule that keeps packages out. */
export function mirrorRules(name: string): StackValidationPolicy {
    return {
        name,
        description: "Mirrors of public Python packages keep out the names of internal packages.",
        enforcementLevel: "mandatory",
        severity: "high",
        configSchema: {
            properties: {
                exceptRepositories: texts("Ids of remote repositories that may pass on every package."),
            },
        },
        validateStack: (args, report) => {
            const { exceptRepositories = [] } = args.getConfig<Parameters>();
            const denying = args.resources.filter(
                ({ type, props }) =>
                    isKind("rule", type) && known(() => props["action"] as unknown) === "DENY",
            );
            for (const resource of args.resources.filter(isMirror)) {
                const id = text(resource, "repositoryId");
                if (id !== undefined && exceptRepositories.includes(id)) continue;
                if (denying.some((rule) => concerns(rule, resource))) continue;
                report(
                    `${repositoryId(resource.props)} passes on every package of its upstream, also one with the name of an internal package: tools take the highest version. Add a DENY rule for each internal name, or one for all and ALLOW rules. If nobody uses it beside internal packages, add it to the parameter exceptRepositories of ${name}.`,
                    resource.urn,
                );
            }
        },
    };
}

function isMirror(resource: PolicyResource): boolean {
    return (
        isKind("repository", resource.type) &&
        text(resource, "mode")?.toUpperCase() === "REMOTE_REPOSITORY" &&
        text(resource, "format")?.toUpperCase() === "PYTHON"
    );
}

/** Whether a rule is for a repository, as far as a preview knows. */
function concerns(rule: PolicyResource, repository: PolicyResource): boolean {
    const same = (key: string) => {
        const [one, other] = [text(rule, key), text(repository, key)];
        return one === undefined || other === undefined || one === other;
    };
    // A rule can have the repository's id or its whole name.
    const id = text(rule, "repositoryId")?.split("/").at(-1);
    const own = text(repository, "repositoryId");
    const depends = Object.values(rule.propertyDependencies).flat().includes(repository);
    return depends || (id !== undefined && id === own && same("location") && same("project"));
}

/** A property that is text; undefined if it is not set, or a preview does not know it. */
function text({ props }: PolicyResource, key: string): string | undefined {
    const value = known(() => props[key] as unknown);
    return typeof value === "string" ? value : undefined;
}
