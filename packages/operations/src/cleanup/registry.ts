import * as v from "valibot";
import type { GoogleClient } from "../google/client";
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

/** The largest page that the service gives. */
const pageSize = 1000;
/** Requests at a time: 60,000 a minute are allowed for each project and location. */
const parallel = 8;

/** A repository over REST. */
export class RepositoryReader {
    /** @param repository resource name, `projects/P/locations/L/repositories/R` */
    constructor(
        private readonly repository: string,
        private readonly client: GoogleClient,
    ) {}

    /** The policies of the repository. An error says that there is no such repository. */
    async policies(): Promise<{ readonly policies: Policies; readonly dryRun: boolean }> {
        const { cleanupPolicies, cleanupPolicyDryRun } = await this.client.call(
            "GET",
            this.repository,
            repositorySchema,
        );
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
            const page = await this.client.call(
                "GET",
                `${path}?pageSize=${pageSize}${query}${after}`,
                schema,
            );
            yield page;
            token = page.nextPageToken;
        } while (token !== "");
    }
}

/** The last segment of a resource name, in which a slash is escaped. */
function lastSegment(name: string): string {
    return decodeURIComponent(name.slice(name.lastIndexOf("/") + 1));
}
