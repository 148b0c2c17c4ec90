import { EnvHttpProxyAgent, fetch, RetryAgent } from "undici";
import * as v from "valibot";
import type { Policies, Version } from "./evaluate";

// What a repository has, by the REST API: packages, versions and policies.
// https://cloud.google.com/artifact-registry/docs/reference/rest

const prefixes = v.optional(v.array(v.string()));
const policiesSchema = v.record(
    v.string(),
    v.object({
        action: v.optional(v.string()),
        condition: v.optional(
            v.object({
                tagState: v.optional(v.string()),
                tagPrefixes: prefixes,
                versionNamePrefixes: prefixes,
                packageNamePrefixes: prefixes,
                olderThan: v.optional(v.string()),
                newerThan: v.optional(v.string()),
            }),
        ),
        mostRecentVersions: v.optional(
            v.object({ keepCount: v.optional(v.number()), packageNamePrefixes: prefixes }),
        ),
    }),
);
const repositorySchema = v.object({
    format: v.optional(v.string(), ""),
    cleanupPolicies: v.optional(policiesSchema, {}),
    cleanupPolicyDryRun: v.optional(v.boolean(), false),
});
const packagesSchema = v.object({
    packages: v.optional(v.array(v.object({ name: v.string() })), []),
    nextPageToken: v.optional(v.string(), ""),
});
const versionsSchema = v.object({
    versions: v.optional(
        v.array(
            v.object({
                name: v.string(),
                createTime: v.pipe(
                    v.string(),
                    v.transform((time) => new Date(time)),
                    v.check((time) => !Number.isNaN(time.getTime())),
                ),
                relatedTags: v.optional(v.array(v.object({ name: v.string() })), []),
            }),
        ),
        [],
    ),
    nextPageToken: v.optional(v.string(), ""),
});
const errorSchema = v.object({ error: v.object({ message: v.string() }) });

/** The largest page that the service gives. */
const pageSize = 1000;
/** Requests at a time: 60,000 a minute are allowed for each project and location. */
const parallel = 8;

/** A repository over REST. Requests that the service refuses for a while are repeated. */
export class RegistryApi {
    readonly #dispatcher = new RetryAgent(new EnvHttpProxyAgent(), { maxRetries: 5 });

    /**
     * @param repository resource name, `projects/P/locations/L/repositories/R`
     * @param token access token
     * @param endpoint of the service, without a path
     */
    constructor(
        private readonly repository: string,
        private readonly token: string,
        private readonly endpoint: string,
    ) {}

    /** The policies of the repository. An error says that there is no such repository. */
    async policies(): Promise<{ readonly policies: Policies; readonly dryRun: boolean }> {
        const { cleanupPolicies, cleanupPolicyDryRun } = await this.#get(this.repository, repositorySchema);
        return { policies: cleanupPolicies, dryRun: cleanupPolicyDryRun };
    }

    /**
     * All versions of all packages, by package.
     *
     * @param onProgress called after each package
     */
    async versions(onProgress: (done: number, of: number) => void): Promise<Version[]> {
        const packages: string[] = [];
        for await (const page of this.#pages(`${this.repository}/packages`, packagesSchema)) {
            packages.push(...page.packages.map(({ name }) => name));
        }
        const found = new Map<string, Version[]>();
        const queue = packages.values();
        const work = async () => {
            for (const name of queue) {
                found.set(name, await this.#versionsOf(name));
                onProgress(found.size, packages.length);
            }
        };
        await Promise.all(Array.from({ length: parallel }, work));
        return packages.flatMap((name) => found.get(name) ?? []);
    }

    async #versionsOf(packageName: string): Promise<Version[]> {
        const versions: Version[] = [];
        for await (const page of this.#pages(`${packageName}/versions`, versionsSchema, "&view=FULL")) {
            for (const { name, createTime, relatedTags } of page.versions) {
                versions.push({
                    package: lastSegment(packageName),
                    version: lastSegment(name),
                    created: createTime,
                    tags: relatedTags.map((tag) => lastSegment(tag.name)),
                });
            }
        }
        return versions;
    }

    async *#pages<T extends { readonly nextPageToken: string }>(
        path: string,
        schema: v.GenericSchema<unknown, T>,
        query = "",
    ): AsyncGenerator<T> {
        let token = "";
        do {
            const after = token === "" ? "" : `&pageToken=${encodeURIComponent(token)}`;
            const page = await this.#get(`${path}?pageSize=${pageSize}${query}${after}`, schema);
            yield page;
            token = page.nextPageToken;
        } while (token !== "");
    }

    async #get<T>(path: string, schema: v.GenericSchema<unknown, T>): Promise<T> {
        const response = await fetch(`${this.endpoint}/v1/${path}`, {
            dispatcher: this.#dispatcher,
            headers: { authorization: `Bearer ${this.token}` },
        });
        const body = await response.json().catch(() => undefined);
        if (!response.ok) {
            const reason = v.safeParse(errorSchema, body);
            throw new Error(
                `Artifact Registry answered ${response.status} for ${path.replace(/\?.*/, "")}${reason.success ? `: ${reason.output.error.message}` : ""}`,
            );
        }
        const parsed = v.safeParse(schema, body);
        if (!parsed.success) {
            throw new Error(
                `Artifact Registry answered for ${path.replace(/\?.*/, "")} in a form that this command does not know: ${v.getDotPath(parsed.issues[0]) ?? "no object"}`,
            );
        }
        return parsed.output;
    }
}

/** The last segment of a resource name, in which a slash is escaped. */
function lastSegment(name: string): string {
    return decodeURIComponent(name.slice(name.lastIndexOf("/") + 1));
}
