import * as v from "valibot";
import { roles } from "../names/principals";
import * as pasted from "../validation/pasted";
import type { Finder } from "../validation/pasted";
import { isRecord, matching, oneOf, text } from "../validation/schema";
import { spellingSuggestion, suggestion } from "../validation/wording";
import type { Events } from "./claims";

// Schemas of keys that several systems have. Each message continues after the key and its value.

/** The keys that every entry has. */
export const common = {
    access: oneOf(roles),
    via: v.exactOptional(text("the account id of an entry of serviceAccounts")),
};

/** Digits, as text or as a number. YAML makes a number of an id without quotes. */
export const number = (allowed: string, finders: readonly Finder[] = pasted.numbers) =>
    v.pipe(
        v.union(
            [v.string(), v.number()],
            ({ input }) => `${input === undefined ? "is not set" : "is not a number"}. Allowed: ${allowed}.`,
        ),
        // A number that JavaScript rounds would be the id of someone else.
        v.check(
            (value) => typeof value === "string" || Number.isSafeInteger(value),
            `is not an exact number. Write it in quotes. Allowed: ${allowed}.`,
        ),
        v.transform(String),
        regex(/^[1-9]\d{0,18}$/, allowed, finders),
    );
export const required = (allowed: string, pattern: RegExp, finders: readonly Finder[] = []) =>
    v.pipe(setText(allowed), regex(pattern, allowed, finders));
/** Text whose absence is reported as "is not set". */
const setText = (allowed: string) =>
    v.string(({ input }) =>
        input === undefined ? `is not set. Allowed: ${allowed}.` : `is not text. Allowed: ${allowed}.`,
    );
export const regex = (pattern: RegExp, allowed: string, finders: readonly Finder[] = []) =>
    v.regex(
        pattern,
        ({ input }: { input: string }) =>
            `is not valid. Allowed: ${allowed}.${spellingSuggestion(input, pattern, finders, false)}`,
    );

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const uuid = (allowed: string, ...kinds: readonly string[]) =>
    v.pipe(setText(allowed), v.toLowerCase(), regex(uuidPattern, allowed, pasted.uuids(...kinds)));

/** A full ref. Git allows neither control characters nor any of `~^:?*[\` in one. */
const refPattern = /^refs\/(?:heads|tags)\/(?!.*(?:\.\.|\/\/|@\{))[^\s\p{C}~^:?*[\\]+$/u;
/** @param forPattern what to do instead of a pattern */
export const refOr = (forPattern: string) =>
    v.exactOptional(
        v.pipe(
            text("a full ref, such as refs/heads/main"),
            v.regex(
                refPattern,
                ({ input }) =>
                    `is not a full ref. Allowed: refs/heads/BRANCH or refs/tags/TAG, without wildcards.${/^(?!https?:).*[*?[]/.test(input) ? ` For a pattern, ${forPattern}.` : spellingSuggestion(input, refPattern, pasted.refs, false)}`,
            ),
        ),
    );

/** The events that an entry adds to those that can always start a run that uploads. */
export const eventList = ({ always, more }: Events) => {
    const allowed = `Allowed: ${more.join(", ")}, in addition to ${always.join(", ")}, which are always accepted.`;
    return v.exactOptional(
        v.pipe(
            v.array(
                v.pipe(
                    v.string(`is not text. ${allowed}`),
                    v.check(
                        (event) => more.includes(event),
                        ({ input }) =>
                            `cannot be added: ${always.includes(input) ? "it is always accepted" : "a stranger can cause it, or it is not known"}. ${allowed}${suggestion(input, more)}`,
                    ),
                ),
                `is not a list. ${allowed}`,
            ),
            v.minLength(1, `is empty. ${allowed}`),
            v.check(
                (list) => new Set(list).size === list.length,
                "has an event twice. Allowed: each event once.",
            ),
        ),
    );
};
/**
 * The URL of an issuer.
 *
 * @param without what the URL must not have
 */
export const issuerUrl = (pattern: RegExp, without: string) =>
    v.config(
        v.pipe(
            setText("the issuer's URL, exactly as in the claim iss of its tokens"),
            regex(
                pattern,
                `an https:// URL without ${without}, exactly as in the claim iss of its tokens`,
                pasted.issuers,
            ),
            v.check((value) => URL.canParse(value), "is not a URL. Allowed: an https:// URL."),
            v.maxLength(2048, "is too long. Allowed: at most 2048 characters."),
        ),
        { abortPipeEarly: true },
    );
/** No CI system with a type of its own has an issuer that ends with a slash. */
export const systemIssuer = issuerUrl(
    /^(?!.*\/\.well-known\/)https:\/\/[a-z0-9.-]+(?::\d+)?(?:\/[^\s?#]*)?(?<!\/)$/i,
    "query, fragment, /.well-known/ and a slash at its end",
);
export const jwksJson = v.pipe(
    text("the issuer's JWKS as JSON"),
    v.check(
        (value) => isKeySet(value),
        "is not a JWKS. Allowed: JSON with keys, a list of public RSA and EC keys.",
    ),
);

function isKeySet(value: string): boolean {
    try {
        const parsed: unknown = JSON.parse(value);
        const keys = isRecord(parsed) ? parsed["keys"] : undefined;
        return (
            Array.isArray(keys) &&
            keys.length > 0 &&
            // A private key has the member d.
            keys.every((key) => isRecord(key) && ["RSA", "EC"].includes(String(key["kty"])) && !("d" in key))
        );
    } catch {
        return false;
    }
}

export const environment = v.exactOptional(
    matching(
        /^[A-Za-z0-9][A-Za-z0-9 ._/-]*$/,
        "the name of a deployment environment: letters, digits, space, ., _, / and -",
        pasted.environments,
    ),
);
/** Schema of the number of a project. */
export const projectNumber = number(
    "a project number, which `gcloud projects describe PROJECT` prints",
    pasted.projectNumbers,
);
