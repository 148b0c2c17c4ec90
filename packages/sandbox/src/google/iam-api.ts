import { Hono, type Context } from "hono";
import { generateKeyPair, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import * as v from "valibot";
import type { AccountKey, Cloud, Project, ServiceAccount } from "./cloud";
import { camelCase, GoogleError, newEtag, permissionDenied, requestBody } from "./google-api";
import { keyFile } from "./key-file";
import { policyJson, policySchema, replacedPolicy } from "./policy";
import { checkMembers } from "./policy-members";
import type { Answering } from "./request-log";
import type { Permission } from "./roles";
import { iamService, requireApi } from "./service-usage-api";

/** A user-managed key never expires. */
const never = new Date("9999-12-31T23:59:59Z");
const maximumKeys = 10;

const profile = v.strictObject({
    displayName: v.optional(v.pipe(v.string(), v.maxBytes(100)), ""),
    description: v.optional(v.pipe(v.string(), v.maxBytes(256)), ""),
    etag: v.optional(v.string()),
});
const updateMask = v.pipe(
    v.string(),
    v.transform((mask) => mask.split(",").map(camelCase)),
    v.array(v.picklist(["displayName", "description"])),
);

const accounts = "/projects/:project/serviceAccounts";

/** Service accounts and their keys. https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts */
export function iamApi(cloud: Cloud): Hono<Answering> {
    const app = new Hono<Answering>();

    /** The project of a request for all accounts, once its caller's permission is checked. */
    function projectFor(c: Context<Answering>, permission: Permission): Project {
        const project = cloud.project(c.req.param("project") ?? "");
        requireApi(project, iamService);
        return cloud.permits(c.get("caller"), permission, project) ? project : permissionDenied(permission);
    }

    /**
     * The account that a path names, by address or unique id, in a project or, with `-`, in any project, once the
     * caller's permission is checked.
     */
    function accountFor(c: Context<Answering>, permission: Permission): ServiceAccount {
        const projectId = c.req.param("project") ?? "";
        const projects = projectId === "-" ? [...cloud.projects.values()] : [cloud.project(projectId)];
        const wanted = c.req.param("account")?.split(":")[0]?.toLowerCase();
        for (const project of projects) {
            for (const account of project.serviceAccounts.values()) {
                if (account.email !== wanted && account.uniqueId !== wanted) continue;
                requireApi(project, iamService);
                return cloud.permits(c.get("caller"), permission, account)
                    ? account
                    : permissionDenied(permission);
            }
        }
        // Only those who could see the account learn that it does not exist.
        if (projectId !== "-") projectFor(c, permission);
        throw new GoogleError("NOT_FOUND", "Unknown service account");
    }

    app.post(accounts, async (c) => {
        const { accountId, serviceAccount } = await requestBody(
            c,
            v.strictObject({
                accountId: v.pipe(v.string(), v.regex(/^[a-z][-a-z0-9]{4,28}[a-z0-9]$/)),
                serviceAccount: v.optional(profile, {}),
            }),
        );
        const project = projectFor(c, "iam.serviceAccounts.create");
        const { displayName, description } = serviceAccount;
        return c.json(accountJson(cloud.addServiceAccount(project, accountId, displayName, description)));
    });

    app.get(accounts, (c) => {
        const project = projectFor(c, "iam.serviceAccounts.list");
        return c.json({ accounts: [...project.serviceAccounts.values()].map(accountJson) });
    });

    app.get(`${accounts}/:account{[^/:]+}`, (c) =>
        c.json(accountJson(accountFor(c, "iam.serviceAccounts.get"))),
    );

    app.patch(`${accounts}/:account{[^/:]+}`, async (c) => {
        const { serviceAccount, updateMask: fields } = await requestBody(
            c,
            v.strictObject({ serviceAccount: profile, updateMask }),
        );
        const account = accountFor(c, "iam.serviceAccounts.update");
        for (const field of fields) account[field] = serviceAccount[field];
        account.etag = newEtag();
        return c.json(accountJson(account));
    });

    app.delete(`${accounts}/:account{[^/:]+}`, (c) => {
        cloud.deleteServiceAccount(accountFor(c, "iam.serviceAccounts.delete"));
        return c.json({});
    });

    for (const disabled of [true, false]) {
        const method = disabled ? "disable" : "enable";
        app.post(`${accounts}/:account{[^/:]+:${method}}`, (c) => {
            accountFor(c, `iam.serviceAccounts.${method}`).disabled = disabled;
            return c.json({});
        });
        app.post(`${accounts}/:account/keys/:key{[^/:]+:${method}}`, (c) => {
            getKey(accountFor(c, `iam.serviceAccountKeys.${method}`), c.req.param("key")).disabled = disabled;
            return c.json({});
        });
    }

    app.post(`${accounts}/:account{[^/:]+:getIamPolicy}`, (c) =>
        c.json(policyJson(accountFor(c, "iam.serviceAccounts.getIamPolicy").policy)),
    );

    app.post(`${accounts}/:account{[^/:]+:setIamPolicy}`, async (c) => {
        const { policy } = await requestBody(
            c,
            v.strictObject({ policy: policySchema, updateMask: v.optional(v.string()) }),
        );
        const account = accountFor(c, "iam.serviceAccounts.setIamPolicy");
        checkMembers(cloud, policy.bindings);
        account.policy = replacedPolicy(account.policy, policy);
        return c.json(policyJson(account.policy));
    });

    app.post(`${accounts}/:account/keys`, async (c) => {
        await requestBody(
            c,
            v.strictObject({
                keyAlgorithm: v.optional(v.picklist(["KEY_ALG_UNSPECIFIED", "KEY_ALG_RSA_2048"])),
                privateKeyType: v.optional(v.picklist(["TYPE_UNSPECIFIED", "TYPE_GOOGLE_CREDENTIALS_FILE"])),
            }),
        );
        // The only asynchronous step comes first, so that concurrent requests cannot exceed the maximum.
        const pair = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
        const account = accountFor(c, "iam.serviceAccountKeys.create");
        if (account.keys.size >= maximumKeys) {
            throw new GoogleError("FAILED_PRECONDITION", "Precondition check failed.");
        }
        const key: AccountKey = {
            id: randomBytes(20).toString("hex"),
            publicKey: pair.publicKey,
            validAfter: new Date(),
            validBefore: never,
            disabled: false,
        };
        account.keys.set(key.id, key);
        const file = keyFile(account, key.id, pair.privateKey);
        return c.json({
            ...keyJson(account, key),
            privateKeyType: "TYPE_GOOGLE_CREDENTIALS_FILE",
            privateKeyData: Buffer.from(file).toString("base64"),
        });
    });

    app.get(`${accounts}/:account/keys`, (c) => {
        const account = accountFor(c, "iam.serviceAccountKeys.list");
        return c.json({ keys: [...account.keys.values()].map((key) => keyJson(account, key)) });
    });

    app.get(`${accounts}/:account/keys/:key{[^/:]+}`, (c) => {
        const account = accountFor(c, "iam.serviceAccountKeys.get");
        const key = getKey(account, c.req.param("key"));
        const type = c.req.query("publicKeyType") ?? "TYPE_NONE";
        return c.json({
            ...keyJson(account, key),
            // For TYPE_X509_PEM_FILE, Google wraps the key in a certificate. Here it is the plain key in PEM for both types.
            ...(type !== "TYPE_NONE" && {
                publicKeyData: Buffer.from(key.publicKey.export({ type: "spki", format: "pem" })).toString(
                    "base64",
                ),
            }),
        });
    });

    app.delete(`${accounts}/:account/keys/:key{[^/:]+}`, (c) => {
        const account = accountFor(c, "iam.serviceAccountKeys.delete");
        account.keys.delete(getKey(account, c.req.param("key")).id);
        return c.json({});
    });

    return app;
}

function getKey(account: ServiceAccount, segment: string): AccountKey {
    const key = account.keys.get(segment.split(":")[0] ?? "");
    if (key) return key;
    throw new GoogleError("NOT_FOUND", "Service account key does not exist.");
}

function accountJson(account: ServiceAccount): object {
    const { projectId, email, uniqueId, displayName, description, etag, disabled } = account;
    return {
        name: `projects/${projectId}/serviceAccounts/${email}`,
        projectId,
        uniqueId,
        email,
        ...(displayName && { displayName }),
        etag,
        ...(description && { description }),
        oauth2ClientId: uniqueId,
        ...(disabled && { disabled }),
    };
}

function keyJson({ projectId, email }: ServiceAccount, key: AccountKey): object {
    return {
        name: `projects/${projectId}/serviceAccounts/${email}/keys/${key.id}`,
        validAfterTime: seconds(key.validAfter),
        validBeforeTime: seconds(key.validBefore),
        keyAlgorithm: "KEY_ALG_RSA_2048",
        keyOrigin: "GOOGLE_PROVIDED",
        keyType: "USER_MANAGED",
        ...(key.disabled && { disabled: true }),
    };
}

/** RFC 3339 in whole seconds, as IAM writes times. */
function seconds(time: Date): string {
    return time.toISOString().replace(/\.\d+Z$/, "Z");
}
