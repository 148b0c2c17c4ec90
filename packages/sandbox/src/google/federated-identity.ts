import type { JWTPayload } from "jose";
import { parseCel, type CelInput, type CelVariable } from "./cel";
import type { IdentityProvider } from "./cloud";
import type { Caller } from "./policy";
import { TokenRefusal } from "./token-refusal";
import { identityName } from "./workload-identity-api";

/** Bytes of all mapped values together. */
const maximumBytes = 8192;

/**
 * The caller that the claims of a verified token make, by a provider's mapping and condition.
 * https://cloud.google.com/iam/docs/workload-identity-federation#mapping
 * @throws TokenRefusal
 */
export function federatedCaller({ pool, settings }: IdentityProvider, claims: JWTPayload): Caller {
    const assertion = claims as Record<string, CelInput>;
    const mapped: Record<"google" | "attribute", Record<string, CelInput>> = { google: {}, attribute: {} };
    let failure: TokenRefusal | undefined;
    for (const [key, source] of Object.entries(settings.attributeMapping)) {
        const [kind = "", name = ""] = key.split(".");
        try {
            mapped[kind as "google" | "attribute"][name] = value(key, source, assertion);
        } catch (error) {
            if (!(error instanceof TokenRefusal)) throw error;
            failure ??= error;
        }
    }
    // The service reports a rejected condition first, also where the mapping fails too.
    if (settings.attributeCondition && !admits(settings.attributeCondition, { assertion, ...mapped })) {
        throw new TokenRefusal(
            "unauthorized_client",
            "The given credential is rejected by the attribute condition.",
        );
    }
    if (failure) throw failure;

    const subject = mapped.google["subject"] as string;
    const groups = (mapped.google["groups"] ?? []) as readonly string[];
    const attributes = Object.entries(mapped.attribute) as [string, string][];
    checkSizes(subject, [...groups, ...attributes.map(([, text]) => text)]);
    const members = `iam.googleapis.com/${identityName(pool)}`;
    const principal = `principal://${members}/subject/${subject}`;
    return {
        principal,
        identities: [
            principal,
            ...attributes.map(([name, text]) => `principalSet://${members}/attribute.${name}/${text}`),
            ...groups.map((group) => `principalSet://${members}/group/${group}`),
            `principalSet://${members}/*`,
        ],
    };
}

/**
 * The value of a mapped attribute.
 * @throws TokenRefusal if there is none, or not of the right type
 */
function value(key: string, source: string, assertion: Record<string, CelInput>): CelInput {
    let result: unknown;
    try {
        result = parseCel(source, ["assertion"]).evaluate({ assertion });
    } catch {
        // A claim that is absent. How the service words this is not documented.
    }
    const isText = (each: unknown): each is string => typeof each === "string" && each !== "";
    if (key === "google.groups") {
        if (Array.isArray(result) && result.every(isText)) return result;
        throw new TokenRefusal(
            "unauthorized_client",
            `The mapped attribute '${key}' must be of type LIST<STRING>.`,
        );
    }
    // An empty attribute belongs to no set, but there is no identity without a subject.
    if (isText(result) || (result === "" && key !== "google.subject")) return result;
    throw new TokenRefusal("unauthorized_client", `The mapped attribute '${key}' must be of type STRING.`);
}

function admits(condition: string, variables: Partial<Record<CelVariable, CelInput>>): boolean {
    try {
        return parseCel(condition, ["assertion", "google", "attribute"]).evaluate(variables) === true;
    } catch {
        return false; // Such as a claim that is absent.
    }
}

/** @throws TokenRefusal */
function checkSizes(subject: string, others: readonly string[]) {
    if (Buffer.byteLength(subject) > 127) {
        throw new TokenRefusal(
            "invalid_request",
            "The size of mapped attribute google.subject exceeds the 127 bytes limit. Either modify your attribute " +
                "mapping or the incoming assertion to produce a mapped attribute that is less than 127 bytes.",
        );
    }
    const total = [subject, ...others].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    if (total > maximumBytes) {
        throw new TokenRefusal(
            "invalid_request",
            `The size of the mapped attributes exceeds the ${maximumBytes} bytes limit.`,
        );
    }
}
