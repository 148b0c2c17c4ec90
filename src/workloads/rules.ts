import type { EntryMistake, Workload } from "../validation/workloads";
import { formatJson } from "../validation/wording";
import {
    federatedIdentity,
    type FederatedWorkload,
    isFederated,
    issuerOf,
    providersFor,
    typeOfIssuer,
} from "./federation";
import { workloadIdentity } from "./identity";
import { claimMistakes } from "./oidc-issuers";
import type { WorkloadSettings } from "./settings";

type Entry = readonly [name: string, workload: Workload];

/** The mistakes that involve more than one key of an entry, or more than one entry. The paths start with the entry's name. */
export function workloadMistakes(
    { workloads }: Pick<WorkloadSettings, "workloads">,
    project: string,
): EntryMistake[] {
    const entries = Object.entries(workloads);
    return [
        ...entries.flatMap(([name, workload]) =>
            entryMistakes(workload).map(([path, ...rest]): EntryMistake => [[name, ...path], ...rest]),
        ),
        ...sameIdentity(entries, project),
        ...issuerMistakes(entries),
    ];
}

function entryMistakes(workload: Workload): EntryMistake[] {
    if (isFederated(workload)) {
        return [
            ...issuerTypeMistakes(workload),
            ...(workload.access !== "reader"
                ? writerMistakes(workload)
                : "events" in workload
                  ? [
                        mistake(
                            "events",
                            "cannot be set with access reader. Allowed: remove it, because readers accept every event.",
                        ),
                    ]
                  : []),
            ...federatedMistakes(workload),
        ];
    }
    return workload.type === "gke" || workload.serviceAccount === undefined
        ? []
        : (["project", "projectNumber", "legacy"] as const)
              .filter((key) => key in workload)
              .map((key) =>
                  mistake(
                      key,
                      "cannot be set with serviceAccount. Allowed: only one of them, because it is for the default account.",
                  ),
              );
}

function federatedMistakes(workload: FederatedWorkload): EntryMistake[] {
    switch (workload.type) {
        case "gitlabCi":
            return [...exactlyOne(workload, "projectId", "namespaceId"), ...selectorMistakes(workload)];
        case "hcpTerraform":
            return exactlyOne(workload, "workspaceId", "projectId");
        case "oidc":
            return claimMistakes(workload);
        default:
            return selectorMistakes(workload);
    }
}

/** What a writer needs, so that only code that was accepted can upload. */
function writerMistakes(workload: FederatedWorkload): EntryMistake[] {
    const { access } = workload;
    const required = (key: string, reason: string) =>
        key in workload
            ? []
            : [mistake(key, `is not set. It is required with access ${access}, because ${reason}`)];
    const oneOf = (other: string, reason: string) =>
        "ref" in workload || other in workload
            ? []
            : [
                  mistake(
                      "ref",
                      `is not set, and neither is ${other}. One of them is required with access ${access}, because ${reason}`,
                  ),
              ];
    const ref = "Allowed: a full ref, such as refs/heads/main.";
    switch (workload.type) {
        case "githubActions":
            return oneOf(
                "environment",
                "otherwise every branch can upload. Allowed: ref with a full ref, such as refs/heads/main, or environment with an environment that has protection rules.",
            );
        case "gitlabCi":
            return workload.protectedOnly === false
                ? [
                      mistake(
                          "protectedOnly",
                          `cannot be false with access ${access}. Allowed: true, or remove it, because writers only run on protected branches and tags.`,
                      ),
                  ]
                : [];
        case "circleCi":
            return [
                ...required(
                    "vcsOrigin",
                    "builds of forks have the same project. Allowed: the repository, as in github.com/acme/core.",
                ),
                ...oneOf(
                    "contextId",
                    "otherwise every branch can upload. Allowed: ref with a full ref, such as refs/heads/main, or contextId with a context that is restricted.",
                ),
            ];
        case "azureDevOps":
            return required("ref", `otherwise every branch can upload. ${ref}`);
        case "buildkite":
            return [
                ...required("ref", `builds of pull requests have the same pipeline. ${ref}`),
                ...(workload.forkBranchesArePrefixed === true
                    ? []
                    : [
                          mistake(
                              "forkBranchesArePrefixed",
                              `is not true. It is required with access ${access}, because otherwise a fork's branch main is the same as yours. Turn off "Build pull requests from third-party forked repositories", or turn on "Prefix third-party fork branch names", in the pipeline's settings for its repository. Allowed: true, once this is so.`,
                          ),
                      ]),
            ];
        default:
            return [];
    }
}

