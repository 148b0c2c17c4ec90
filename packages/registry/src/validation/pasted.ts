import { normalizedName } from "../names/package-names";
import { projectOfAccount } from "../names/principals";

// What people paste where one value is expected: a URL, a resource name, a requirement. Each list finds the value in it. Only a
// suggestion comes from it, and only if the value is valid.

/** Finds a value in a text: the first group of a pattern, or the result of a function. */
export type Finder = RegExp | ((pasted: string) => string | undefined);

/** The values that the finders find in a text, in their order. */
export function valuesIn(pasted: string, finders: readonly Finder[]): string[] {
    return finders.flatMap((find) => {
        const found = typeof find === "function" ? find(pasted) : find.exec(pasted)?.[1];
        return found === undefined ? [] : [found];
    });
}

/** The value in `KEY=VALUE`, `KEY: VALUE` and `--OPTION VALUE`, for every setting. */
export const assigned: readonly Finder[] = [
    /^\s*-{0,2}[\w:-]+\s*=\s*["']?([^"']+?)["']?,?\s*$/,
    /^\s*[\w-]+:\s+["']?([^"']+?)["']?,?\s*$/,
    /^\s*--?[\w-]+\s+(\S+)\s*$/,
];

/** The segment of a resource name after that of a collection, as in `projects/PROJECT`. */
const segment = (collection: string) => new RegExp(`(?:^|/)${collection}/([^/?#;\\s]+)`, "i");
const emailPattern = /([^\s:<>()/,;"'?]+@[^\s:<>()/,;"'?]+)/;
/** Text in front of a parenthesis, or in it, as in the lists of the console: `Acme (acme-tools)`. */
const beside: readonly RegExp[] = [/^(\S+)\s*\(/, /\(([^()]+)\)\s*$/];

export const projectIds: readonly Finder[] = [
    segment("projects"),
    /[?&]project=([^&#\s]+)/,
    (pasted) => projectOfAccount(emailPattern.exec(pasted)?.[1] ?? ""),
    /\.pkg\.dev\/([^/\s]+)/,
    /([a-z0-9.:-]+)\.svc\.id\.goog/,
    ...beside,
];

/** The only number in a text. */
export const numbers: readonly Finder[] = [
    /[?&]definitionId=(\d+)/,
    (pasted) => {
        const [first, ...others] = pasted.match(/(?<![\w.-])\d+(?![\w.-])/g) ?? [];
        return others.length === 0 ? first : undefined;
    },
];
export const projectNumbers: readonly Finder[] = [
    segment("projects"),
    /^(?:\w+:)?(?:service-)?(\d+)(?:-compute)?@/,
    ...numbers,
];

export const locationNames: readonly Finder[] = [
    segment("locations"),
    segment("regions"),
    /(?:^|\/)([a-z]+-[a-z]+\d+)-[a-z]$/i,
    /(?:^|[/@])([a-z0-9-]+)-[a-z]+\.pkg\.dev/i,
    /\/artifacts\/[a-z]+\/[^/\s]+\/([^/?#;\s]+)/,
    ...beside,
];

export const repositoryIds: readonly Finder[] = [
    segment("repositories"),
    // The project can be DOMAIN:ID, or DOMAIN/ID as for Docker.
    /\.pkg\.dev\/(?:[^/:\s]+\.[^/:\s]+\/)?[^/\s]+\/([^/?#:@\s]+)/i,
    /\/artifacts\/[a-z]+\/[^/\s]+\/[^/\s]+\/([^/?#;\s]+)/,
    /^[\w.:-]+(?:\/[\w.:-]+)?\/(?!simple\/?$)([\w-]+)\/?$/,
];

/** The key in `KEY=VALUE`. */
export const keys: readonly Finder[] = [/^\s*([^\s:=]+)\s*[:=]/];
export const environments: readonly Finder[] = [/\/deployments\/([^/?#\s]+)$/, /[?&]environment=([^&#\s]+)/];

export const poolIds: readonly Finder[] = [segment("workloadIdentityPools")];
export const accountIds: readonly Finder[] = [/([^\s:/@]+)@/];
export const accountAddresses: readonly Finder[] = [emailPattern, /^serviceAccount:\s*([\w-]+)$/i];

const name = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?";
/** The name in a file's name, in which other characters took the place of hyphens. */
const ofFile = (pattern: RegExp) => (pasted: string) => {
    const found = pattern.exec(pasted)?.[1];
    return found === undefined ? undefined : normalizedName(found);
};
const prefix = "[A-Za-z0-9][A-Za-z0-9._-]*\\*";
export const packageNames: readonly Finder[] = [
    new RegExp(`\\b(?:install|add)\\s+(?:-\\S+\\s+)*["']?(${name})(?=[\\s[<>=!~;@,"']|$)`),
    new RegExp(
        `^\\s*(?:name|packages?|requires|requires-dist|dependencies)\\s*[:=]\\s*\\[?\\s*["']?(${name})`,
        "i",
    ),
    // acme-core>=1, acme-core[extra]; marker, acme-core @ URL, acme-core = "^1.0", acme-core 1.0
    new RegExp(
        `^\\s*["']?(?!git[@+]|pkg:)(${prefix}|${name})["']?\\s*(?:[[(<>=!~;@^{"'#&\\\\]|,\\s*$|:(?:\\s|v?\\d)|\\s-|\\s+v?\\d|$)`,
    ),
    new RegExp(`[#&]egg=(${name})`),
    /^([A-Za-z0-9][\w.-]*)\.git$/,
    // A page of a repository.
    new RegExp(
        `^https?://.*?/(${name})/(?:-/)?(?:tree|blob|issues|pull|merge_requests|releases/tag|tags|commits?|archive)/`,
    ),
    ofFile(/(?:^|[/\\=\s])([A-Za-z0-9._]+)-\d[^/\\-]*(?:-\d[^/\\-]*)?-[^/\\-]+-[^/\\-]+-[^/\\-]+\.whl\b/),
    ofFile(
        /(?:^|[/\\=\s])([A-Za-z0-9._-]+?)-\d[^/\\-]*\.(?:tar\.(?:gz|bz2|xz)|zip|egg|dist-info|egg-info)\b/,
    ),
    new RegExp(`^pkg:pypi/(${name})`),
    new RegExp(`/(?:simple|project|packages|pypi)/(${name})`),
    ofFile(/^\s*(?:from|import)\s+(\w+)/),
    // The last part of a path or of the address of a Git repository.
    new RegExp(
        `^(?:-e\\s+)?(?:[a-z+]+:|git@|\\.{0,2}/|[A-Za-z]:\\\\).*[/\\\\:](?!(?:simple|pypi|legacy)/?$)([A-Za-z0-9][\\w.-]*?)(?:\\.git)?(?:@[^/]+)?(?:[#?].*)?/?$`,
    ),
];

/** What is in front of the owner in the address of a Git repository: a scheme, a user and a host. */
const gitHost = String.raw`^(?:git\+)?(?:[a-z]+:\/\/)?(?:[^/@\s]+@)?[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?[/:](?:api\/v3\/)?(?:repos\/)?`;
/** The first part of the path of a page that belongs to no owner. */
const noOwner = "(?!(?:orgs|users|enterprises|settings|organizations|apps|marketplace|sponsors)(?:[/?#]|$))";
export const gitOwners: readonly Finder[] = [
    new RegExp(`${gitHost}(?:orgs/|users/)?${noOwner}([^/\\s?#]+)`, "i"),
    /^@?([\w-]+)(?:\/|$)/,
];
export const gitRepositories: readonly Finder[] = [
    new RegExp(`${gitHost}${noOwner}[^/\\s]+/([^/\\s?#]+?)(?:\\.git)?(?:[/?#@].*)?$`, "i"),
    /^(?:@?[\w-]+\/)?([\w.-]+?)(?:\.git)?\/?$/,
];
/** `HOST/PATH` of a Git repository. */
export const gitOrigins: readonly Finder[] = [
    (pasted) =>
        pasted
            .trim()
            .replace(/^(?:git\+)?[a-z]+:\/\//i, "")
            .replace(/^[^/@]+@/, "")
            .replace(/^([^/:]+):(?:\d+\/)?/, "$1/")
            .replace(/^[^/]+/, (domain) => domain.toLowerCase())
            .replace(/(?:\.git)?\/?(?:[?#].*)?$/, ""),
];

/** Full refs. */
export const refs: readonly Finder[] = [
    (pasted) => {
        const ref = pasted.trim().replace(/[?#].*$/, "");
        const tag =
            /(?:^|\/)(?:releases\/tag|-\/tags|refs\/tags?|tags?)\/(.+)$/i.exec(ref)?.[1] ??
            /^(v?\d+(?:\.\d+)+\S*)$/.exec(ref)?.[1];
        if (tag !== undefined) return `refs/tags/${tag}`;
        // A branch cannot have the name of a commit or HEAD, and a pull request is no branch.
        if (
            /^(?:refs\/)?(?:pull|merge-requests|remotes)\/(?!origin\/)|^refs\/\w+\/?$|^HEAD$|^[0-9a-f]{40}$/i.test(
                ref,
            )
        )
            return undefined;
        const branch =
            /^https?:.*?\/(?:-\/)?(?:tree|branches|commits)\/(.+)$/.exec(ref)?.[1] ??
            /^\/*(?:refs\/)?(?:heads?\/|(?:remotes\/)?origin\/)?(.+)$/i.exec(ref)?.[1];
        return branch === undefined || /:|^refs\//i.test(branch) ? undefined : `refs/heads/${branch}`;
    },
];

/** The issuer that belongs to the address of its discovery document or keys, or to an address without a scheme. */
function issuer(pasted: string): string | undefined {
    const address = pasted
        .trim()
        .replace(/[?#].*$/, "")
        .replace(/\/\.well-known\/.*$/, "");
    const url = `https://${address.replace(/^(?:https?:)?\/\//i, "")}`;
    return URL.canParse(url) && url.length <= 2048 ? url : undefined;
}
export const issuers: readonly Finder[] = [issuer, (pasted) => issuer(pasted)?.replace(/\/+$/, "")];

const uuid = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
/**
 * The only UUID in a text, or the one of a kind.
 *
 * @param kinds what can be in front of it in a path or a claim: `project` in `org/UUID/project/UUID`
 */
export const uuids = (...kinds: readonly string[]): readonly Finder[] => [
    ...kinds.map((kind) => new RegExp(`(?:^|/)${kind}/(${uuid})`, "i")),
    (pasted) => {
        const found = pasted.match(new RegExp(uuid, "gi")) ?? [];
        return found.length === 1 ? found[0] : undefined;
    },
];
/** Ids of HCP Terraform. */
export const terraformIds = (prefix: string): readonly Finder[] => [
    new RegExp(`\\b(${prefix}-[A-Za-z0-9]+)`),
];
export const namespaces: readonly Finder[] = [
    segment("namespaces"),
    /system:serviceaccount:([^:]+):/,
    /(?:\[|^)([a-z0-9-]+)\//,
];
export const kubernetesAccounts: readonly Finder[] = [
    segment("serviceaccounts"),
    /system:serviceaccount:[^:]+:(\S+)$/,
    /(?:\[|^)[a-z0-9-]+\/([a-z0-9.-]+)\]?$/,
];
