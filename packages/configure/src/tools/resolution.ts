import type { PythonIndex } from "python-registry/clients/client";
import { normalizedName } from "python-registry/names/package-names";
import { withoutUserInfo } from "../formats/merge";
import type { ProbeRequest, ResolvedPackage } from "./descriptor";

/** A package as a tool takes it. */
export interface Resolution {
    readonly resolved: ResolvedPackage;
    readonly isFromRegistry: boolean;
}

/** Reads what a tool resolved; none if the tool did not write what it writes after a success. */
export function readResolved(read: () => readonly ResolvedPackage[]): readonly ResolvedPackage[] {
    try {
        return read();
    } catch {
        return [];
    }
}

/**
 * Judges what a tool resolved: the first package that it takes from a different index, or the one that it was asked for. Besides
 * that one, internal packages count, such as its dependencies.
 *
 * @returns undefined if the tool did not find the package
 */
export function judge(
    found: readonly ResolvedPackage[],
    { packageName, isInternal }: Pick<ProbeRequest, "packageName" | "isInternal">,
    { indexUrl }: PythonIndex,
): Resolution | undefined {
    const own = found
        .map((each) => ({ ...each, name: normalizedName(each.name) }))
        .filter(({ name }) => name === packageName || isInternal(name));
    const taken = own.filter(({ isSkipped }) => isSkipped !== true);
    const isForeign = ({ url }: ResolvedPackage) =>
        !`${withoutUserInfo(url)}/`.startsWith(withoutUserInfo(indexUrl).replace(/simple$/, ""));
    const foreign = own.find(
        (each) =>
            isForeign(each) &&
            (each.isSkipped !== true ||
                taken.some(({ name, version }) => name === each.name && isHigher(each.version, version))),
    );
    const resolved = foreign ?? taken.find(({ name }) => name === packageName);
    return resolved && { resolved, isFromRegistry: foreign === undefined };
}

/** Whether a tool prefers a version to another one. Tools do not take a pre-release where there are others. */
function isHigher(one: string, other: string): boolean {
    return !/\d(?:a|b|c|rc|\.?dev)\d*/i.test(one) && one.localeCompare(other, "en", { numeric: true }) > 0;
}
