import * as pulumi from "@pulumi/pulumi";
import type { PythonIndex } from "./clients/client";
import { pipConfWithKey } from "./clients/pip";
import { type FilesByTool, filesByTool } from "./clients/tools";
import { pypircWithKey } from "./clients/twine";
import type { Registry } from "./registry/registry";

/** The password form of the client files, for one service account's current key. Every text is a credential. */
export interface Credential {
    /** Name of the key generation. */
    readonly generation: string;
    readonly pipConf: string;
    readonly pypirc: string;
    /** The JSON key file itself, for `GOOGLE_APPLICATION_CREDENTIALS`. */
    readonly keyFile: string;
    /** The other tools' files, with the key as the password. */
    readonly clients: FilesByTool;
}

/** The credentials of a registry's accounts that have keys, by account id; secret as a whole. */
export function keyCredentials(
    registry: Pick<Registry, "currentKeys">,
    index: PythonIndex,
): pulumi.Output<Record<string, Credential>> {
    const credentials = Object.entries(registry.currentKeys).map(([id, { generation, keyBase64 }]) =>
        keyBase64.apply((key): [string, Credential] => [
            id,
            {
                generation,
                pipConf: pipConfWithKey(index.indexUrl, { keyBase64: key }),
                pypirc: pypircWithKey(index, { keyBase64: key }),
                keyFile: Buffer.from(key, "base64").toString("utf8"),
                clients: filesByTool(index, { form: "key", keyBase64: key }),
            },
        ]),
    );
    return pulumi.secret(pulumi.all(credentials).apply((entries) => Object.fromEntries(entries)));
}
