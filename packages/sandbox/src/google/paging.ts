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
    const start = token === "" ? "0" : Buffer.from(token, "base64url").toString();
    if (!/^\d+$/.test(asked)) throw new GoogleError("INVALID_ARGUMENT", `Invalid page size "${asked}".`);
    if (!/^\d+$/.test(start)) throw new GoogleError("INVALID_ARGUMENT", "Invalid page token.");
    // A server chooses the size if the caller does not, and limits it.
    const size = Math.min(Number(asked) || 100, maximumSize);
    const end = Number(start) + size;
    const shown = items.slice(Number(start), end);
    const next = end < items.length ? String(end) : undefined;
    return {
        ...(shown.length > 0 && { [field]: shown }),
        ...(next !== undefined && { nextPageToken: Buffer.from(next).toString("base64url") }),
    };
}
