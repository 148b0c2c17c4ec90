import { decodeProtectedHeader, errors, jwtVerify } from "jose";
import type { Cloud } from "./cloud";
import { googleAccount, type Caller } from "./policy";
import { cloudPlatform } from "./tokens";

/**
 * The service account that signed a bearer token itself, for one API or for cloud-platform; undefined if the token is not
 * valid. Google's client libraries send such a token instead of an access token.
 * https://developers.google.com/identity/protocols/oauth2/service-account#jwt-auth
 *
 * @param host of the API
 */
export async function findSigner(cloud: Cloud, token: string, host: string): Promise<Caller | undefined> {
    try {
        const { kid = "" } = decodeProtectedHeader(token);
        const found = cloud.usableKey(kid);
        if (!found) return undefined;
        const { email } = found.account;
        const { payload } = await jwtVerify(token, found.key.publicKey, {
            algorithms: ["RS256"],
            issuer: email,
            subject: email,
            requiredClaims: ["iat", "exp"],
            maxTokenAge: 3600,
            clockTolerance: 30,
        });
        const scopes = typeof payload["scope"] === "string" ? payload["scope"].split(" ") : [];
        const isForApi =
            payload.aud === undefined ? scopes.includes(cloudPlatform) : payload.aud === `https://${host}/`;
        return isForApi ? googleAccount(`serviceAccount:${email}`) : undefined;
    } catch (error) {
        // Also a token of another kind, such as an access token that is unknown.
        if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
        throw error;
    }
}
