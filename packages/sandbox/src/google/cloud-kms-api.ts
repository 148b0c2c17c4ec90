import { Hono, type Context } from "hono";
import type { Cloud, Project } from "./cloud";
import { GoogleError, permissionDenied } from "./google-api";
import type { Policy } from "./policy";
import { policyMethods } from "./policy-methods";
import type { Answering } from "./request-log";
import type { Permission } from "./roles";
import { requireApi } from "./service-usage-api";

const api = { name: "cloudkms.googleapis.com", title: "Cloud Key Management Service (KMS) API" };

/** A key for encryption. A test adds it: `Cloud.addCryptoKey`. */
export interface CryptoKey {
    readonly project: Project;
    readonly location: string;
    readonly keyRing: string;
    readonly id: string;
    policy: Policy;
}

/** Keys and their policies. https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys */
export function cloudKmsApi(cloud: Cloud): Hono<Answering> {
    const app = new Hono<Answering>();
    const path = "/projects/:project/locations/:location/keyRings/:keyRing/cryptoKeys/:key";

    function keyFor(c: Context<Answering>, permission: Permission): CryptoKey {
        const { project: owner = "", location = "", keyRing = "", key = "" } = c.req.param();
        const project = cloud.project(owner);
        requireApi(project, api);
        const id = key.split(":")[0] ?? "";
        const found = project.cryptoKeys.get(`${location}/${keyRing}/${id}`);
        const name = `projects/${project.id}/locations/${location}/keyRings/${keyRing}/cryptoKeys/${id}`;
        if (!cloud.permits(c.get("caller"), permission, found ?? project)) permissionDenied(permission, name);
        if (found) return found;
        throw new GoogleError("NOT_FOUND", `CryptoKey ${name} not found.`);
    }

    app.get(`${path}{[^/:]+}`, (c) =>
        c.json({ name: cryptoKeyName(keyFor(c, "cloudkms.cryptoKeys.get")), purpose: "ENCRYPT_DECRYPT" }),
    );

    policyMethods(app, cloud, path, "cloudkms.cryptoKeys", keyFor);

    return app;
}

export function cryptoKeyName({ project, location, keyRing, id }: CryptoKey): string {
    return `projects/${project.id}/locations/${location}/keyRings/${keyRing}/cryptoKeys/${id}`;
}

/** The key with a full name; undefined if there is none. */
export function findCryptoKey(cloud: Cloud, name: string): CryptoKey | undefined {
    return [...cloud.projects.values()]
        .flatMap(({ cryptoKeys }) => [...cryptoKeys.values()])
        .find((key) => cryptoKeyName(key) === name);
}
