import type { Context } from "hono";
import { randomBytes, randomUUID } from "node:crypto";
import * as v from "valibot";
import type { Permission } from "./roles";

const httpCodes = {
    INVALID_ARGUMENT: 400,
    FAILED_PRECONDITION: 400,
    UNAUTHENTICATED: 401,
    PERMISSION_DENIED: 403,
    NOT_FOUND: 404,
    ALREADY_EXISTS: 409,
    ABORTED: 409,
    INTERNAL: 500,
} as const;

/**
 * An error in the form of every Google API; `body` is the response.
 * https://cloud.google.com/apis/design/errors
 */
export class GoogleError extends Error {
    constructor(
        readonly status: keyof typeof httpCodes,
        message: string,
        readonly details: readonly object[] = [],
    ) {
        super(message);
    }

    get code() {
        return httpCodes[this.status];
    }

    get body(): object {
        const { code, message, status, details } = this;
        return { error: { code, message, status, ...(details.length > 0 && { details }) } };
    }
}

/**
 * Refuses a caller who lacks a permission, in the words of IAM and of most services.
 *
 * @param resource full name, such as `//artifactregistry.googleapis.com/projects/…`, if the service names it
 * @throws GoogleError PERMISSION_DENIED, reason IAM_PERMISSION_DENIED
 */
export function permissionDenied(permission: Permission, resource?: string): never {
    const where = resource === undefined ? "resource" : `resource '${resource}'`;
    throw new GoogleError(
        "PERMISSION_DENIED",
        `Permission '${permission}' denied on ${where} (or it may not exist).`,
        [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                reason: "IAM_PERMISSION_DENIED",
                domain: "iam.googleapis.com",
                metadata: { permission, ...(resource !== undefined && { resource }) },
            },
        ],
    );
}

/**
 * The JSON body of a request, validated with `schema`. A missing body counts as `{}`, because client libraries leave it out.
 * @throws GoogleError INVALID_ARGUMENT, naming the field
 */
export async function requestBody<Schema extends v.GenericSchema>(
    c: Context,
    schema: Schema,
): Promise<v.InferOutput<Schema>> {
    let body: unknown;
    try {
        // In the JSON of Google's APIs, null is a field that is not set. https://protobuf.dev/programming-guides/json/
        body = JSON.parse((await c.req.text()) || "{}", (_, each: unknown) => each ?? undefined);
    } catch {
        throw new GoogleError("INVALID_ARGUMENT", "Invalid JSON payload received.");
    }
    return conforming(schema, body);
}

/**
 * `value`, if it conforms to `schema`.
 * @throws GoogleError INVALID_ARGUMENT, naming the field
 */
export function conforming<Schema extends v.GenericSchema>(
    schema: Schema,
    value: unknown,
): v.InferOutput<Schema> {
    const result = v.safeParse(schema, value, { abortEarly: true });
    if (result.success) return result.output;
    const issue = result.issues[0];
    const field = v.getDotPath(issue);
    throw new GoogleError(
        "INVALID_ARGUMENT",
        `Request contains an invalid argument${field === null ? "" : ` at '${field}'`}: ${issue.message}`,
    );
}

/**
 * A long-running operation that is already done, so that the caller does not poll.
 * https://google.aip.dev/151
 */
export function doneOperation(parent: string, responseType: string, response: object = {}): object {
    return {
        name: `${parent}operations/${randomUUID()}`,
        done: true,
        response: { "@type": `type.googleapis.com/${responseType}`, ...response },
    };
}

/** A version tag for a resource, opaque like Google's. */
export function newEtag(): string {
    return randomBytes(9).toString("base64");
}

type Json = Readonly<Record<string, unknown>>;

/**
 * `current` with the fields of an update mask taken from `wanted`; a masked field that `wanted` lacks is cleared.
 * The mask is a comma-separated list of paths in camelCase or snake_case; without one, every field of `wanted` counts.
 * https://google.aip.dev/134
 */
export function masked(current: Json, wanted: Json, mask: string | undefined): Json {
    const paths = mask ? mask.split(",").map(camelCase) : Object.keys(wanted);
    return paths.reduce((merged, path) => replaced(merged, wanted, path.split(".")), current);
}

/** snake_case to camelCase: the two spellings of a field in Google's JSON. */
export function camelCase(name: string): string {
    return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function replaced(current: Json, wanted: Json, [field = "", ...rest]: readonly string[]): Json {
    const { [field]: before, ...others } = current;
    const value = rest.length === 0 ? wanted[field] : replaced(object(before), object(wanted[field]), rest);
    return value === undefined ? others : { ...others, [field]: value };
}

function object(value: unknown): Json {
    return typeof value === "object" && value !== null ? (value as Json) : {};
}
