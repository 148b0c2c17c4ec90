import type { EntryMistake, Workload, WorkloadOf } from "../validation/workloads";
import { formatJson } from "../validation/wording";
import {
    federatedIdentity,
    type FederatedWorkload,
    isFederated,
    isReservedAttribute,
    issuerOf,
    providersFor,
    sharedIssuers,
} from "./federation";
import { workloadIdentity } from "./identity";
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
    switch (workload.type) {
        case "githubActions":
            return selectorMistakes(workload);
        case "gitlabCi":
            return [...exactlyOne(workload, "projectId", "namespaceId"), ...selectorMistakes(workload)];
        case "hcpTerraform":
            return exactlyOne(workload, "workspaceId", "projectId");
        case "circleCi":
            return [
                ...requiredForWriters(
                    workload,
                    "vcsOrigin",
                    "builds of forks have the same project. Allowed: the repository, as in github.com/acme/core.",
                ),
                ...selectorMistakes(workload),
            ];
        case "buildkite":
            return [
                ...requiredForWriters(
                    workload,
                    "ref",
                    "builds of pull requests have the same pipeline. Allowed: a full ref, such as refs/heads/main.",
                ),
                ...selectorMistakes(workload),
            ];
        case "azureDevOps":
            return selectorMistakes(workload);
        case "oidc":
            return oidcMistakes(workload);
        case "gke":
            return [];
        default:
            return workload.serviceAccount === undefined
                ? []
                : (["project", "projectNumber", "legacy"] as const)
                      .filter((key) => key in workload)
                      .map((key) => [
                          [key],
                          undefined,
                          "cannot be set with serviceAccount. Allowed: only one of them, because it is for the default account.",
                      ]);
    }
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

function requiredForWriters(workload: Workload, key: string, reason: string): EntryMistake[] {
    return workload.access === "reader" || key in workload
        ? []
        : [
              [
                  [key],
                  undefined,
                  `is not set. It is required with access ${workload.access}, because ${reason}`,
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

function oidcMistakes(workload: WorkloadOf<"oidc">): EntryMistake[] {
    const { issuer, mapping, attribute } = workload;
    const type = sharedIssuers.get(issuer);
    const reserved = Object.keys(mapping).filter((name) =>
        isReservedAttribute(name.replace(/^attribute\./, "")),
    );
    const name = attribute?.slice(0, attribute.indexOf("/"));
    return [
        ...(type === undefined
            ? []
            : [
                  [
                      ["issuer"],
                      issuer,
                      `has its own type. Allowed: any other issuer. Use type: ${type}.`,
                  ] as const,
              ]),
        ...reserved.map((key): EntryMistake => [
            ["mapping", key],
            undefined,
            "is an attribute that this program maps itself. Allowed: any other name.",
        ]),
        ...exactlyOne(workload, "subject", "attribute"),
        ...(name !== undefined && !(`attribute.${name}` in mapping)
            ? [
                  [
                      ["attribute"],
                      attribute,
                      `is not mapped: mapping has no attribute.${name}. Allowed: an attribute of mapping.`,
                  ] as const,
              ]
            : []),
        ...oidcConditionModule().expressionMistakes(workload),
    ];
}

/** Only a stack with an `oidc` workload loads this module, and the evaluator with it. */
function oidcConditionModule(): typeof import("./oidc-condition") {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would make the settings asynchronous
    return require("./oidc-condition") as typeof import("./oidc-condition");
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
    const federated = entries.filter((entry): entry is [string, FederatedWorkload] => isFederated(entry[1]));
    const firstOf = new Map<string, [name: string, workload: FederatedWorkload]>();
    for (const [name, workload] of federated) {
        const issuer = issuerOf(workload);
        const [firstName, first] = firstOf.get(issuer) ?? [name, workload];
        firstOf.set(issuer, [firstName, first]);
        const differs = (key: string, value: unknown) =>
            mistakes.push([
                [name, key],
                value,
                `differs from workloads.${firstName}.${key}, which has the same issuer. Allowed: the same value.`,
            ]);
        if (workload.type !== first.type) {
            mistakes.push([
                [name, "type"],
                workload.type,
                `differs from workloads.${firstName}.type, which has the same issuer. Allowed: one type for each issuer.`,
            ]);
        }
        const keys = [workload, first].map((each) => ("jwksJson" in each ? each.jwksJson : undefined));
        if (keys[0] !== undefined && keys[1] !== undefined && keys[0] !== keys[1])
            differs("jwksJson", undefined);
        if (workload.type !== "oidc" || first.type !== "oidc") continue;
        for (const [attribute, expression] of Object.entries(workload.mapping)) {
            const others = federated.flatMap(([, each]) =>
                each.type === "oidc" && each.issuer === issuer ? [each.mapping[attribute]] : [],
            );
            if (others.some((other) => other !== undefined && other !== expression)) {
                mistakes.push([
                    [name, "mapping", attribute],
                    expression,
                    "differs from another workload with the same issuer. Allowed: the same expression.",
                ]);
            }
        }
    }
    for (const { issuer, condition, mapping } of providersFor(entries.map(([, workload]) => workload))) {
        const [name] = firstOf.get(issuer) ?? [""];
        const needs = (what: string, source: string, limit: number) => {
            const bytes = Buffer.byteLength(source);
            if (bytes <= limit) return;
            mistakes.push([
                [name],
                undefined,
                `and the other workloads of ${issuer} need ${what} of ${bytes} bytes. Allowed: at most ${limit}. Move some of them to another stack.`,
            ]);
        };
        needs("a condition", condition, 4096);
        const attributes = Object.keys(mapping).filter((each) => each.startsWith("attribute."));
        if (attributes.length > 50) {
            mistakes.push([
                [name],
                undefined,
                `and the other workloads of ${issuer} need ${attributes.length} attributes. Allowed: at most 50.`,
            ]);
        }
        const longest = Object.values(mapping).reduce((one, each) => (each.length > one.length ? each : one));
        needs("a mapping", longest, 2048);
    }
    return mistakes;
}
