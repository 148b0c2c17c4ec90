import type { ReportEntry } from "../systems/system";
import { getSystem, type Workload } from "../systems/systems";
import { formatJson } from "../validation/wording";
import { getFederation, providersFor, typeOfIssuer } from "./federation";
import { getIdentity } from "./identity";
import type { EntryMistake } from "../validation/entry";
import type { WorkloadSettings } from "./settings";

type NamedWorkload = readonly [name: string, workload: Workload];

/** The mistakes that involve more than one key of an entry, or more than one entry. The paths start with the entry's name. */
export function workloadMistakes(
    { workloads }: Pick<WorkloadSettings, "workloads">,
    project: string,
): EntryMistake[] {
    const mistakes: EntryMistake[] = [];
    const report: ReportEntry = (...mistake) => {
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

function checkEntry(workload: Workload, report: ReportEntry): void {
    const { check } = getSystem(workload.type);
    const federation = getFederation(workload);
    if (federation !== undefined) {
        const issuer = federation.issuer(workload);
        const ownType = typeOfIssuer(issuer);
        if (ownType !== undefined && ownType !== workload.type) {
            report(["issuer"], issuer, `has its own type. Allowed: any other issuer. Use type: ${ownType}.`);
        }
        if (workload.access === "reader" && "events" in workload) {
            report(
                ["events"],
                undefined,
                "cannot be set with access reader. Allowed: remove it, because readers accept every event.",
            );
        }
    }
    check?.(workload, report);
    if (federation !== undefined) checkSelector(workload, federation.selector(workload), report);
}

/** Reports a mapped value of more than 127 bytes, which Google does not accept. */
function checkSelector(workload: Workload, selector: string, report: ReportEntry): void {
    const value = selector.slice(selector.indexOf("/") + 1);
    const bytes = Buffer.byteLength(value);
    if (bytes <= 127) return;
    const [longest = []] = Object.entries<unknown>(workload)
        .filter((each): each is [string, string] => typeof each[1] === "string")
        // Ids have a fixed length.
        .filter(([key, part]) => !/(?:Id|Uuid)$/.test(key) && value.includes(part))
        .sort(([, one], [, other]) => other.length - one.length);
    report(
        longest.slice(0, 1),
        longest[1],
        `is too long: the value that Google compares, ${formatJson(value)}, has ${bytes} bytes. Allowed: at most 127.`,
    );
}

/** Reports every workload whose identity an earlier one has. Two grants to one identity would hide what it may do. */
function checkIdentities(entries: readonly NamedWorkload[], project: string, report: ReportEntry): void {
    const first = new Map<string, string>();
    for (const [name, workload] of entries) {
        const { numberProject, principal } = getIdentity(workload, { project, poolId: "", poolProject: "" });
        const identity = [numberProject, principal(""), workload.via].join(" ");
        const earlier = first.get(identity);
        first.set(identity, earlier ?? name);
        if (earlier === undefined) continue;
        const message = `is the same identity as workloads.${earlier}. Allowed: each identity once.`;
        report([name], undefined, message);
    }
}

/** Reports mistakes in entries that share an issuer, and so a provider. */
function checkIssuers(entries: readonly NamedWorkload[], report: ReportEntry): void {
    const groups = new Map<string, NamedWorkload[]>();
    for (const [name, workload] of entries) {
        const issuer = getFederation(workload)?.issuer(workload);
        if (issuer === undefined) continue;
        const group = groups.get(issuer) ?? [];
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
        else groups.set(issuer, [...group, [name, workload]]);
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
