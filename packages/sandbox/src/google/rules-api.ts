import { Hono } from "hono";
import * as v from "valibot";
import { checkRule, checkRuleId, ruleSchema, type DownloadRule } from "./download-rules";
import { conforming, GoogleError, masked, requestBody } from "./google-api";
import { page } from "./paging";
import { repositoryName, type RepositoryLookup } from "./repository-lookup";
import type { Repository } from "./cloud";
import type { Answering } from "./request-log";

const collection = "/projects/:project/locations/:location/repositories/:repository/rules";

/** The download rules of a repository. https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories.rules */
export function rulesApi(repositoryFor: RepositoryLookup): Hono<Answering> {
    const app = new Hono<Answering>();

    app.post(collection, async (c) => {
        const { name: _, ...rule } = await requestBody(c, ruleSchema);
        const repository = repositoryFor(c.get("caller"), "artifactregistry.rules.create", c.req.param());
        const id = c.req.query("rule_id") ?? c.req.query("ruleId") ?? "";
        checkRuleId(id);
        if (repository.rules.has(id)) throw new GoogleError("ALREADY_EXISTS", "the rule already exists");
        checkRule(repository.rules, id, rule);
        repository.rules.set(id, rule);
        return c.json(ruleJson(repository, id, rule));
    });

    app.get(collection, (c) => {
        const repository = repositoryFor(c.get("caller"), "artifactregistry.rules.list", c.req.param());
        const rules = [...repository.rules].map(([id, rule]) => ruleJson(repository, id, rule));
        return c.json(page(c, "rules", rules));
    });

    app.get(`${collection}/:rule`, (c) => {
        const repository = repositoryFor(c.get("caller"), "artifactregistry.rules.get", c.req.param());
        const { rule: id } = c.req.param();
        return c.json(ruleJson(repository, id, existing(repository, id)));
    });

    app.patch(`${collection}/:rule`, async (c) => {
        const wanted = await requestBody(c, v.record(v.string(), v.unknown()));
        const repository = repositoryFor(c.get("caller"), "artifactregistry.rules.update", c.req.param());
        const { rule: id } = c.req.param();
        const mask = c.req.query("updateMask") ?? c.req.query("update_mask");
        const merged = masked(existing(repository, id), wanted, mask);
        const { name: _, ...rule } = conforming(ruleSchema, merged);
        checkRule(repository.rules, id, rule);
        repository.rules.set(id, rule);
        return c.json(ruleJson(repository, id, rule));
    });

    app.delete(`${collection}/:rule`, (c) => {
        const repository = repositoryFor(c.get("caller"), "artifactregistry.rules.delete", c.req.param());
        const { rule: id } = c.req.param();
        existing(repository, id);
        repository.rules.delete(id);
        return c.json({});
    });

    return app;
}

/** @throws GoogleError NOT_FOUND */
function existing({ rules }: Repository, id: string): DownloadRule {
    const rule = rules.get(id);
    if (rule) return rule;
    throw new GoogleError("NOT_FOUND", "Requested entity was not found.");
}

function ruleJson(repository: Repository, id: string, { packageId, ...rule }: DownloadRule): object {
    return {
        name: `${repositoryName(repository)}/rules/${id}`,
        ...rule,
        ...(packageId !== "" && { packageId }),
    };
}
