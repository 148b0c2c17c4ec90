/**
 * Key material in a text: the beginning of any key or token, and every piece of the given key files, in PEM, in base64 or
 * percent-encoded, also with line breaks or frames in between.
 *
 * @param keyFiles JSON key files
 * @returns the pieces found; none if the text is clean
 */
export function keyMaterial(text: string, keyFiles: readonly string[] = []): string[] {
    const unwrapped = text
        .replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16)))
        .replace(/[^\w+/.-]/g, "");
    const anyKey = ["-----BEGIN", base64('{\n  "type": "service_account"').slice(0, 32), "ya29."];
    return [...anyKey, ...keyFiles.flatMap(pieces)].filter((piece) => unwrapped.includes(piece));
}

function pieces(keyFile: string): string[] {
    const { private_key: pem } = JSON.parse(keyFile) as { private_key: string };
    const wholeLines = pem.split("\n").filter((line) => line.length === 64);
    // A leak of 80 characters contains one of these pieces, at any offset.
    return [...wholeLines, ...(base64(keyFile).match(/[\w+/]{40}/g) ?? [])];
}

function base64(text: string): string {
    return Buffer.from(text).toString("base64");
}
