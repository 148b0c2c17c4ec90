import type { EntryMistake, Workload } from "../validation/workloads";
import { formatJson } from "../validation/wording";
import {
    federatedIdentity,
    type FederatedWorkload,
    isFederated,
    getIssuer,
    providersFor,
    typeOfIssuer,
} from "./federation";
import { workloadIdentity } from "./identity";
import { claimMistakes } from "./oidc-issuers";
import type { WorkloadSettings } from "./settings";

type Entry = readonly [name: string, workload: Workload];
type Report = (...mistake: EntryMistake) => void;

/** The mistakes that involve more than one key of an entry, or more than one entry. The paths start with the entry's name. */
export function workloadMistakes(
    { workloads }: Pick<WorkloadSettings, "workloads">,
    project: string,
): EntryMistake[] {
    const mistakes: EntryMistake[] = [];
    const report: Report = (...mistake) => {
        mistakes.push(mistake);
    };
    const entries = Object.entries(workloads);
    for (const [name, workload] of entries) {
        checkEntry(workload, (path, ...rest) => {
            report([name, ...path], ...rest);
        });
    }
    checkIdentities(entries, project, report);
    checkIssuers(entries, report);
    return mistakes;
}

function checkEntry(workload: Workload, report: Report): void {
    if (!isFederated(workload)) {
        if (workload.type === "gke" || workload.serviceAccount === undefined) return;
        for (const key of ["project", "projectNumber", "legacy"].filter((each) => each in workload)) {
            report(
                [key],
                undefined,
                "cannot be set with serviceAccount. Allowed: only one of them, because it is for the default account.",
            );
        }
        return;
    }
    const ownType = typeOfIssuer(getIssuer(workload));
    if (ownType !== undefined && ownType !== workload.type) {
        const message = `has its own type. Allowed: any other issuer. Use type: ${ownType}.`;
        report(["issuer"], getIssuer(workload), message);
    }
    if (workload.access !== "reader") {
        checkWriter(workload, report);
    } else if ("events" in workload) {
        report(
            ["events"],
            undefined,
            "cannot be set with access reader. Allowed: remove it, because readers accept every event.",
        );
    }
    if (workload.type === "gitlabCi") checkExactlyOne(workload, "projectId", "namespaceId", report);
    if (workload.type === "hcpTerraform") checkExactlyOne(workload, "workspaceId", "projectId", report);
    else if (workload.type === "oidc") for (const mistake of claimMistakes(workload)) report(...mistake);
    else checkSelector(workload, report);
}

/** Reports what a writer needs, so that only code that was accepted can upload. */
function checkWriter(workload: FederatedWorkload, report: Report): void {
    const { access } = workload;
    const requireKey = (key: string, reason: string) => {
        if (key in workload) return;
        report([key], undefined, `is not set. It is required with access ${access}, because ${reason}`);
    };
    const requireRefOr = (other: string, allowed: string) => {
        if ("ref" in workload || other in workload) return;
        report(
            ["ref"],
            undefined,
            `is not set, and neither is ${other}. One of them is required with access ${access}, because otherwise every branch can upload. Allowed: ref with a full ref, such as refs/heads/main, or ${other} with ${allowed}.`,
        );
    };
    const ref = "Allowed: a full ref, such as refs/heads/main.";
    switch (workload.type) {
        case "githubActions":
            requireRefOr("environment", "an environment that has protection rules");
            break;
        case "gitlabCi":
            if (workload.protectedOnly !== false) break;
            report(
                ["protectedOnly"],
                undefined,
                `cannot be false with access ${access}. Allowed: true, or remove it, because writers only run on protected branches and tags.`,
            );
            break;
        case "circleCi":
            requireKey(
                "vcsOrigin",
                "builds of forks have the same project. Allowed: the repository, as in github.com/acme/core.",
            );
            requireRefOr("contextId", "a context that is restricted");
            break;
        case "azureDevOps":
            requireKey("ref", `otherwise every branch can upload. ${ref}`);
            break;
        case "buildkite":
            requireKey("ref", `builds of pull requests have the same pipeline. ${ref}`);
            if (workload.forkBranchesArePrefixed === true) break;
            report(
                ["forkBranchesArePrefixed"],
                undefined,
                `is not true. It is required with access ${access}, because otherwise a fork's branch main is the same as yours. Turn off "Build pull requests from third-party forked repositories", or turn on "Prefix third-party fork branch names", in the pipeline's settings for its repository. Allowed: true, once this is so.`,
            );
    }
}

