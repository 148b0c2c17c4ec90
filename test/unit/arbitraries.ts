import fc from "fast-check";
import { locations } from "../../packages/registry/src/names/locations";

// Valid values of each kind, and configurations made of them, as Pulumi hands them to a program.

const lower = Array.from("abcdefghijklmnopqrstuvwxyz");
const digits = Array.from("0123456789");

/** Lower-case letters, digits and hyphens, from a letter to a letter or digit. */
function id(min: number, max: number): fc.Arbitrary<string> {
    const middle = fc.string({
        unit: fc.constantFrom(...lower, ...digits, "-"),
        minLength: min - 2,
        maxLength: max - 2,
    });
    return fc
        .tuple(fc.constantFrom(...lower), middle, fc.constantFrom(...lower, ...digits))
        .map((parts) => parts.join(""));
}

export const domain = fc.domain();
const projectId = id(6, 30);
// The top level of a project's domain is an organization's: letters only.
const scope = fc.tuple(id(2, 20), fc.constantFrom("com", "example", "co.uk")).map((parts) => parts.join("."));
export const project = fc.oneof(
    projectId,
    fc.tuple(scope, projectId).map((parts) => parts.join(":")),
);
export const location = fc.constantFrom(...locations);
export const repository = fc
    .oneof(fc.constantFrom(...lower), id(2, 63))
    .filter((name) => name !== "distutils");
export const accountId = id(6, 30).filter((name) => !["constructor", "prototype"].includes(name));
export const generation = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/);
export const keyring = fc.constantFrom("auto" as const, "import" as const, "subprocess" as const);
export const publicPackages = fc.constantFrom("pypi" as const, "none" as const);
export const labels = fc.dictionary(
    id(2, 63).map((key) => key.replaceAll("-", "_")),
    fc.stringMatching(/^[a-z0-9_-]{0,63}$/),
    { maxKeys: 5 },
);
export const keyBytes = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));

