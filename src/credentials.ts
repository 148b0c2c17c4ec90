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
    registry: Pick<Registry, "serviceAccounts">,
    index: PythonIndex,
): pulumi.Output<Record<string, Credential>> {
    const credentials = Object.entries(registry.serviceAccounts).flatMap(([id, { currentKey }]) =>
        currentKey === undefined
            ? []
            : [
                  currentKey.keyBase64.apply((keyBase64): [string, Credential] => [
                      id,
                      {
                          generation: currentKey.generation,
                          pipConf: pipConfWithKey(index.indexUrl, { keyBase64 }),
                          pypirc: pypircWithKey(index, { keyBase64 }),
                          keyFile: Buffer.from(keyBase64, "base64").toString("utf8"),
                          clients: filesByTool(index, { form: "key", keyBase64 }),
                      },
                  ]),
              ],
    );
    return pulumi.secret(pulumi.all(credentials).apply((entries) => Object.fromEntries(entries)));
}
