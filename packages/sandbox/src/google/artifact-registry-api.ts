import { Hono } from "hono";
import * as v from "valibot";
import type { Cloud, Project, Repository } from "./cloud";
import { doneOperation, GoogleError, permissionDenied, requestBody } from "./google-api";
import { filesApi } from "./files-api";
import { packagesApi } from "./packages-api";
import {
    checkRepositoryBindings,
    emptyPolicy,
    policyJson,
    policySchema,
    replacedPolicy,
    type Caller,
} from "./policy";
import { checkMembers } from "./policy-members";
import { pythonPackagesApi } from "./python-packages-api";
import { checkReferences } from "./repository-checks";
import { fullName, registryProject, repositoryLookup, repositoryName } from "./repository-lookup";
import { newSettings, settingsJson, settingsSchema, updatedSettings } from "./repository-settings";
import type { Answering, Sender } from "./request-log";
import type { Permission } from "./roles";
import { rulesApi } from "./rules-api";

const resource = "google.devtools.artifactregistry.v1.Repository";
const collection = "/projects/:project/locations/:location/repositories";

/**
 * Repositories, with their policies, rules, packages and files.
 * @param send to the upstream of a remote repository
 * https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories
 */
export function artifactRegistryApi(cloud: Cloud, send: Sender): Hono<Answering> {
    const app = new Hono<Answering>();
    const repositoryFor = repositoryLookup(cloud);

    /** The project of a request for all repositories of a location, once its caller's permission is checked. */
    function projectFor(
        caller: Caller | undefined,
        permission: Permission,
        { project: projectId, location }: Record<"project" | "location", string>,
    ): Project {
        const project = registryProject(cloud, projectId);
        if (cloud.permits(caller, permission, project)) return project;
        return permissionDenied(permission, fullName(`projects/${project.id}/locations/${location}`));
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
        await checkReferences(cloud, send, { project, location, settings });
        const now = new Date().toISOString();
        const repository: Repository = {
            project,
            location,
            id,
            settings,
            createTime: now,
            updateTime: now,
            policy: emptyPolicy,
            rules: new Map(),
            files: new Map(),
        };
        project.repositories.set(`${location}/${id}`, repository);
        project.serviceAgents.add("artifactregistry.googleapis.com");
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
        const settings = updatedSettings(repository.settings, wanted, mask);
        await checkReferences(cloud, send, { ...repository, settings }, repository.settings);
        repository.settings = settings;
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
        checkMembers(cloud, policy.bindings);
        repository.policy = replacedPolicy(repository.policy, policy);
        return c.json(policyJson(repository.policy));
    });

    app.route("/", packagesApi(repositoryFor));
    app.route("/", pythonPackagesApi(repositoryFor));
    app.route("/", filesApi(repositoryFor));
    app.route("/", rulesApi(repositoryFor));

    return app;
}

function repositoryJson(repository: Repository): object {
    const { project, location, id, settings, createTime, updateTime, files } = repository;
    const size = [...files.values()].reduce((sum, { content }) => sum + content.length, 0);
    return {
        name: repositoryName(repository),
        ...settingsJson(settings, project.services.has("containerscanning.googleapis.com")),
        createTime,
        updateTime,
        sizeBytes: String(size),
        registryUri: `${location}-python.pkg.dev/${project.id}/${id}`,
    };
}