function mistake(key: string, message: string): EntryMistake {
    return [[key], undefined, message];
}

function exactlyOne(workload: object, first: string, second: string): EntryMistake[] {
    const found = [first, second].filter((key) => key in workload);
    if (found.length === 1) return [];
    return [
        [
            [],
            undefined,
            `has ${found.length === 0 ? "neither" : "both"} ${first} ${found.length === 0 ? "nor" : "and"} ${second}. Allowed: one of them.`,
        ],
    ];
}

/** Google accepts at most 127 bytes for a mapped value. */
function selectorMistakes(
    workload: FederatedWorkload & {
        readonly ref?: string;
        readonly environment?: string;
        readonly vcsOrigin?: string;
    },
): EntryMistake[] {
    const { selector } = federatedIdentity(workload);
    const value = selector.slice(selector.indexOf("/") + 1);
    const bytes = Buffer.byteLength(value);
    const { ref = "", environment = "", vcsOrigin = "" } = workload;
    // All other parts have a fixed length.
    const longest = [ref, environment, vcsOrigin].reduce((one, each) =>
        each.length > one.length ? each : one,
    );
    const key = longest === ref ? "ref" : longest === environment ? "environment" : "vcsOrigin";
    return bytes <= 127
        ? []
        : [
              [
                  [key],
                  longest,
                  `is too long: the value that Google compares, ${formatJson(value)}, has ${bytes} bytes. Allowed: at most 127.`,
              ],
          ];
}

function issuerTypeMistakes(workload: FederatedWorkload): EntryMistake[] {
    const { type } = workload;
    const ownType = typeOfIssuer(issuerOf(workload));
    return ownType === undefined || ownType === type
        ? []
        : [
              [
                  ["issuer"],
                  issuerOf(workload),
                  `has its own type. Allowed: any other issuer. Use type: ${ownType}.`,
              ],
          ];
}

/** Every workload whose identity an earlier one has. Two grants to one identity would hide what it may do. */
function sameIdentity(entries: readonly Entry[], project: string): EntryMistake[] {
    const first = new Map<string, string>();
    return entries.flatMap(([name, workload]): EntryMistake[] => {
        const context = { project, poolId: "", poolProject: "" };
        const { numberOf, principal } = workloadIdentity(workload, context);
        const identity = [numberOf, principal(""), workload.via].join(" ");
        const earlier = first.get(identity);
        if (earlier !== undefined) {
            return [
                [
                    [name],
                    undefined,
                    `is the same identity as workloads.${earlier}. Allowed: each identity once.`,
                ],
            ];
        }
        first.set(identity, name);
        return [];
    });
}

/** Mistakes in entries that share an issuer, and so a provider. */
function issuerMistakes(entries: readonly Entry[]): EntryMistake[] {
    const mistakes: EntryMistake[] = [];
    const groups = new Map<string, [name: string, workload: FederatedWorkload][]>();
    for (const [name, workload] of entries) {
        if (!isFederated(workload)) continue;
        const group = groups.get(issuerOf(workload)) ?? [];
        const [firstName, first] = group[0] ?? [name, workload];
        const differs = (key: string, value: unknown, allowed: string) =>
            mistakes.push([
                [name, key],
                value,
                `differs from workloads.${firstName}.${key}, which has the same issuer. Allowed: ${allowed}.`,
            ]);
        const [keys, firstKeys] = [workload, first].map((each) =>
            "jwksJson" in each ? each.jwksJson : undefined,
        );
        if (keys !== undefined && firstKeys !== undefined && keys !== firstKeys) {
            differs("jwksJson", undefined, "the same value");
        }
        if (workload.type !== first.type) differs("type", workload.type, "one type for each issuer");
        else groups.set(issuerOf(workload), [...group, [name, workload]]);
    }
    for (const [issuer, group] of groups) {
        const [provider] = providersFor(group.map(([, workload]) => workload));
        const { condition = "", mapping = {} } = provider ?? {};
        const needs = (what: string, count: number, limit: number) => {
            if (count <= limit) return;
            mistakes.push([
                [group[0]?.[0] ?? ""],
                undefined,
                `and the other workloads of ${issuer} need ${what.replace("N", String(count))}. Allowed: at most ${limit}. Move some of them to another stack.`,
            ]);
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
    return mistakes;
}
