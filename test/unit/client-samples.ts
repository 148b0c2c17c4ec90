import type { PythonIndex } from "../../packages/registry/src/clients/client";
import type { Credential } from "../../packages/registry/src/clients/credential";

// An index and its credentials, as the tests of all tools give them to a client.

export const indexUrl = "https://europe-west1-python.pkg.dev/acme-tools/python/simple/";
export const uploadUrl = "https://europe-west1-python.pkg.dev/acme-tools/python/";

export function indexNamed(name: string): PythonIndex {
    return {
        name,
        indexUrl,
        uploadUrl,
        keyring: "auto",
        publicPackages: "pypi",
        internalPackages: ["acme-core", "acme-lib-*"],
    };
}

/** `++//+g==`: it has each of the three characters of base64 that mean something else in a URL. */
export const keyBase64 = Buffer.from([0xfb, 0xef, 0xff, 0xfa]).toString("base64");

export const credentials = {
    keyring: { form: "keyring" },
    /** The token stays out of the files: the commands ask gcloud for it. */
    tokenless: { form: "token" },
    token: { form: "token", token: "a-token" },
    key: { form: "key", keyBase64 },
} as const satisfies Record<string, Credential>;
