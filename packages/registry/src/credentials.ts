import * as pulumi from "@pulumi/pulumi";
import type { PythonIndex } from "./clients/client";
import { pipConfWithKey } from "./clients/pip";
import { type FilesByTool, filesByTool } from "./clients/tools";
import { pypircWithKey } from "./clients/twine";
import type { Registry } from "./components/registry";

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
    readonly clients: FilesByTool;
}

/**
 * The client files with a key, by account id, for each service account of a registry that has keys.
 *
 * @returns one output that is secret as a whole
 */
export function keyCredentials(
    registry: Pick<Registry, "currentKeys">,
    index: PythonIndex,
): pulumi.Output<Record<string, KeyCredentialFiles>> {
    const credentials = Object.entries(registry.currentKeys).map(([id, { generation, keyBase64 }]) =>
        keyBase64.apply((key): [string, KeyCredentialFiles] => [
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
