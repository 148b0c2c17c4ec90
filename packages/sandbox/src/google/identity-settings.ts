import { createPublicKey } from "node:crypto";
import * as v from "valibot";
import { parseCel, type CelExpression, type CelVariable } from "./cel";
import { camelCase, conforming, GoogleError, masked } from "./google-api";

/** The issuers whose tokens come from many tenants: a provider must say in its condition whose it admits. */
const sharedIssuers = [
    "https://token.actions.githubusercontent.com",
    "https://gitlab.com",
    "https://app.terraform.io",
    "https://agent.buildkite.com",
];

const profile = {
    displayName: v.exactOptional(
        v.pipe(v.string(), v.maxLength(32, "display name must be less than or equal to 32 characters")),
    ),
    description: v.exactOptional(v.pipe(v.string(), v.maxLength(256))),
    disabled: v.exactOptional(v.boolean()),
};

/** The settings that a caller may give a workload identity pool. */
export const poolSettingsSchema = v.strictObject({
    ...profile,
    mode: v.exactOptional(v.literal("FEDERATION_ONLY")),
});

/** The settings that a caller may give a provider. Of the kinds of providers, the sandbox emulates OpenID Connect. */
export const providerSettingsSchema = v.strictObject({
    ...profile,
    attributeMapping: v.exactOptional(v.record(v.string(), v.string()), {}),
    attributeCondition: v.exactOptional(v.pipe(v.string(), v.maxLength(4096))),
    oidc: v.strictObject({
        issuerUri: v.string(),
        allowedAudiences: v.exactOptional(
            v.pipe(v.array(v.pipe(v.string(), v.maxLength(256))), v.maxLength(10)),
        ),
        jwksJson: v.exactOptional(v.string()),
    }),
});

export type PoolSettings = v.InferOutput<typeof poolSettingsSchema>;
export type ProviderSettings = v.InferOutput<typeof providerSettingsSchema>;

/**
 * The settings after a PATCH. The update mask names the fields to take from `wanted`; a field that `wanted` lacks is cleared.
 * @throws GoogleError INVALID_ARGUMENT
 */
export function updatedIdentitySettings<Schema extends v.GenericSchema>(
    schema: Schema,
    current: Readonly<Record<string, unknown>>,
    wanted: Readonly<Record<string, unknown>>,
    mask: string | undefined,
): v.InferOutput<Schema> {
    if (!mask) throw new GoogleError("INVALID_ARGUMENT", "The update mask is required.");
    const fields = mask.split(",").map((path) => camelCase(path).split(".")[0]);
    const named = Object.fromEntries(Object.entries(wanted).filter(([field]) => fields.includes(field)));
    return conforming(schema, masked(current, named, mask));
}

/**
 * The id of a new pool or provider.
 * @throws GoogleError INVALID_ARGUMENT
 */
export function checkedIdentityId(id: string | undefined): string {
    if (id !== undefined && /^[a-z0-9-]{4,32}$/.test(id) && !id.startsWith("gcp-")) return id;
    throw new GoogleError(
        "INVALID_ARGUMENT",
        `Invalid ID "${id ?? ""}": 4 to 32 of the characters [a-z0-9-], not starting with "gcp-".`,
    );
}

/**
 * Checks the parts of a provider's settings against each other: the issuer, its keys, the mapping and the condition.
 * @throws GoogleError INVALID_ARGUMENT
 */
export function checkProvider({ oidc, attributeMapping, attributeCondition }: ProviderSettings) {
    checkIssuer(oidc.issuerUri);
    if (oidc.jwksJson !== undefined) checkKeys(oidc.jwksJson);
    checkMapping(attributeMapping);
    const condition =
        attributeCondition === undefined || attributeCondition === ""
            ? undefined
            : expression("attribute condition", attributeCondition, ["assertion", "google", "attribute"]);
    if (
        sharedIssuers.includes(oidc.issuerUri.replace(/\/$/, "")) &&
        !(condition && readsClaim(condition, attributeMapping))
    ) {
        throw new GoogleError(
            "INVALID_ARGUMENT",
            "The attribute condition must reference one of the provider's claims. For more information, see " +
                "https://cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines#conditions",
        );
    }
}

function checkIssuer(issuerUri: string) {
    const url = URL.parse(issuerUri);
    if (!url) throw new GoogleError("INVALID_ARGUMENT", "Invalid OIDC issuer URI.");
    if (url.protocol !== "https:") {
        throw new GoogleError("INVALID_ARGUMENT", "Invalid OIDC issuer URI. The scheme must be https.");
    }
}

const keySet = v.object({ keys: v.array(v.looseObject({ kty: v.string() })) });

function checkKeys(jwksJson: string) {
    let keys: v.InferOutput<typeof keySet>["keys"];
    try {
        ({ keys } = v.parse(keySet, JSON.parse(jwksJson)));
    } catch {
        throw new GoogleError("INVALID_ARGUMENT", "Invalid JWKs.");
    }
    for (const key of keys) {
        const supported =
            key.kty === "RSA" || (key.kty === "EC" && (key["crv"] === undefined || key["crv"] === "P-256"));
        if (!supported) {
            throw new GoogleError("INVALID_ARGUMENT", "Invalid JWKs. Only RSA, EC key types are supported.");
        }
        try {
            createPublicKey({ key: key, format: "jwk" });
        } catch {
            throw new GoogleError("INVALID_ARGUMENT", "Input jwks contains corrupted key material.");
        }
    }
}

function checkMapping(mapping: Readonly<Record<string, string>>) {
    if (!mapping["google.subject"]) {
        throw new GoogleError("INVALID_ARGUMENT", "The attribute mapping must contain google.subject.");
    }
    for (const [key, source] of Object.entries(mapping)) {
        if (
            key !== "google.groups" &&
            key !== "google.subject" &&
            !/^attribute\.[a-z0-9_]{1,100}$/.test(key)
        ) {
            throw new GoogleError(
                "INVALID_ARGUMENT",
                `Invalid mapped attribute key: ${key}. Custom mapped attributes must be in format ` +
                    "'attribute.{custom_attribute}'",
            );
        }
        if (source.length > 2048) {
            throw new GoogleError(
                "INVALID_ARGUMENT",
                `The expression for the mapped attribute ${key} has more than 2048 characters.`,
            );
        }
        expression(`mapped attribute ${key}`, source, ["assertion"]);
    }
    const custom = Object.keys(mapping).filter((key) => key.startsWith("attribute."));
    if (custom.length > 50) {
        throw new GoogleError("INVALID_ARGUMENT", "At most 50 custom attributes can be mapped.");
    }
}

/** @throws GoogleError INVALID_ARGUMENT */
function expression(what: string, source: string, variables: readonly CelVariable[]): CelExpression {
    try {
        return parseCel(source, variables);
    } catch (error) {
        throw new GoogleError(
            "INVALID_ARGUMENT",
            `Invalid CEL expression for the ${what}: ${(error as Error).message}`,
        );
    }
}

/** Whether an expression reads a claim, directly or by an attribute that is mapped from one. */
function readsClaim({ fields }: CelExpression, mapping: Readonly<Record<string, string>>): boolean {
    if (fields.has("assertion")) return true;
    return [...fields].some(([variable, names]) =>
        [...names].some((name) => {
            const source = mapping[`${variable}.${name}`];
            return source !== undefined && parseCel(source, ["assertion"]).fields.has("assertion");
        }),
    );
}
