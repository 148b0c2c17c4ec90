import { createHash } from "node:crypto";

/** The first digits of the SHA-256 of a text, in hexadecimal. */
export function shortHash(text: string, digits = 8): string {
    return createHash("sha256").update(text).digest("hex").slice(0, digits);
}