function checkExactlyOne(workload: object, first: string, second: string, report: Report): void {
    const found = [first, second].filter((key) => key in workload);
    if (found.length === 1) return;
    const keys = found.length === 0 ? `neither ${first} nor ${second}` : `both ${first} and ${second}`;
    report([], undefined, `has ${keys}. Allowed: one of them.`);
}

/** Reports a mapped value of more than 127 bytes, which Google does not accept. */
function checkSelector(
    workload: FederatedWorkload & {
        readonly ref?: string;
        readonly environment?: string;
        readonly vcsOrigin?: string;
    },
    report: Report,
): void {
    const { selector } = federatedIdentity(workload);
    const value = selector.slice(selector.indexOf("/") + 1);
    const bytes = Buffer.byteLength(value);
    if (bytes <= 127) return;
    // All other parts have a fixed length.
    const { ref = "", environment = "", vcsOrigin = "" } = workload;
    const [longest] = Object.entries({ ref, environment, vcsOrigin }).sort(
        ([, one], [, other]) => other.length - one.length,
    ) as [[key: string, value: string]];
    report(
        [longest[0]],
        longest[1],
        `is too long: the value that Google compares, ${formatJson(value)}, has ${bytes} bytes. Allowed: at most 127.`,
    );
}

/** Reports every workload whose identity an earlier one has. Two grants to one identity would hide what it may do. */
function checkIdentities(entries: readonly Entry[], project: string, report: Report): void {
    const first = new Map<string, string>();
    for (const [name, workload] of entries) {
        const { numberProject, principal } = workloadIdentity(workload, {
            project,
            poolId: "",
            poolProject: "",
        });
        const identity = [numberProject, principal(""), workload.via].join(" ");
        const earlier = first.get(identity);
        first.set(identity, earlier ?? name);
        if (earlier === undefined) continue;
        const message = `is the same identity as workloads.${earlier}. Allowed: each identity once.`;
        report([name], undefined, message);
    }
}

/** Reports mistakes in entries that share an issuer, and so a provider. */
function checkIssuers(entries: readonly Entry[], report: Report): void {
    const groups = new Map<string, [name: string, workload: FederatedWorkload][]>();
    for (const [name, workload] of entries) {
        if (!isFederated(workload)) continue;
        const group = groups.get(getIssuer(workload)) ?? [];
        const [firstName, first] = group[0] ?? [name, workload];
        const differs = (key: string, value: unknown, allowed: string) => {
            const other = `workloads.${firstName}.${key}`;
            report(
                [name, key],
                value,
                `differs from ${other}, which has the same issuer. Allowed: ${allowed}.`,
            );
        };
        const [audiences, firstAudiences] = [workload, first].map((each) =>
            "audiences" in each ? [...new Set(each.audiences)].sort().join("\n") : undefined,
        );
        const [keys, firstKeys] = [workload, first].map((each) =>
            "jwksJson" in each ? each.jwksJson : undefined,
        );
        if (keys !== undefined && firstKeys !== undefined && keys !== firstKeys) {
            differs("jwksJson", undefined, "the same value");
        }
        if (workload.type !== first.type) differs("type", workload.type, "one type for each issuer");
        else if (audiences !== firstAudiences) differs("audiences", undefined, "the same value");
        else groups.set(getIssuer(workload), [...group, [name, workload]]);
    }
    for (const [issuer, group] of groups) {
        const [provider] = providersFor(group.map(([, workload]) => workload));
        const { condition = "", mapping = {} } = provider ?? {};
        const needs = (what: string, count: number, limit: number) => {
            if (count <= limit) return;
            report(
                [group[0]?.[0] ?? ""],
                undefined,
                `and the other workloads of ${issuer} need ${what.replace("N", String(count))}. Allowed: at most ${limit}. Move some of them to another stack.`,
            );
        };
        const attributes = Object.keys(mapping).filter((each) => each.startsWith("attribute."));
        needs("a condition of N bytes", Buffer.byteLength(condition), 4096);
        needs("N attributes", attributes.length, 50);
        needs(
            "a mapping of N bytes",
            Math.max(...Object.values(mapping).map((each) => Buffer.byteLength(each))),
            2048,
        );
    }
}
