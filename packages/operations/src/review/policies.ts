import type { Finding, Preview } from "./events";
import { type Entry, line, quote } from "./entry";
import { list, say, type Sentence, strong } from "./sentence";

/** The findings of policies, mandatory ones first. */
export function getFindings({ findings }: Preview): Entry[] {
    return [...findings]
        .sort((a, b) => rank(a) - rank(b) || compare(a, b))
        .map((finding): Entry => {
            const { policy, pack, resource, message } = finding;
            const where = resource === "" ? say`` : say`, resource ${resource}`;
            const text = say`${label(finding)}: ${policy} (${pack})${where}`;
            return message === "" ? line(text) : quote(text, message);
        });
}

function label({ level, exceptions }: Finding): Sentence {
    if (exceptions.length > 0) {
        return say`excepted by ${list(exceptions.map(({ id, reason }) => `${id}: ${reason}`))}`;
    }
    if (level === "mandatory") return strong(say`mandatory`);
    if (level === "remediate") return say`changed by a policy`;
    return say`advisory`;
}

function rank({ level, exceptions }: Finding): number {
    if (exceptions.length > 0) return 3;
    return level === "mandatory" ? 0 : level === "remediate" ? 1 : 2;
}

function compare(a: Finding, b: Finding): number {
    return `${a.policy} ${a.resource}`.localeCompare(`${b.policy} ${b.resource}`, "en");
}
