import { Hono, type Context } from "hono";
import * as v from "valibot";
import type { Cloud, IdentityProvider, Project, WorkloadIdentityPool } from "./cloud";
import { doneOperation, GoogleError, permissionDenied, requestBody } from "./google-api";
import {
    checkedIdentityId,
    checkProvider,
    poolSettingsSchema,
    providerSettingsSchema,
    updatedIdentitySettings,
} from "./identity-settings";
import type { Answering } from "./request-log";
import type { Permission } from "./roles";
import { iamService, requireApi } from "./service-usage-api";

const pools = "/projects/:project/locations/global/workloadIdentityPools";
const providers = `${pools}/:pool{[^/:]+}/providers`;

/** A deleted pool or provider can be restored for 30 days, and its id cannot be used again. */
const restorableMilliseconds = 30 * 24 * 3600 * 1000;

/**
 * Workload identity pools and their providers. All changes are long-running operations, and a deletion only marks.
 * https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools
 */
export function workloadIdentityApi(cloud: Cloud): Hono<Answering> {
    const app = new Hono<Answering>();

    /** The project of a request, once its caller's permission is checked. */
    function projectFor(c: Context<Answering>, permission: Permission): Project {
        const project = cloud.project(c.req.param("project") ?? "");
        requireApi(project, iamService);
        if (cloud.permits(c.get("caller"), permission, project)) return project;
        const [name] = /projects\/[^:]*/.exec(c.req.path) ?? [];
        return permissionDenied(permission, `//iam.googleapis.com/${name}`);
    }

    function poolFor(c: Context<Answering>, permission: Permission): WorkloadIdentityPool {
        const pool = projectFor(c, permission).workloadIdentityPools.get(getId(c.req.param("pool")));
        return pool ?? notFound();
    }

    function providerFor(c: Context<Answering>, permission: Permission): IdentityProvider {
        const pool = poolFor(c, permission);
        return pool.providers.get(getId(c.req.param("provider"))) ?? notFound();
    }

    app.post(pools, async (c) => {
        const settings = await requestBody(c, poolSettingsSchema);
        const project = projectFor(c, "iam.workloadIdentityPools.create");
        const id = checkedIdentityId(c.req.query("workloadIdentityPoolId"));
        if (project.workloadIdentityPools.has(id)) alreadyExists();
        const pool: WorkloadIdentityPool = {
            project,
            id,
            settings,
            expires: undefined,
            providers: new Map(),
        };
        project.workloadIdentityPools.set(id, pool);
        return c.json(changed(pool));
    });

    app.get(pools, (c) => {
        const { workloadIdentityPools } = projectFor(c, "iam.workloadIdentityPools.list");
        return c.json({ workloadIdentityPools: listed(c, workloadIdentityPools).map(identityJson) });
    });

    app.get(`${pools}/:pool{[^/:]+}`, (c) =>
        c.json(identityJson(poolFor(c, "iam.workloadIdentityPools.get"))),
    );

    app.get(`${pools}/:pool{[^/:]+:listAttestationRules}`, (c) => {
        poolFor(c, "iam.workloadIdentityPools.getAttestationRules");
        return c.json({});
    });

    app.patch(`${pools}/:pool{[^/:]+}`, async (c) => {
        const wanted = await requestBody(c, v.record(v.string(), v.unknown()));
        const pool = undeleted(poolFor(c, "iam.workloadIdentityPools.update"));
        const mask = c.req.query("updateMask");
        pool.settings = updatedIdentitySettings(poolSettingsSchema, pool.settings, wanted, mask);
        return c.json(changed(pool));
    });

    app.delete(`${pools}/:pool{[^/:]+}`, (c) =>
        c.json(remove(poolFor(c, "iam.workloadIdentityPools.delete"))),
    );

    app.post(`${pools}/:pool{[^/:]+:undelete}`, (c) =>
        c.json(restore(poolFor(c, "iam.workloadIdentityPools.undelete"))),
    );

    app.post(providers, async (c) => {
        const settings = await requestBody(c, providerSettingsSchema);
        const pool = undeleted(poolFor(c, "iam.workloadIdentityPoolProviders.create"));
        const id = checkedIdentityId(c.req.query("workloadIdentityPoolProviderId"));
        checkProvider(settings);
        if (pool.providers.has(id)) alreadyExists();
        const provider: IdentityProvider = { pool, id, settings, expires: undefined };
        pool.providers.set(id, provider);
        return c.json(changed(provider));
    });

    app.get(providers, (c) => {
        const pool = poolFor(c, "iam.workloadIdentityPoolProviders.list");
        return c.json({ workloadIdentityPoolProviders: listed(c, pool.providers).map(identityJson) });
    });

    app.get(`${providers}/:provider{[^/:]+}`, (c) =>
        c.json(identityJson(providerFor(c, "iam.workloadIdentityPoolProviders.get"))),
    );

    app.patch(`${providers}/:provider{[^/:]+}`, async (c) => {
        const wanted = await requestBody(c, v.record(v.string(), v.unknown()));
        const provider = undeleted(providerFor(c, "iam.workloadIdentityPoolProviders.update"));
        const mask = c.req.query("updateMask");
        const settings = updatedIdentitySettings(providerSettingsSchema, provider.settings, wanted, mask);
        checkProvider(settings);
        provider.settings = settings;
        return c.json(changed(provider));
    });

    app.delete(`${providers}/:provider{[^/:]+}`, (c) =>
        c.json(remove(providerFor(c, "iam.workloadIdentityPoolProviders.delete"))),
    );

    app.post(`${providers}/:provider{[^/:]+:undelete}`, (c) =>
        c.json(restore(providerFor(c, "iam.workloadIdentityPoolProviders.undelete"))),
    );

    return app;
}

