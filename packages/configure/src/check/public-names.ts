import { PublicPackages, type PythonIndex } from "python-registry/clients/client";
import type { Network, Response } from "../machine/network";
import { type Finding, notice, skipped } from "./findings";

/** https://docs.pypi.org/api/index-api/ */
const publicIndex = "https://pypi.org/simple/";
/** What PyPI answers with if asked for it. A page with which a firewall answers in its place has a different type. */
const indexType = "application/vnd.pypi.simple.v1+json";

/** Requests at a time. */
const parallel = 8;
/** After this, no further request is sent. */
const limitSeconds = 60;

/** Whether the public index has a project with a name, or why that is not known. */
type Answer = "taken" | "free" | { readonly notAsked: string };

/**
 * Whether PyPI has projects with the names in internalPackages: one request for each exact name, without a credential. A prefix cannot be
 * asked for.
 */
export async function publicNameFindings(
    { internalPackages, publicPackages }: Pick<PythonIndex, "internalPackages" | "publicPackages">,
    network: Pick<Network, "head">,
    isOffline: boolean,
): Promise<Finding[]> {
    const names = internalPackages.filter((name) => !name.endsWith("*"));
    const prefixes = internalPackages.filter((name) => name.endsWith("*"));
    const answers = isOffline
        ? new Map(names.map((name): [string, Answer] => [name, { notAsked: "--offline" }]))
        : await askAll(names, network);
    const having = (answer: Answer) => names.filter((name) => answers.get(name) === answer);
    const [taken, free] = [having("taken"), having("free")];
    const reasons = names.flatMap((name) => {
        const answer = answers.get(name);
        return typeof answer === "object" ? [{ name, reason: answer.notAsked }] : [];
    });
    return [
        ...(taken.length === 0
            ? []
            : [
                  notice(
                      "names",
                      `PyPI has ${list(taken)} too: yours, or someone else's`,
                      ifTaken[publicPackages],
                  ),
              ]),
        ...(free.length === 0
            ? []
            : [
                  notice(
                      "names",
                      `PyPI does not have ${list(free)}: anyone can register it there`,
                      ifFree[publicPackages],
                  ),
              ]),
        ...[...new Set(reasons.map(({ reason }) => reason))].map((reason) => {
            const ofReason = reasons.filter((each) => each.reason === reason).map(({ name }) => name);
            return skipped("names", `PyPI could not be asked for ${list(ofReason)}: ${reason}`);
        }),
        ...(prefixes.length === 0
            ? []
            : [skipped("names", `PyPI cannot be asked for prefixes: ${list(prefixes)}`)]),
    ];
}

const page = "docs/dependency-confusion.md";
const onlyRegistry = "The files of the tools name only the registry";

/** What to do about a name that PyPI has. */
const ifTaken: Readonly<Record<PublicPackages, string>> = {
    [PublicPackages.pypi]:
        "If it is not yours, a tool can install it in the place of yours, as pip does with the highest version. Set publicPackages: none, or " +
        `install by hashes. ${page} says what each tool does`,
    [PublicPackages.mirror]:
        `${onlyRegistry}, and a download rule keeps the public package out, if the service honours it: npm run try-download-rules tries that. ` +
        "See docs/public-packages.md",
    [PublicPackages.none]: `${onlyRegistry}, so they do not install it. Another index in a tool's settings can have it: see ${page}`,
};

/** What to do about a name that PyPI does not have. */
const ifFree: Readonly<Record<PublicPackages, string>> = {
    [PublicPackages.pypi]: `Register it, so that no one else does, or set publicPackages: none. ${page} says what each tool does`,
    [PublicPackages.mirror]: `${onlyRegistry}, and a download rule would keep the public package out. See docs/public-packages.md`,
    [PublicPackages.none]: `${onlyRegistry}, so they would not install it`,
};

async function askAll(
    names: readonly string[],
    network: Pick<Network, "head">,
): Promise<ReadonlyMap<string, Answer>> {
    const answers = new Map<string, Answer>();
    const end = Date.now() + limitSeconds * 1000;
    /** Why the other names are not asked for. */
    let stopped: Answer | undefined;
    const queue = names.values();
    const work = async () => {
        for (const name of queue) {
            if (Date.now() >= end) stopped ??= { notAsked: `it took more than ${limitSeconds} seconds` };
            if (stopped !== undefined) {
                answers.set(name, stopped);
                continue;
            }
            const response = await network.head(`${publicIndex}${name}/`, indexType);
            const answer = interpret(response);
            answers.set(name, answer);
            // Without a connection, or if PyPI wants fewer requests, the next answer would be the same.
            if ("failure" in response || response.status >= 429) stopped ??= answer;
        }
    };
    await Promise.all(Array.from({ length: parallel }, work));
    return answers;
}

/** The name was normalized: for every other form, PyPI redirects. */
function interpret(response: Response): Answer {
    if ("failure" in response) return { notAsked: `${response.failure}. ${response.fix}` };
    const { status, headers } = response;
    if (status === 404) return "free";
    if (status !== 200) return { notAsked: `it answers ${status}` };
    return headers["content-type"]?.startsWith(indexType) === true
        ? "taken"
        : { notAsked: "the answer is not from an index. Check the proxy" };
}

/** Names in a sentence; of many, the first ones. */
function list(names: readonly string[]): string {
    const shown = names.slice(0, 20);
    const more = names.length - shown.length;
    return shown.join(", ") + (more === 0 ? "" : ` and ${more} more`);
}
