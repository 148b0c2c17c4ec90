import type { Context } from "hono";
import { GoogleError } from "./google-api";

const maximumSize = 1000;

/**
 * One page of a list, as the query's `pageSize` and `pageToken` ask for it.
 * https://google.aip.dev/158
 *
 * @param field of the response that has the items; absent if there are none
 * @throws GoogleError INVALID_ARGUMENT
 */
export function page(c: Context, field: string, items: readonly object[]): object {
    const asked = c.req.query("pageSize") ?? c.req.query("page_size") ?? "0";
    const token = c.req.query("pageToken") ?? c.req.query("page_token") ?? "";
    const start = token === "" ? 0 : Number(Buffer.from(token, "base64url").toString());
    if (!/^\d+$/.test(asked)) throw new GoogleError("INVALID_ARGUMENT", `Invalid page size "${asked}".`);
    if (!Number.isInteger(start) || start < 0)
        throw new GoogleError("INVALID_ARGUMENT", "Invalid page token.");
    // A server chooses the size if the caller does not, and limits it.
    const size = Math.min(Number(asked) || 100, maximumSize);
    const shown = items.slice(start, start + size);
    const next = start + size < items.length ? String(start + size) : undefined;
    return {
        ...(shown.length > 0 && { [field]: shown }),
        ...(next !== undefined && { nextPageToken: Buffer.from(next).toString("base64url") }),
    };
}