type Identity = WorkloadIdentityPool | IdentityProvider;

/** The resource's name, which always has the project's number, also if the caller gave the id. */
export function identityName(identity: Identity): string {
    if ("pool" in identity) return `${identityName(identity.pool)}/providers/${identity.id}`;
    const { project, id } = identity;
    return `projects/${project.number}/locations/global/workloadIdentityPools/${id}`;
}

function identityJson(identity: Identity): object {
    const { settings, expires } = identity;
    const isSet = (value: unknown) => value !== "" && value !== false;
    return {
        name: identityName(identity),
        ...Object.fromEntries(Object.entries(settings).filter(([, value]) => isSet(value))),
        state: expires ? "DELETED" : "ACTIVE",
        ...(expires && { expireTime: expires.toISOString() }),
    };
}

function changed(identity: Identity): object {
    const type = "pool" in identity ? "WorkloadIdentityPoolProvider" : "WorkloadIdentityPool";
    return doneOperation(`${identityName(identity)}/`, `google.iam.v1.${type}`, identityJson(identity));
}

function remove(identity: Identity): object {
    undeleted(identity).expires = new Date(Date.now() + restorableMilliseconds);
    return changed(identity);
}

function restore(identity: Identity): object {
    if (!identity.expires) failedPrecondition("is not deleted");
    identity.expires = undefined;
    return changed(identity);
}

/** A pool or provider, if it is not deleted: a deleted one can be viewed, listed and restored, but not changed. */
function undeleted<Kind extends Identity>(identity: Kind): Kind {
    return identity.expires ? failedPrecondition("is deleted") : identity;
}

function listed<Kind extends Identity>(c: Context, all: ReadonlyMap<string, Kind>): Kind[] {
    return [...all.values()].filter(({ expires }) => !expires || c.req.query("showDeleted") === "true");
}

/** `ID` of a path's segment `ID` or `ID:method`. */
function getId(segment: string | undefined): string {
    return segment?.split(":")[0] ?? "";
}

function notFound(): never {
    throw new GoogleError("NOT_FOUND", "Requested entity was not found.");
}

function alreadyExists(): never {
    throw new GoogleError("ALREADY_EXISTS", "Requested entity already exists");
}

function failedPrecondition(state: string): never {
    throw new GoogleError("FAILED_PRECONDITION", `Precondition check failed: the resource ${state}.`);
}
