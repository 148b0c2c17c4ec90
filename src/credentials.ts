import * as pulumi from "@pulumi/pulumi";
import { pipConfWithKey } from "./clients/pip";
import { pypircWithKey } from "./clients/twine";
import type { Registry } from "./registry";

/** The password form of the client files, for one service account's current key. Every text is a credential. */
export interface Credential {
    /** Name of the key generation. */
    readonly generation: string;
    readonly pipConf: string;
    readonly pypirc: string;
    /** The JSON key file itself, for `GOOGLE_APPLICATION_CREDENTIALS`. */
    readonly keyFile: string;
}

/** The credentials of a registry's accounts that have keys, by account id; secret as a whole. */
export function keyCredentials(registry: Registry): pulumi.Output<Record<string, Credential>> {
    const { indexUrl, uploadUrl } = registry.urls;
    const credentials = Object.entries(registry.serviceAccounts).flatMap(([id, { currentKey }]) =>
        currentKey === undefined
            ? []
            : [
                  currentKey.keyBase64.apply((keyBase64): [string, Credential] => [
                      id,
                      {
                          generation: currentKey.generation,
                          pipConf: pipConfWithKey(indexUrl, { keyBase64 }),
                          pypirc: pypircWithKey({ name: registry.repositoryId, uploadUrl }, { keyBase64 }),
                          keyFile: Buffer.from(keyBase64, "base64").toString("utf8"),
                      },
                  ]),
              ],
    );
    return pulumi.secret(pulumi.all(credentials).apply((entries) => Object.fromEntries(entries)));
}
