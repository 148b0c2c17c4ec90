import { Hono } from "hono";
import * as v from "valibot";
import type { Cloud, Project, Repository } from "./cloud";
import { doneOperation, GoogleError, permissionDenied, requestBody } from "./google-api";
import { packagesApi } from "./packages-api";
import {
    checkRepositoryBindings,
    emptyPolicy,
    policyJson,
    policySchema,
    replacedPolicy,
    type Caller,
} from "./policy";
import { newSettings, settingsJson, settingsSchema, updatedSettings } from "./repository-settings";
import type { Answering } from "./request-log";
import type { Permission } from "./roles";
import { requireApi } from "./service-usage-api";

const api = { name: "artifactregistry.googleapis.com", title: "Artifact Registry API" };

const resource = "google.devtools.artifactregistry.v1.Repository";
const collection = "/projects/:project/locations/:location/repositories";

/** Repositories and their policies. https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories */
export function artifactRegistryApi(cloud: Cloud): Hono<Answering> {
    const app = new Hono<Answering>();

    function getProject(id: string) {
        const project = cloud.project(id);
        requireApi(project, api);
        return project;
    }

    /** The project of a request for all repositories of a location, once its caller's permission is checked. */
    function projectFor(
        caller: Caller | undefined,
        permission: Permission,
        { project: projectId, location }: Record<"project" | "location", string>,
    ): Project {
        const project = getProject(projectId);
        if (cloud.permits(caller, permission, project)) return project;
        return permissionDenied(permission, fullName(`projects/${project.id}/locations/${location}`));
    }

    function repositoryFor(
        caller: Caller | undefined,
        permission: Permission,
        {
            project: projectId,
            location,
            repository: id,
        }: Record<"project" | "location" | "repository", string>,
    ): Repository {
        const project = getProject(projectId);
        const repositoryId = withoutMethod(id);
        const resource = project.repositories.get(`${location}/${repositoryId}`) ?? project;
        if (!cloud.permits(caller, permission, resource)) {
            permissionDenied(
                permission,
                fullName(`projects/${project.id}/locations/${location}/repositories/${repositoryId}`),
            );
        }
        return cloud.repository(project, location, repositoryId);
    }

    app.post(collection, async (c) => {
        const { location } = c.req.param();
        const project = projectFor(c.get("caller"), "artifactregistry.repositories.create", c.req.param());
        const parent = `projects/${project.id}/locations/${location}`;
        if (!/^(us|europe|asia|[a-z]+(-[a-z]+)+\d+)$/.test(location)) {
            throw new GoogleError(
                "PERMISSION_DENIED",
                `Permission denied on 'locations/${location}' (or it may not exist).`,
            );
        }
        const id = c.req.query("repository_id") ?? c.req.query("repositoryId") ?? "";
        if (!/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(id)) {
            throw new GoogleError("INVALID_ARGUMENT", `Invalid repository ID "${id}".`);
        }
        const settings = newSettings(await requestBody(c, settingsSchema));
        if (project.repositories.has(`${location}/${id}`)) {
            throw new GoogleError("ALREADY_EXISTS", "the repository already exists");
        }
        const now = new Date().toISOString();
        const repository: Repository = {
            project,
            location,
            id,
            settings,
            createTime: now,
            updateTime: now,
            policy: emptyPolicy,
            files: new Map(),
        };
        project.repositories.set(`${location}/${id}`, repository);
        return c.json(doneOperation(`${parent}/`, resource, repositoryJson(repository)));
    });

    app.get(collection, (c) => {
        const { location } = c.req.param();
        const project = projectFor(c.get("caller"), "artifactregistry.repositories.list", c.req.param());
        const here = [...project.repositories.values()].filter((each) => each.location === location);
        return c.json({ repositories: here.map(repositoryJson) });
    });

    app.get(`${collection}/:repository{[^/:]+}`, (c) =>
        c.json(
            repositoryJson(
                repositoryFor(c.get("caller"), "artifactregistry.repositories.get", c.req.param()),
            ),
        ),
    );

    app.patch(`${collection}/:repository{[^/:]+}`, async (c) => {
        const wanted = await requestBody(c, v.record(v.string(), v.unknown()));
        const repository = repositoryFor(
            c.get("caller"),
            "artifactregistry.repositories.update",
            c.req.param(),
        );
        const mask = c.req.query("updateMask") ?? c.req.query("update_mask");
        repository.settings = updatedSettings(repository.settings, wanted, mask);
        repository.updateTime = new Date().toISOString();
        return c.json(repositoryJson(repository));
    });

    app.delete(`${collection}/:repository{[^/:]+}`, (c) => {
        const { project, location, id } = repositoryFor(
            c.get("caller"),
            "artifactregistry.repositories.delete",
            c.req.param(),
        );
        project.repositories.delete(`${location}/${id}`);
        return c.json(
            doneOperation(`projects/${project.id}/locations/${location}/`, "google.protobuf.Empty"),
        );
    });

    app.get(`${collection}/:repository{[^/:]+:getIamPolicy}`, (c) => {
        const repository = repositoryFor(
            c.get("caller"),
            "artifactregistry.repositories.getIamPolicy",
            c.req.param(),
        );
        return c.json(policyJson(repository.policy));
    });

    app.post(`${collection}/:repository{[^/:]+:setIamPolicy}`, async (c) => {
        const { policy } = await requestBody(c, v.strictObject({ policy: policySchema }));
        const repository = repositoryFor(
            c.get("caller"),
            "artifactregistry.repositories.setIamPolicy",
            c.req.param(),
        );
        checkRepositoryBindings(policy.bindings);
        cloud.checkMembers(policy.bindings);
        repository.policy = replacedPolicy(repository.policy, policy);
        return c.json(policyJson(repository.policy));
    });

    app.route("/", packagesApi(repositoryFor));

    return app;
}

function repositoryJson(repository: Repository): object {
    const { project, location, id, settings, createTime, updateTime, files } = repository;
    const size = [...files.values()].reduce((sum, { content }) => sum + content.length, 0);
    return {
        name: getName(repository),
        ...settingsJson(settings),
        createTime,
        updateTime,
        sizeBytes: String(size),
        registryUri: `${location}-python.pkg.dev/${project.id}/${id}`,
    };
}

function getName({ project, location, id }: Repository): string {
    return `projects/${project.id}/locations/${location}/repositories/${id}`;
}

/** `R` of a path's last segment `R:method`. */
function withoutMethod(segment: string): string {
    return segment.split(":")[0] ?? "";
}

function fullName(name: string): string {
    return `//artifactregistry.googleapis.com/${name}`;
}
