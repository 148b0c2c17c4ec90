import * as pulumi from "@pulumi/pulumi";
import type { PythonIndex } from "../clients/client";
import { pipConfWithKey } from "../clients/pip";
import { filesByTool } from "../clients/tools";
import { pypircWithKey } from "../clients/twine";
import type { ServiceAccountKey } from "./service-account";

/** The client files with the current key of one service account as the password. Every text is a credential. */
export interface KeyCredentialFiles {
    /** Name of the key generation. */
    readonly generation: string;
    /** Content of `pip.conf`. */
    readonly pipConf: string;
    /** Content of `.pypirc`. */
    readonly pypirc: string;
    /** Content of the JSON key file, for `GOOGLE_APPLICATION_CREDENTIALS`. */
    readonly keyFile: string;
    /** The files of the other tools, by tool and file name. */
    readonly clients: Record<string, Record<string, string>>;
}

/**
 * The client files with a key.
 *
 * @param keys the current key of each account that has keys, by account id
 * @returns the files by account id, in one output that is secret as a whole
 */
export function renderCredentials(
    keys: Readonly<Record<string, ServiceAccountKey>>,
    index: PythonIndex,
): pulumi.Output<Record<string, KeyCredentialFiles>> {
    const credentials = Object.entries(keys).map(([id, { generation, keyBase64 }]) =>
        keyBase64.apply((key): [string, KeyCredentialFiles] => [
            id,
            {
                generation,
                pipConf: pipConfWithKey(index, { keyBase64: key }),
                pypirc: pypircWithKey(index, { keyBase64: key }),
                keyFile: Buffer.from(key, "base64").toString("utf8"),
                clients: filesByTool(index, { form: "key", keyBase64: key }),
            },
        ]),
    );
    return pulumi.secret(pulumi.all(credentials).apply((entries) => Object.fromEntries(entries)));
}
