import { closest, distance } from "fastest-levenshtein";
import { addressTypes, isAddressType, isPublic, publicPrincipals, splitOnce } from "../names/principals";
import { federatedMistake } from "./federated-principals";

// What is wrong with a principal, and what was probably meant.

/** The accepted forms of a principal, for messages. */
const principalForms =
    "user:, group: or serviceAccount: followed by an email address, domain: followed by a domain, principal://… or principalSet://…";

const federatedTypes = ["principal", "principalSet"];

const domain = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i;
/** What an address can have before the `@`, without quotes, percent-encoding and wildcards. */
const localPart = /^[a-z0-9!#$&'+=^_`{|}~.-]{1,64}$/i;
/** A Kubernetes service account of a GKE workload identity pool, in the older form PROJECT.svc.id.goog[NAMESPACE/NAME]. */
const kubernetesAccount = /^[a-z0-9.:-]+\.svc\.id\.goog\[[a-z0-9-]+\/[a-z0-9.-]+\]$/;
/** The end of the address of a service account, of a user or of Google. */
const serviceAccountEnd = /[.@]gserviceaccount\.com$/i;
/** Hosts that nobody has as a domain of users. */
const googleHost =
    /(?:^|\.)(?:gserviceaccount\.com|svc\.id\.goog|pkg\.dev|googleapis\.com|cloud\.google\.com)$/i;
const federated = /^principal(?:Set)?:\/\/[^\s\p{C}/]+\/(?=\S)(?:[^\s\p{C}]| )+(?<=\S)$/u;

/**
 * The mistake in the form of a principal, with a suggestion if there is one.
 *
 * @param accepts whether a valid principal can be suggested
 * @returns a message that continues after the value; undefined if the form is valid
 *
 * @see https://cloud.google.com/iam/docs/principal-identifiers
 */
export function principalMistake(
    principal: string,
    accepts: (principal: string) => boolean = () => true,
): string | undefined {
    if (isPublic(principal)) {
        return undefined;
    }
    /** The suggestions as a sentence with a leading space; an empty string if none is valid. */
    const suggestion = (values: readonly string[]): string => {
        const valid = values.filter(
            (value) => accepts(value) && principalMistake(value, () => false) === undefined,
        );
        return valid.length === 0
            ? ""
            : ` Did you mean ${valid.map((value) => JSON.stringify(value)).join(" or ")}?`;
    };
    if (federated.test(principal)) {
        return federatedMistake(principal, (meant) => suggestion([meant]));
    }
    const [type, address] = splitOnce(principal);
    if (address === undefined) {
        return `is not an IAM principal. Allowed: ${principalForms}.${suggestion(principalsIn(principal))}`;
    }
    if (!isAddressType(type)) {
        if (federatedTypes.includes(type)) {
            return `is not a federated identity. Allowed: ${type}:// followed by a path, for example ${type}://iam.googleapis.com/….${suggestion(principalsIn(principal))}`;
        }
        const known = closest(type.toLowerCase(), [...addressTypes, ...federatedTypes]);
        const near = distance(type.toLowerCase(), known.toLowerCase()) <= 3;
        const spelled = `${known}:${address}`;
        // The two federated types differ little, and the rest of the principal says which of them it needs.
        const likely = federatedTypes.includes(known)
            ? [spelled, ...federatedTypes.map((each) => `${each}:${address}`)]
            : [spelled];
        const valid = near
            ? likely.find((each) => principalMistake(each, () => false) === undefined)
            : undefined;
        return `has an unknown type. Allowed: ${principalForms}.${suggestion(valid === undefined ? principalsIn(principal) : [valid])}`;
    }
    if (type === "domain") {
        return domain.test(address)
            ? undefined
            : `is not a valid domain. Allowed: domain: followed by a domain, for example domain:example.com.${suggestion(principalsIn(principal))}`;
    }
    if (type === "serviceAccount" && kubernetesAccount.test(address)) {
        return undefined;
    }
    if (type === "serviceAccount" && isEmail(address) && !isServiceAccountAddress(address)) {
        const others = address.endsWith(".iam")
            ? principalsIn(principal)
            : ["user", "group"]
                  .filter(() => !serviceAccountEnd.test(address))
                  .map((each) => `${each}:${address}`);
        return `does not have the address of a service account. Allowed: serviceAccount: followed by an address, for example serviceAccount:name@project.iam.gserviceaccount.com.${suggestion(others)}`;
    }
    if (!isEmail(address)) {
        return `does not have a valid email address. Allowed: ${type}: followed by an address, for example ${type}:name@example.com.${suggestion(principalsIn(principal))}`;
    }
    if (type !== "serviceAccount" && serviceAccountEnd.test(address)) {
        return `has the address of a service account. Allowed: serviceAccount: followed by the address.${suggestion([`serviceAccount:${address}`])}`;
    }
    return undefined;
}

/** The principals that a text can mean: an address with or without what belongs around it, a domain, a pool. */
function principalsIn(text: string): string[] {
    // What IAM writes for a principal that no longer exists.
    if (text.startsWith("deleted:")) return [];
    const [, pool, selector] =
        /(?:^|\/)(projects\/\d+\/locations\/global\/workloadIdentityPools\/[^/\s]+)(?:\/providers\/[^/\s]+)?(?:\/(.+))?$/.exec(
            text,
        ) ?? [];
    if (pool !== undefined) {
        // Without a selector, only the whole pool is known, which is more than a principal of it.
        return selector === undefined
            ? []
            : federatedTypes.map((type) => `${type}://iam.googleapis.com/${pool}/${selector}`);
    }
    const pod = /[a-z0-9.-]+\.svc\.id\.goog\[\S+\]/.exec(text)?.[0];
    if (pod !== undefined) return [`serviceAccount:${pod}`];
    const host = /^(?:domain:)?\s*(?:\*?@|\*\.)?([^\s:/@]+)$/i.exec(text.trim())?.[1];
    if (host !== undefined && domain.test(host)) return googleHost.test(host) ? [] : [`domain:${host}`];
    const [, owner = "googlegroups.com", group] =
        /groups\.google\.com\/(?:a\/([^/\s]+)\/)?g\/([^/?#\s]+)/.exec(text) ?? [];
    const addresses = text.replace(/^-*\w+=/, "").match(/[^\s:<>()/,;"'?]+@[^\s:<>()/,;"'?]+/g) ?? [];
    if (addresses.length > 1) return [];
    const address = group === undefined ? addresses[0]?.replace(/\.$/, "") : `${group}@${owner}`;
    if (address === undefined) {
        const bare = text.replace(/^\w+:/, "").toLowerCase();
        const known = closest(bare, publicPrincipals);
        return distance(bare, known.toLowerCase()) <= 2 ? [known] : [];
    }
    // The address of an account without its usual end.
    const short = /^(?:serviceAccount:)?([a-z0-9-]+@[a-z0-9-]{6,30})(?:\.iam)?$/.exec(text)?.[1];
    if (short !== undefined) return [`serviceAccount:${short}.iam.gserviceaccount.com`];
    if (serviceAccountEnd.test(address)) return [`serviceAccount:${address}`];
    const isGroup =
        group !== undefined || /@googlegroups\.com$/i.test(address) || /\bgroups?\s*[:=]/i.test(text);
    const types = isGroup ? ["group"] : /\busers?\s*[:=]/i.test(text) ? ["user"] : ["user", "group"];
    return types.map((each) => `${each}:${address}`);
}

/** Whether text is the address of a service account, of a user or of Google. */
export function isServiceAccountAddress(text: string): boolean {
    return isEmail(text) && serviceAccountEnd.test(text) && /^[a-z0-9][a-z0-9.-]*@/i.test(text);
}

function isEmail(text: string): boolean {
    const at = text.indexOf("@");
    return at >= 0 && localPart.test(text.slice(0, at)) && domain.test(text.slice(at + 1));
}