const mail = fc.tuple(id(2, 30), domain).map((parts) => parts.join("@"));
export const principal = fc.oneof(
    fc.tuple(fc.constantFrom("user", "group"), mail).map((parts) => parts.join(":")),
    fc
        .tuple(id(6, 30), projectId)
        .map(([name, home]) => `serviceAccount:${name}@${home}.iam.gserviceaccount.com`),
    domain.map((name) => `domain:${name}`),
    fc
        .tuple(
            fc.integer({ min: 1 }),
            fc.stringMatching(/^[a-fh-z][a-z0-9-]{2,30}[a-z0-9]$/),
            fc.constantFrom("subject", "group", "attribute.repository"),
            fc.stringMatching(/^[\w./:'"#=-]{1,40}$/),
        )
        .map(
            ([number, pool, form, value]) =>
                `${form === "subject" ? "principal" : "principalSet"}://iam.googleapis.com/projects/${number}/locations/global/workloadIdentityPools/${pool}/${form}/${value}`,
        ),
);
export const principals = fc.uniqueArray(principal, {
    selector: (value) => value.toLowerCase(),
    maxLength: 6,
});
export const account = fc.record(
    {
        access: fc.constantFrom("reader" as const, "writer" as const, "admin" as const),
        displayName: fc.string({ maxLength: 100 }),
        keys: fc.uniqueArray(generation, { selector: (name) => name.toLowerCase(), maxLength: 10 }),
    },
    { requiredKeys: ["access"] },
);

const numericId = fc.integer({ min: 1, max: 2 ** 40 });
const ref = fc.stringMatching(/^refs\/(heads|tags)\/[a-z0-9]{1,12}(\/[a-z0-9]{1,12})?$/);
const role = fc.constantFrom("reader" as const, "writer" as const, "admin" as const);
/** Entries of `workloads`. Ids are text, as the program has them. */
export const workload = fc.oneof(
    fc.record(
        {
            type: fc.constant("githubActions"),
            access: role,
            owner: id(2, 20),
            repository: id(2, 20),
            ownerId: numericId.map(String),
            repositoryId: numericId.map(String),
            ref,
            environment: id(2, 10),
        },
        { requiredKeys: ["type", "access", "owner", "repository", "ownerId", "repositoryId", "ref"] },
    ),
    fc.record(
        {
            type: fc.constant("gitlabCi"),
            access: role,
            projectId: numericId.map(String),
            ref,
            protectedOnly: fc.constant(true),
        },
        { requiredKeys: ["type", "access", "projectId"] },
    ),
    fc.record({
        type: fc.constant("buildkite"),
        access: role,
        organizationId: fc.uuid(),
        pipelineId: fc.uuid(),
        ref,
        forkBranchesArePrefixed: fc.constant(true),
    }),
    fc.record({
        type: fc.constant("oidc"),
        access: role,
        issuer: id(3, 20).map((name) => `https://${name}.example`),
        audiences: fc.constant([]),
        claims: fc.record({ sub: fc.array(id(2, 20), { minLength: 1, maxLength: 3 }) }),
    }),
    fc.record({
        type: fc.constant("gke"),
        access: role,
        namespace: id(2, 20),
        serviceAccount: id(2, 20),
    }),
    fc.record({
        type: fc.constantFrom("computeEngine", "cloudRun", "cloudFunctions", "cloudBuild"),
        access: role,
        serviceAccount: fc
            .tuple(id(6, 30), projectId)
            .map(([name, home]) => `${name}@${home}.iam.gserviceaccount.com`),
    }),
);
export const workloads = fc
    .uniqueArray(fc.tuple(accountId, workload), { selector: ([name]) => name, minLength: 1, maxLength: 4 })
    .map((entries) => Object.fromEntries(entries));
export const pool = fc.record(
    {
        id: fc.stringMatching(/^[a-z][a-z0-9-]{3,31}$/).filter((name) => !name.startsWith("gcp-")),
        project: projectId,
        projectNumber: numericId.map(String),
        existing: fc.constantFrom("use" as const, "adopt" as const),
    },
    { requiredKeys: ["id", "project"] },
);

const seconds = fc.integer({ min: 1, max: 3_000_000_000 });
const sortedPrefixes = (pattern: RegExp) =>
    fc.uniqueArray(fc.stringMatching(pattern), { minLength: 1, maxLength: 3 }).map((list) => list.toSorted());
const packageNamePrefixes = sortedPrefixes(/^[a-z][a-z0-9]{0,6}-?$/);
/** A condition of a cleanup policy, in the form in which the program has it. */
const condition = fc
    .record(
        {
            tagState: fc.constantFrom("TAGGED" as const, "UNTAGGED" as const, "ANY" as const),
            olderThan: seconds,
            // So that there can be versions of this age.
            longer: fc.integer({ min: 1, max: 100_000_000 }),
            packageNamePrefixes,
            versionNamePrefixes: sortedPrefixes(/^[0-9]{1,2}\.?$/),
        },
        { requiredKeys: [] },
    )
    .map(({ olderThan, longer, ...rest }) => ({
        ...rest,
        ...(olderThan === undefined ? {} : { olderThan: `${olderThan}s` }),
        ...(longer === undefined ? {} : { newerThan: `${(olderThan ?? 0) + longer}s` }),
    }));
export const cleanupPolicy = fc.oneof(
    fc.record({ action: fc.constantFrom("DELETE" as const, "KEEP" as const), condition }),
    fc.record({
        action: fc.constant("KEEP" as const),
        mostRecentVersions: fc.record(
            { keepCount: fc.integer({ min: 1, max: 50 }), packageNamePrefixes },
            { requiredKeys: ["keepCount"] },
        ),
    }),
);
export const cleanup = fc.record({
    dryRun: fc.boolean(),
    policies: fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_-]{0,20}$/), cleanupPolicy, { maxKeys: 10 }),
});

const anyValues = fc.record(
    {
        "gcp:project": project,
        location,
        repository,
        description: fc.string({ unit: "binary", minLength: 1 }),
        labels,
        readers: principals,
        writers: principals,
        admins: principals,
        access: fc.constantFrom("authoritative", "additive"),
        allowPublic: fc.boolean(),
        serviceAccounts: fc.dictionary(accountId, account, { maxKeys: 4 }),
        publicPackages,
        internalPackages: fc.uniqueArray(
            fc.stringMatching(/^[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,8}){0,2}(-?\*)?$/),
            {
                maxLength: 5,
            },
        ),
        workloads,
        pool,
        projectNumber: numericId,
        cooldown: fc.record({ days: fc.integer({ min: 1, max: 365 }) }),
        cleanup,
        scanning: fc.constant(true),
        auditLogs: fc.subarray(["ADMIN_READ", "DATA_READ", "DATA_WRITE"], { minLength: 1 }),
        keyring,
        enableApis: fc.boolean(),
        protect: fc.boolean(),
    },
    { requiredKeys: ["gcp:project", "location"] },
);

/** The values of a valid configuration; keys of the project's own are without their namespace. */
export const values = anyValues.map(({ cooldown, ...others }) => ({
    ...others,
    ...(cooldown !== undefined && others.publicPackages !== "none" && { cooldown }),
}));
