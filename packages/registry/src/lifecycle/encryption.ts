import { parseEntry } from "../validation/entry";
import { matching } from "../validation/schema";
import type { ReportMistake } from "../validation/wording";
import type { EncryptionConfig } from "./lifecycle-config";

const keyPattern =
    /^projects\/[a-z0-9.:-]+\/locations\/([a-z0-9-]+)\/keyRings\/[A-Za-z0-9_-]{1,63}\/cryptoKeys\/[A-Za-z0-9_-]{1,63}$/;
const encryptionEntries = {
    kmsKey: matching(
        keyPattern,
        "the resource name of a Cloud KMS key, projects/PROJECT/locations/LOCATION/keyRings/KEY_RING/cryptoKeys/KEY",
        [/(projects\/[^/\s]+\/locations\/[^/\s]+\/keyRings\/[^/\s]+\/cryptoKeys\/[\w-]+)/],
    ),
};

/**
 * Parses `encryption`.
 *
 * @param location of the repository. Cloud KMS has the same names for regions and for us, europe and asia.
 */
export function parseEncryption(
    given: unknown,
    location: unknown,
    report: ReportMistake,
): EncryptionConfig | undefined {
    const { value, mistakes } = parseEntry(encryptionEntries, given, "of encryption");
    for (const [path, input, message] of mistakes) report(["encryption", ...path], input, message);
    if (value === undefined) return undefined;
    const found = keyPattern.exec(value.kmsKey)?.[1];
    if (typeof location === "string" && found !== location) {
        report(
            ["encryption", "kmsKey"],
            value.kmsKey,
            `is in ${found ?? ""}. Allowed: a key in ${location}, the location of the repository.`,
        );
    }
    return value;
}
