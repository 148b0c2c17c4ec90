import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { parseSettings, readSettings } from "../../src/settings";
import type { ParsedRegistry } from "../../packages/registry/src/components/parse-registry";

type Values = Record<string, unknown>;

const place: Values = { "gcp:project": "acme-tools", location: "europe-west1" };

function mistakesIn(values: Values, secretKeys: readonly string[] = []): readonly string[] {
    const parsed = parseSettings(stackConfig(values), new Set(secretKeys));
    return "mistakes" in parsed ? parsed.mistakes : [];
}

function accepted(values: Values): { settings: ParsedRegistry; notices: readonly string[] } {
    const parsed = parseSettings(stackConfig({ ...place, ...values }));
    assert.ok("settings" in parsed, JSON.stringify(parsed));
    return parsed;
}

const principalForms =
    "Allowed: user:, group: or serviceAccount: followed by an email address, domain: followed by a domain, principal://… or principalSet://….";
const settingNames =
    "Allowed: location, repository, existing, description, labels, readers, writers, admins, access, allowPublic, serviceAccounts, workloads, pool, projectNumber, publicPackages, mirror, cooldown, internalPackages, cleanup, encryption, scanning, auditLogs, keyring, enableApis, protect.";
const repositoryIds =
    "Allowed: 1 to 63 lowercase letters, digits and hyphens, starting with a letter and not ending with a hyphen.";
const projectIds =
    "Allowed: 6 to 30 lowercase letters, digits and hyphens, starting with a letter; older projects can have a domain prefix (example.com:tools).";
const accountIds =
    "Allowed: account ids of 6 to 30 lowercase letters, digits and hyphens, starting with a letter and not ending with a hyphen; for an existing account of another project, its address NAME@PROJECT.iam.gserviceaccount.com.";
const labelKeys =
    "Allowed: label keys of 1 to 63 lowercase letters, digits, _ and -, starting with a letter.";
const labelValues = "Allowed: label values of at most 63 lowercase letters, digits, _ and -.";
const generationNames =
    'Allowed: key generation names of 1 to 63 letters, digits, ., _ and -, for example "2026-11" (with the quotes).';
const locationForms = "Allowed: a region such as europe-west1, or us, europe, asia.";
const newRegions =
    "If the region is new, run `pulumi config set gcp:skipRegionValidation true` to accept it.";

/** `count` different principals. */
const many = (count: number, form: (index: number) => string) =>
    Array.from({ length: count }, (_, i) => form(i));
const users = (count: number, from = 0) => many(count, (index) => `user:u${from + index}@example.com`);

describe("settings: defaults", () => {
    it("apply to a configuration with only a project and a location", () => {
        assert.deepEqual(accepted({}), {
            settings: {
                project: "acme-tools",
                location: "europe-west1",
                repository: "python",
                labels: {},
                readers: [],
                writers: [],
                admins: [],
                access: "authoritative",
                allowPublic: false,
                serviceAccounts: { "python-publisher": { access: "writer" } },
                publicPackages: "pypi",
                internalPackages: [],
                skipRegionValidation: false,
                keyring: "auto",
                enableApis: true,
                deletionProtection: true,
            },
            notices: [],
        });
    });

    it("use gcp:region if location is not set", () => {
        const { settings } = accepted({ location: "", "gcp:region": "us-east1" });
        assert.equal(settings.location, "us-east1");
    });

    it("ignore gcp:region if location is set", () => {
        const { settings } = accepted({ location: "europe", "gcp:region": "mars" });
        assert.equal(settings.location, "europe");
    });

    it("do not apply to an empty map of accounts or an empty list of members", () => {
        const { settings } = accepted({ serviceAccounts: {}, readers: [] });
        assert.deepEqual([settings.serviceAccounts, settings.readers], [{}, []]);
    });
});

describe("settings: valid values", () => {
    it("are kept", () => {
        const given = {
            repository: "internal-python",
            description: "Packages of the teams: [a], b = c\nand more",
            labels: { team: "platform", "größe-1": "", stage_2: "3" },
            readers: ["group:developers@acme.example", "domain:acme.example"],
            writers: [
                "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/machines/attribute.repository_id/7",
                "serviceAccount:acme-dev.svc.id.goog[builds/publisher]",
            ],
            admins: ["user:o'neil+x@acme.example", "serviceAccount:ci@acme-ci.iam.gserviceaccount.com"],
            access: "additive",
            serviceAccounts: {
                "python-reader": { access: "reader", displayName: "Reads", keys: ["2026-11", "2027.02_b"] },
            },
            publicPackages: "none",
            internalPackages: ["acme-core", "acme-*", "acme*"],
            keyring: "subprocess",
            enableApis: false,
            protect: false,
        };
        const { protect, ...named } = given;
        assert.deepEqual(accepted(given), {
            settings: {
                project: "acme-tools",
                location: "europe-west1",
                allowPublic: false,
                skipRegionValidation: false,
                deletionProtection: protect,
                ...named,
            },
            notices: [],
        });
    });

    it("have addresses in lower case, as IAM stores them, but federated identities unchanged", () => {
        const { settings } = accepted({
            readers: ["user:Alice@Example.COM", "domain:Example.com"],
            admins: [
                "serviceAccount:CI@p.iam.gserviceaccount.com",
                "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/machines/subject/Subject",
            ],
        });
        assert.deepEqual(settings.readers, ["user:alice@example.com", "domain:example.com"]);
        assert.deepEqual(settings.admins, [
            "serviceAccount:ci@p.iam.gserviceaccount.com",
            "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/machines/subject/Subject",
        ]);
    });

    it("include a domain-scoped project", () => {
        for (const project of ["example.com:tools", "example.com:a", "xn--p1ai.xn--p1ai:tools-1"]) {
            assert.equal(accepted({ "gcp:project": project }).settings.project, project);
        }
    });

    it("include public readers if allowPublic is true", () => {
        const { settings } = accepted({ readers: ["allUsers"], allowPublic: true });
        assert.deepEqual(settings.readers, ["allUsers"]);
    });

    it("include a boolean that pulumi config set stored as text", () => {
        assert.equal(accepted({ protect: "false" }).settings.deletionProtection, false);
    });

    it("in another namespace are ignored", () => {
        accepted({ "gcp:projct": "x", "python-registry-2:reposiotry": "x", "aws:region": "x" });
    });

    for (const limit of ["a", "a".repeat(63), "a-b", "a1"]) {
        it(`include a repository id of ${limit.length} characters: ${limit.slice(0, 5)}`, () => {
            assert.equal(accepted({ repository: limit }).settings.repository, limit);
        });
    }
});

describe("settings: a mistake is reported with its key, its value, the allowed values and a suggestion:", () => {
    const everyoneAs = (what: string) =>
        `would let everyone ${what}. Allowed: allUsers and allAuthenticatedUsers only in readers, and only with allowPublic: true.`;
    const noAddress =
        "does not have a valid email address. Allowed: user: followed by an address, for example user:name@example.com.";
    const account = (entry: unknown) => ({ serviceAccounts: { "ci-reader": entry } });
    const eleven = many(11, (index) => `k${index}`);

    const cases: [what: string, values: Values, ...mistakes: string[]][] = [
        [
            "no project",
            { "gcp:project": undefined },
            "gcp:project: is not set. Allowed: a project id. Set it with: pulumi config set gcp:project PROJECT_ID",
        ],
        [
            "no location and no region",
            { location: undefined },
            "python-registry:location: is not set. Allowed: a region, or us, europe, asia. Set it with: pulumi config set location LOCATION",
        ],
        [
            "the name of a project instead of its id",
            { "gcp:project": "Acme Tools" },
            `gcp:project: "Acme Tools" is not valid. ${projectIds} Did you mean "acme-tools"?`,
        ],
        [
            "an unknown key",
            { reposiotry: "internal" },
            `python-registry:reposiotry: "reposiotry" is an unknown key (its value: "internal"). ${settingNames} Did you mean "repository"?`,
        ],
        [
            "the start of a key",
            { read: "[]" },
            `python-registry:read: "read" is an unknown key (its value: "[]"). ${settingNames} Did you mean "readers"?`,
        ],
        [
            "a key that is close to no setting",
            { colour: "red" },
            `python-registry:colour: "colour" is an unknown key (its value: "red"). ${settingNames}`,
        ],
        [
            "several unknown keys, each of them",
            { constructor: "a", reader: "b" },
            `python-registry:constructor: "constructor" is an unknown key (its value: "a"). ${settingNames}`,
            `python-registry:reader: "reader" is an unknown key (its value: "b"). ${settingNames} Did you mean "readers"?`,
        ],
        [
            "an unknown location",
            { location: "europe-west13" },
            `python-registry:location: "europe-west13" is an unknown location. ${locationForms} ${newRegions} Did you mean "europe-west1"?`,
        ],
        [
            "a location in capitals",
            { location: "US-East1" },
            `python-registry:location: "US-East1" is an unknown location. ${locationForms} Did you mean "us-east1"?`,
        ],
        [
            "a region that is close to no location",
            { location: "olympus-mons7" },
            `python-registry:location: "olympus-mons7" is an unknown location. ${locationForms} ${newRegions}`,
        ],
        [
            "a zone instead of a region",
            { location: "us-east1-b" },
            `python-registry:location: "us-east1-b" is an unknown location. ${locationForms} Did you mean "us-east1"?`,
        ],
        [
            "an abbreviation of a multi-region",
            { location: "EU" },
            `python-registry:location: "EU" is an unknown location. ${locationForms} Did you mean "europe"?`,
        ],
        [
            "a location on another planet",
            { location: "olympus-mons-7" },
            `python-registry:location: "olympus-mons-7" is an unknown location. ${locationForms}`,
        ],
        [
            "an unknown location in gcp:region, under that key",
            { location: "", "gcp:region": "euorpe-west1" },
            `gcp:region: "euorpe-west1" is an unknown location. ${locationForms} ${newRegions} Did you mean "europe-west1"?`,
        ],
        [
            "a repository id with capitals and underscores",
            { repository: "My_Packages" },
            `python-registry:repository: "My_Packages" is not valid. ${repositoryIds} Did you mean "my-packages"?`,
        ],
        [
            "a repository id with a line break after it",
            { repository: "python\n" },
            `python-registry:repository: "python\\n" is not valid. ${repositoryIds} Did you mean "python"?`,
        ],
        [
            "a repository id that adds a section",
            { repository: "a]\n[evil]\nindex-url = https://evil.example" },
            `python-registry:repository: "a]\\n[evil]\\nindex-url = https://evil.example" is not valid. ${repositoryIds}`,
        ],
        [
            "a repository id in look-alike letters",
            { repository: "p\u0443thon" },
            `python-registry:repository: "p\u0443thon" is not valid. ${repositoryIds} Did you mean "p-thon"?`,
        ],
        [
            "an empty repository id",
            { repository: "" },
            `python-registry:repository: "" is not valid. ${repositoryIds}`,
        ],
        [
            "a repository id of 64 characters",
            { repository: "a".repeat(64) },
            `python-registry:repository: "${"a".repeat(64)}" is not valid. ${repositoryIds}`,
        ],
        [
            "the name of a reserved section of .pypirc",
            { repository: "distutils" },
            `python-registry:repository: "distutils" is the name of a reserved section in .pypirc. Allowed: any other name.`,
        ],
        [
            "a string instead of a list",
            { readers: "group:developers@example.com" },
            `python-registry:readers: "group:developers@example.com" is a string, not a list. Allowed: a list of IAM principals. Did you mean ["group:developers@example.com"]? Set it with: pulumi config set --path 'readers[0]' PRINCIPAL`,
        ],
        [
            "a map instead of a list",
            { writers: { a: 1 } },
            `python-registry:writers: {"a":1} is a map, not a list. Allowed: a list of IAM principals.`,
        ],
        [
            "an address without a prefix, of a user or a group",
            { readers: ["alice@example.com"] },
            `python-registry:readers[0]: "alice@example.com" is not an IAM principal. ${principalForms} Did you mean "user:alice@example.com" or "group:alice@example.com"?`,
        ],
        [
            "the address of a service account without a prefix",
            { writers: ["ci@p.iam.gserviceaccount.com"] },
            `python-registry:writers[0]: "ci@p.iam.gserviceaccount.com" is not an IAM principal. ${principalForms} Did you mean "serviceAccount:ci@p.iam.gserviceaccount.com"?`,
        ],
        [
            "a service account with the prefix of a user",
            { writers: ["user:ci@p.iam.gserviceaccount.com"] },
            `python-registry:writers[0]: "user:ci@p.iam.gserviceaccount.com" has the address of a service account. Allowed: serviceAccount: followed by the address. Did you mean "serviceAccount:ci@p.iam.gserviceaccount.com"?`,
        ],
        [
            "a domain without a prefix",
            { readers: ["example.com"] },
            `python-registry:readers[0]: "example.com" is not an IAM principal. ${principalForms} Did you mean "domain:example.com"?`,
        ],
        [
            "a prefix in capitals",
            { readers: ["User:alice@example.com"] },
            `python-registry:readers[0]: "User:alice@example.com" has an unknown type. ${principalForms} Did you mean "user:alice@example.com"?`,
        ],
        [
            "a misspelled prefix",
            {
                readers: [
                    "serviceacount:ci@p.iam.gserviceaccount.com",
                    "principalset://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/machines/group/dev",
                    "principalset://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/machines/subject/x",
                    "principalset://iam.googleapis.com/x/y",
                ],
            },
            `python-registry:readers[0]: "serviceacount:ci@p.iam.gserviceaccount.com" has an unknown type. ${principalForms} Did you mean "serviceAccount:ci@p.iam.gserviceaccount.com"?`,
            `python-registry:readers[1]: "principalset://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/machines/group/dev" has an unknown type. ${principalForms} Did you mean "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/machines/group/dev"?`,
            `python-registry:readers[2]: "principalset://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/machines/subject/x" has an unknown type. ${principalForms} Did you mean "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/machines/subject/x"?`,
            `python-registry:readers[3]: "principalset://iam.googleapis.com/x/y" has an unknown type. ${principalForms}`,
        ],
        [
            "an unknown prefix, without a suggestion that is invalid itself",
            { readers: ["usr:a\nb", "deleted:user:a@example.com?uid=1"] },
            `python-registry:readers[0]: "usr:a\\nb" has an unknown type. ${principalForms}`,
            `python-registry:readers[1]: "deleted:user:a@example.com?uid=1" has an unknown type. ${principalForms}`,
        ],
        [
            "no address after the prefix",
            { readers: ["user:", "user:alice", "user:a@b@example.com", "user: alice@example.com"] },
            `python-registry:readers[0]: "user:" ${noAddress}`,
            `python-registry:readers[1]: "user:alice" ${noAddress}`,
            `python-registry:readers[2]: "user:a@b@example.com" ${noAddress}`,
            `python-registry:readers[3]: "user: alice@example.com" ${noAddress} Did you mean "user:alice@example.com"?`,
        ],
        [
            "a domain in look-alike letters (a Kelvin sign, a long s) or with a hyphen at its end",
            { readers: ["user:a@example.\u212aom", "user:a@example.\u017fe", "user:a@example.com-"] },
            `python-registry:readers[0]: "user:a@example.\u212aom" ${noAddress}`,
            `python-registry:readers[1]: "user:a@example.\u017fe" ${noAddress}`,
            `python-registry:readers[2]: "user:a@example.com-" ${noAddress}`,
        ],
        [
            "a federated identity without its path",
            { readers: ["principal://", "principalSet:x"] },
            `python-registry:readers[0]: "principal://" is not a federated identity. Allowed: principal:// followed by a path, for example principal://iam.googleapis.com/….`,
            `python-registry:readers[1]: "principalSet:x" is not a federated identity. Allowed: principalSet:// followed by a path, for example principalSet://iam.googleapis.com/….`,
        ],
        [
            "an invalid domain",
            { readers: ["domain:example"] },
            `python-registry:readers[0]: "domain:example" is not a valid domain. Allowed: domain: followed by a domain, for example domain:example.com.`,
        ],
        [
            "everyone as writers and admins, even with allowPublic",
            { writers: ["allUsers"], admins: ["allAuthenticatedUsers"], allowPublic: true },
            `python-registry:writers[0]: "allUsers" ${everyoneAs("upload")}`,
            `python-registry:admins[0]: "allAuthenticatedUsers" ${everyoneAs("delete packages")}`,
        ],
        [
            "everyone as readers without allowPublic",
            { readers: ["allUsers", "allAuthenticatedUsers"] },
            `python-registry:readers: "allUsers" would let everyone download. Allowed: only with allowPublic: true.`,
            `python-registry:readers: "allAuthenticatedUsers" would let everyone download. Allowed: only with allowPublic: true.`,
        ],
        [
            "everyone, misspelled",
            { readers: ["allusers"], allowPublic: true },
            `python-registry:readers[0]: "allusers" is not an IAM principal. ${principalForms} Did you mean "allUsers"?`,
        ],
        [
            "a principal twice",
            { admins: ["user:a@example.com", "user:b@example.com", "user:a@example.com"] },
            `python-registry:admins: "user:a@example.com" is listed twice. Allowed: each principal once.`,
        ],
        [
            "a principal twice, in another case",
            { readers: ["group:Dev@Example.com", "group:dev@example.com"] },
            `python-registry:readers: "group:dev@example.com" is listed twice (also as "group:Dev@Example.com"; case is ignored). Allowed: each principal once.`,
        ],
        [
            "a dedicated account that is also listed",
            { writers: ["serviceAccount:Python-Publisher@acme-tools.iam.gserviceaccount.com"] },
            `python-registry:writers: "serviceAccount:Python-Publisher@acme-tools.iam.gserviceaccount.com" already has this role through serviceAccounts. Allowed: each principal once.`,
        ],
        [
            "a dedicated account of a domain-scoped project that is also listed",
            {
                "gcp:project": "example.com:tools-1",
                writers: ["serviceAccount:python-publisher@tools-1.example.com.iam.gserviceaccount.com"],
            },
            `python-registry:writers: "serviceAccount:python-publisher@tools-1.example.com.iam.gserviceaccount.com" already has this role through serviceAccounts. Allowed: each principal once.`,
        ],
        [
            "values other than strings in a list of principals",
            { readers: [["user:a@example.com"], null, 7, true, {}] },
            ...[
                '["user:a@example.com"] is a list',
                "null is an empty value",
                "7 is a number",
                "true is a boolean",
                "{} is a map",
            ].map(
                (found, index) =>
                    `python-registry:readers[${index}]: ${found}, not a string. Allowed: an IAM principal, for example group:team@example.com.`,
            ),
        ],
        [
            "a misspelled option",
            { access: "aditive", keyring: "Import", publicPackages: "PyPI" },
            `python-registry:access: "aditive" is not valid. Allowed: authoritative, additive. Did you mean "additive"?`,
            `python-registry:publicPackages: "PyPI" is not valid. Allowed: pypi, mirror, none. Did you mean "pypi"?`,
            `python-registry:keyring: "Import" is not valid. Allowed: auto, import, subprocess. Did you mean "import"?`,
        ],
        [
            "another type instead of a boolean",
            { protect: "yes", enableApis: 1, allowPublic: null },
            `python-registry:allowPublic: null is an empty value, not a boolean. Allowed: true, false.`,
            `python-registry:enableApis: 1 is a number, not a boolean. Allowed: true, false.`,
            `python-registry:protect: "yes" is a string, not a boolean. Allowed: true, false.`,
        ],
        [
            "label keys and values",
            { labels: { Team: "Platform One", "a.b": "x", n: 2 } },
            `python-registry:labels.Team: "Team" is not valid. ${labelKeys} Did you mean "team"?`,
            `python-registry:labels.Team: "Platform One" is not valid. ${labelValues} Did you mean "platform-one"?`,
            `python-registry:labels["a.b"]: "a.b" is not valid. ${labelKeys} Did you mean "a-b"?`,
            `python-registry:labels.n: 2 is a number, not a string. ${labelValues}`,
        ],
        [
            "labels that are too long",
            { labels: { ["k".repeat(64)]: "v", k: "v".repeat(64) } },
            `python-registry:labels.${"k".repeat(64)}: "${"k".repeat(64)}" is not valid. ${labelKeys}`,
            `python-registry:labels.k: "${"v".repeat(64)}" is not valid. ${labelValues}`,
        ],
        [
            "a list instead of a map",
            { labels: [], serviceAccounts: [{ access: "reader" }] },
            `python-registry:labels: [] is a list, not a map. Allowed: a map of labels.`,
            `python-registry:serviceAccounts: [{"access":"reader"}] is a list, not a map. Allowed: a map from account id to {access, existing, displayName, keys, impersonators}.`,
        ],
        [
            "names that every JavaScript object has, which the parser would ignore without a message",
            {
                labels: JSON.parse('{"__proto__": "x"}'),
                serviceAccounts: { constructor: { access: "reader" }, prototype: { access: "reader" } },
            },
            `python-registry:labels.__proto__: "__proto__" is a reserved name. Allowed: any other name.`,
            `python-registry:serviceAccounts.constructor: "constructor" is a reserved name. Allowed: any other name.`,
            `python-registry:serviceAccounts.prototype: "prototype" is a reserved name. Allowed: any other name.`,
        ],
        [
            "invalid account ids",
            { serviceAccounts: { Python_CI: { access: "reader" }, ci: { access: "reader" } } },
            `python-registry:serviceAccounts.Python_CI: "Python_CI" is not valid. ${accountIds} Did you mean "python-ci"?`,
            `python-registry:serviceAccounts.ci: "ci" is not valid. ${accountIds}`,
        ],
        [
            "an account without access",
            account({}),
            `python-registry:serviceAccounts.ci-reader.access: is not set. Allowed: reader, writer, admin.`,
        ],
        [
            "an account with an invalid access",
            account({ access: "write" }),
            `python-registry:serviceAccounts.ci-reader.access: "write" is not valid. Allowed: reader, writer, admin. Did you mean "writer"?`,
        ],
        [
            "a string instead of an account",
            account("reader"),
            `python-registry:serviceAccounts.ci-reader: "reader" is a string, not a map. Allowed: a map with the keys access, existing, displayName, keys and impersonators.`,
        ],
        [
            "unknown keys of an account, each of them",
            account({ access: "reader", key: [], roles: 1 }),
            `python-registry:serviceAccounts.ci-reader.key: "key" is an unknown key (its value: []). Allowed: access, existing, displayName, keys, impersonators. Did you mean "keys"?`,
            `python-registry:serviceAccounts.ci-reader.roles: "roles" is an unknown key (its value: 1). Allowed: access, existing, displayName, keys, impersonators.`,
        ],
        [
            "a display name that is too long",
            account({ access: "reader", displayName: "x".repeat(101) }),
            `python-registry:serviceAccounts.ci-reader.displayName: "${"x".repeat(101)}" is too long. Allowed: at most 100 bytes in UTF-8.`,
        ],
        [
            "an invalid name of a key generation",
            account({ access: "reader", keys: ["2026/11", "a\n", 2026, ""] }),
            `python-registry:serviceAccounts.ci-reader.keys[0]: "2026/11" is not valid. ${generationNames} Did you mean "2026-11"?`,
            `python-registry:serviceAccounts.ci-reader.keys[1]: "a\\n" is not valid. ${generationNames} Did you mean "a"?`,
            `python-registry:serviceAccounts.ci-reader.keys[2]: 2026 is a number, not a string. ${generationNames}`,
            `python-registry:serviceAccounts.ci-reader.keys[3]: "" is not valid. ${generationNames}`,
        ],
        [
            "a generation twice, also in another case",
            account({ access: "reader", keys: ["a", "b", "a", "B"] }),
            `python-registry:serviceAccounts.ci-reader.keys[2]: "a" is listed twice. Allowed: each generation once.`,
            `python-registry:serviceAccounts.ci-reader.keys[3]: "B" is listed twice (case is ignored). Allowed: each generation once.`,
        ],
        [
            "a string instead of a list of generations",
            account({ access: "reader", keys: "2026-11" }),
            `python-registry:serviceAccounts.ci-reader.keys: "2026-11" is a string, not a list. Allowed: a list of key generation names. Did you mean ["2026-11"]?`,
        ],
        [
            "an account with 11 keys",
            account({ access: "reader", keys: eleven }),
            `python-registry:serviceAccounts.ci-reader.keys: ${JSON.stringify(eleven)} has 11 keys. Allowed: at most 10 for each account.`,
        ],
    ];
    for (const [what, values, ...mistakes] of cases) {
        it(what, () => {
            const given = Object.entries({ ...place, ...values }).filter(([, value]) => value !== undefined);
            assert.deepEqual(mistakesIn(Object.fromEntries(given)), mistakes);
        });
    }

    it("a display name is measured in bytes, as IAM does", () => {
        const named = (displayName: string) => ({
            ...place,
            serviceAccounts: { "ci-reader": { access: "reader", displayName } },
        });
        assert.deepEqual(accepted(named("ü".repeat(50))).notices, []);
        assert.match(
            mistakesIn(named("ü".repeat(51)))[0]!,
            /is too long\. Allowed: at most 100 bytes in UTF-8\.$/,
        );
    });

    it("the labels that Pulumi and the program set cannot be configured", () => {
        for (const label of ["goog-pulumi-provisioned", "python-registry-stack"]) {
            assert.match(
                mistakesIn({ ...place, labels: { [label]: "false" } })[0]!,
                /is a label that Pulumi or this program sets\./,
            );
        }
    });

    it("62 labels are accepted, 63 are not, because Pulumi and the program add one each", () => {
        const labels = (count: number) =>
            Object.fromEntries(many(count, (index) => `l${index}`).map((l) => [l, ""]));
        assert.deepEqual(accepted({ labels: labels(62) }).settings.labels, labels(62));
        const [mistake, ...more] = mistakesIn({ ...place, labels: labels(63) });
        assert.match(mistake!, /^python-registry:labels: \{"l0".*… has 63 labels\. Allowed: at most 62\. /);
        assert.deepEqual(more, []);
    });

    it("a long value is truncated, but never inside a character", () => {
        const [mistake] = mistakesIn({ ...place, repository: `x${"😀".repeat(1000)}` });
        assert.ok(
            mistake!.startsWith(`python-registry:repository: "x${"😀".repeat(57)}… is not valid.`),
            mistake,
        );
        assert.ok(mistake!.isWellFormed());
    });

    it("10 keys are accepted", () => {
        const keys = eleven.slice(1);
        assert.deepEqual(
            accepted(account({ access: "reader", keys })).settings.serviceAccounts?.["ci-reader"],
            {
                access: "reader",
                keys,
            },
        );
    });
});

describe("settings: IAM's limits on one policy", () => {
    const where = "python-registry:readers, writers, admins, serviceAccounts:";
    const tooMany = (count: number) =>
        `${where} ${count} principals are too many for one policy. Allowed: at most 1500, where a principal counts once for each role. Use groups.`;
    const tooManyGroups = (count: number) =>
        `${where} ${count} groups and domains are too many for one policy. Allowed: at most 250, where a group counts once and a domain counts once for each role. Nest groups.`;
    const groups = (count: number) => many(count, (index) => `group:g${index}@example.com`);
    const domains = (count: number) => many(count, (index) => `domain:d${index}.example.com`);
    const mistakes = (values: Values) => mistakesIn({ ...place, serviceAccounts: {}, ...values });

    it("1,500 principals are accepted", () => {
        assert.deepEqual(mistakes({ readers: users(700), writers: users(800, 700) }), []);
    });

    it("1,501 principals are not accepted", () => {
        assert.deepEqual(mistakes({ readers: users(700), writers: users(801, 700) }), [tooMany(1501)]);
    });

    it("dedicated accounts also count", () => {
        assert.deepEqual(
            mistakes({ readers: users(1500), serviceAccounts: { "ci-one": { access: "admin" } } }),
            [tooMany(1501)],
        );
    });

    it("a principal counts once for each role", () => {
        assert.deepEqual(mistakes({ readers: users(751), admins: users(750) }), [tooMany(1501)]);
    });

    it("250 groups and domains are accepted, 251 are not", () => {
        assert.deepEqual(mistakes({ readers: [...groups(200), ...domains(50)] }), []);
        assert.deepEqual(mistakes({ readers: [...groups(200), ...domains(51)] }), [tooManyGroups(251)]);
    });

    it("a group counts once, even in several roles and in different case", () => {
        const capitals = groups(250).map((group) => group.replace("@example", "@EXAMPLE"));
        assert.deepEqual(mistakes({ readers: groups(250), writers: capitals, admins: groups(250) }), []);
    });

    it("a domain counts once for each role", () => {
        assert.deepEqual(mistakes({ readers: domains(126), writers: domains(125) }), [tooManyGroups(251)]);
    });
});

describe("settings: a region that is newer than the list of locations", () => {
    const skipped = { "gcp:skipRegionValidation": "true" };
    const accepts = "is an unknown location. It is accepted because gcp:skipRegionValidation is true.";

    it("is accepted with a warning if gcp:skipRegionValidation is true", () => {
        for (const [location, suggestion] of [
            ["europe-west13", ' Did you mean "europe-west1"?'],
            ["olympus-mons7", ""],
            ["u-germany-northeast1", ""],
        ] as const) {
            const { settings, notices } = accepted({ location, ...skipped });
            assert.equal(settings.location, location);
            assert.deepEqual(notices, [`python-registry:location: "${location}" ${accepts}${suggestion}`]);
        }
    });

    it("is also accepted from gcp:region, and reported under that key", () => {
        const { settings, notices } = accepted({ location: "", "gcp:region": "us-east9", ...skipped });
        assert.equal(settings.location, "us-east9");
        assert.deepEqual(notices, [`gcp:region: "us-east9" ${accepts} Did you mean "us-east1"?`]);
    });

    it("does not appear in the warning if it is secret, nor does a suggestion", () => {
        for (const [key, location] of [
            ["python-registry:location", "us-east9"],
            ["gcp:region", ""],
        ] as const) {
            const parsed = parseSettings(
                stackConfig({ ...place, location, "gcp:region": "us-east9", ...skipped }),
                new Set([key]),
            );
            assert.ok("notices" in parsed);
            assert.equal(parsed.notices[0], `${key}: [secret] ${accepts}`);
            assert.doesNotMatch(parsed.notices.join("\n"), /us-east/);
        }
    });

    it("causes no warning if the location is known", () => {
        for (const location of ["europe-west1", "europe"]) {
            assert.deepEqual(accepted({ location, ...skipped }).notices, []);
        }
    });

    it("is a mistake if gcp:skipRegionValidation is not true", () => {
        for (const value of ["false", "", "True", "TRUE", "1", "yes", " true", '"true"']) {
            assert.deepEqual(
                mistakesIn({ ...place, location: "olympus-mons7", "gcp:skipRegionValidation": value }),
                [
                    `python-registry:location: "olympus-mons7" is an unknown location. ${locationForms} ${newRegions}`,
                ],
                value,
            );
        }
    });

    it("is always a mistake if it does not have the form of a region", () => {
        const long = (length: number) => `${"a".repeat(length - 3)}-b1`;
        assert.deepEqual(accepted({ location: long(56), ...skipped }).settings.location, long(56));
        for (const [location, suggestion] of [
            ["mars", ""],
            ["EU", ' Did you mean "europe"?'],
            ["US-East1", ' Did you mean "us-east1"?'],
            ["us-east1-b", ' Did you mean "us-east1"?'],
            ["us_east1", ' Did you mean "us-east1"?'],
            ["europe-west13\n", ' Did you mean "europe-west1"?'],
            ["europe-west13.evil", ' Did you mean "europe-west1"?'],
            ["-europe-west13", ' Did you mean "europe-west1"?'],
            ["olympus--mons7", ""],
            [long(57), ""],
        ] as const) {
            const value = JSON.stringify(location);
            assert.deepEqual(mistakesIn({ ...place, location, ...skipped }), [
                `python-registry:location: ${value} is an unknown location. ${locationForms}${suggestion}`,
            ]);
        }
    });
});

describe("settings: all mistakes of a configuration", () => {
    it("are reported together", () => {
        const mistakes = mistakesIn({
            reposiotry: "x",
            location: "mars-west1",
            labels: { Team: "a" },
            readers: "group:developers@example.com",
            writers: ["alice@example.com", "allUsers"],
            admins: ["user:a@example.com", "user:A@example.com"],
            keyring: "none",
            serviceAccounts: { ci: { access: "write", keys: ["a b"], key: 1 } },
        });
        assert.deepEqual(
            mistakes.map((mistake) => /^\S+: (?=\S)/.exec(mistake)?.[0].slice(0, -2)),
            [
                "python-registry:reposiotry",
                "python-registry:location",
                "gcp:project",
                "python-registry:labels.Team",
                "python-registry:readers",
                "python-registry:writers[0]",
                "python-registry:writers[1]",
                "python-registry:serviceAccounts.ci",
                "python-registry:serviceAccounts.ci.access",
                "python-registry:serviceAccounts.ci.keys[0]",
                "python-registry:keyring",
                "python-registry:serviceAccounts.ci.key",
                "python-registry:admins",
            ],
        );
    });

    describe("stop the program", () => {
        const before = pulumi.runtime.allConfig();
        const withProject = (project: string) =>
            pulumi.runtime.setMocks(
                { call: () => ({}), newResource: () => ({ id: undefined, state: {} }) },
                project,
            );
        beforeEach(() => withProject("python-registry"));
        afterEach(() => {
            pulumi.runtime.setAllConfig(before, []);
        });

        it("with an error that Pulumi prints without a stack trace", () => {
            pulumi.runtime.setAllConfig(stackConfig({ location: "EU", reposiotry: "s3cret" }), [
                "python-registry:reposiotry",
            ]);
            assert.throws(readSettings, (error: unknown) => {
                assert.ok(pulumi.RunError.isInstance(error));
                const [head, ...mistakes] = error.message.split("\n");
                assert.match(
                    head!,
                    /^The configuration of stack ".*" has 3 mistakes; nothing was changed\.$/,
                );
                assert.deepEqual(
                    mistakes.map((line) => line.split(": ")[0]),
                    ["  - python-registry:reposiotry", "  - gcp:project", "  - python-registry:location"],
                );
                assert.doesNotMatch(error.message, /s3cret/);
                return true;
            });
        });

        it("but a valid configuration does not", () => {
            pulumi.runtime.setAllConfig(stackConfig({ ...place, protect: false }), []);
            assert.equal(readSettings().deletionProtection, false);
        });

        it("unless they are in the namespace of a project with a different name", async () => {
            await withProject("acme-python");
            pulumi.runtime.setAllConfig(
                {
                    "gcp:project": "acme-tools",
                    "acme-python:location": "us",
                    "acme-python:protect": "false",
                },
                [],
            );
            assert.equal(readSettings().deletionProtection, false);
        });

        it("if they are in the namespace of this project, but its name is different", () => {
            const { "gcp:project": project, ...settings } = stackConfig({ ...place, protect: false });
            assert.deepEqual(
                parseSettings({ "gcp:project": project ?? "", ...settings }, new Set(), "acme-python"),
                {
                    mistakes: [
                        "python-registry:location: is not a key of this project, whose name is acme-python. Rename the key to acme-python:location",
                        "python-registry:protect: is not a key of this project, whose name is acme-python. Rename the key to acme-python:protect",
                        "acme-python:location: is not set. Allowed: a region, or us, europe, asia. Set it with: pulumi config set location LOCATION",
                    ],
                },
            );
        });

        it("if they are in the namespace of another project, and no provider has such a key", () => {
            const settings = { "gcp:project": "acme-tools", "acme-python:location": "us" };
            assert.deepEqual(
                parseSettings(
                    { ...settings, "acme-old:readers": "[]", "acme-old:location": "eu", "gcp:region": "a" },
                    new Set(),
                    "acme-python",
                ),
                {
                    mistakes: [
                        "acme-old:readers: is not a key of this project, whose name is acme-python. Rename the key to acme-python:readers",
                    ],
                },
            );
            assert.ok(
                "settings" in
                    parseSettings({ ...settings, "azure-native:location": "eu" }, new Set(), "acme-python"),
            );
        });
    });
});

describe("settings: a principal with two roles", () => {
    it("causes a notice, not a mistake, because the wider role includes the other", () => {
        const { notices, settings } = accepted({
            readers: ["user:Alice@example.com", "group:all@example.com"],
            writers: ["user:alice@example.com"],
            admins: ["group:all@example.com"],
        });
        assert.deepEqual(notices, [
            "user:alice@example.com is both reader and writer. The role writer includes reader.",
            "group:all@example.com is both reader and admin. The role admin includes reader.",
        ]);
        assert.deepEqual(settings.readers, ["user:alice@example.com", "group:all@example.com"]);
    });

    it("shares one notice with the others, which names the first three", () => {
        const all = many(5, (index) => `user:u${index}@example.com`);
        assert.deepEqual(accepted({ readers: all, writers: all }).notices, [
            "user:u0@example.com, user:u1@example.com, user:u2@example.com, 2 more are both reader and writer. The role writer includes reader.",
        ]);
    });

    it("causes a notice if it is a dedicated account", () => {
        const { notices } = accepted({
            readers: ["serviceAccount:python-publisher@acme-tools.iam.gserviceaccount.com"],
        });
        assert.deepEqual(notices, [
            "serviceAccount:python-publisher@acme-tools.iam.gserviceaccount.com is both reader and writer. The role writer includes reader.",
        ]);
    });
});

describe("settings: a secret value never appears in a message", () => {
    const secret = "s3cret";
    const cases: [where: string, key: string, value: unknown][] = [
        ["a project", "gcp:project", "S3cret Project"],
        ["a region", "gcp:region", "s3cret-west1"],
        ["a location that is close to one", "location", "us-east11"],
        ["a repository, and its suggested spelling", "repository", "S3cret_Repository"],
        ["a principal without a prefix, and its suggestions", "readers", [`${secret}@example.com`]],
        ["the type of a principal", "readers", [`${secret}:x`]],
        ["the suggestion for a misspelled type", "readers", [`usr:${secret}@example.com`]],
        [
            "a service account with the prefix of a user",
            "readers",
            [`user:${secret}@p.iam.gserviceaccount.com`],
        ],
        ["a principal that is listed twice", "readers", [`user:${secret}@a.com`, `user:${secret}@A.com`]],
        [
            "a dedicated account",
            "writers",
            ["serviceAccount:python-publisher@acme-tools.iam.gserviceaccount.com"],
        ],
        ["a string instead of a list", "readers", `user:${secret}@example.com`],
        ["the value of a label", "labels", { team: "S3cret" }],
        ["the key of a label", "labels", { S3cret: "x" }],
        ["an account id", "serviceAccounts", { S3cret: { access: "reader" } }],
        ["the access of an account", "serviceAccounts", { "s3cret-id": { access: secret } }],
        [
            "an unknown key of an account",
            "serviceAccounts",
            { "s3cret-id": { access: "reader", [secret]: secret } },
        ],
        [
            "the entries of a reserved account id",
            "serviceAccounts",
            { constructor: { access: secret, [secret]: 1 } },
        ],
        ["a generation", "serviceAccounts", { "s3cret-id": { access: "reader", keys: ["s3cret!"] } }],
        [
            "a generation twice",
            "serviceAccounts",
            { "s3cret-id": { access: "reader", keys: [secret, secret] } },
        ],
        ["an unknown setting", "reposiotry", secret],
        ["a boolean", "protect", secret],
        ["an option", "keyring", secret],
    ];
    for (const [where, key, value] of cases) {
        it(where, () => {
            const full = key.includes(":") ? key : `python-registry:${key}`;
            const { location, ...rest } = place;
            const values = { ...(key === "gcp:region" ? rest : { ...rest, location }), [key]: value };
            const open = mistakesIn(values).join("\n");
            assert.match(open, /s3cret|us-east1|publisher/i, "the value is shown if it is not secret");
            const hidden = mistakesIn(values, [full]);
            assert.notEqual(hidden.length, 0);
            for (const mistake of hidden) {
                assert.ok(mistake.startsWith(`${full}: `), mistake);
                assert.ok(mistake.includes("[secret]"), mistake);
                assert.doesNotMatch(mistake, /s3cret|us-east1|publisher/i);
            }
        });
    }

    it("and the notice about a secret member of two roles does not name it", () => {
        const members = { readers: ["user:s3cret@example.com"], writers: ["user:s3cret@example.com"] };
        const parsed = parseSettings(
            stackConfig({ ...place, ...members }),
            new Set(["python-registry:writers"]),
        );
        assert.ok("notices" in parsed);
        assert.deepEqual(parsed.notices, [
            "1 of the principals is both reader and writer. The role writer includes reader.",
            "python-registry:writers is encrypted in the configuration, but appears in plain text in the state and the outputs.",
        ]);
    });

    it("but the report still has the message, the allowed values, and the suggestion for an unknown key", () => {
        assert.deepEqual(mistakesIn({ ...place, repository: "A_B" }, ["python-registry:repository"]), [
            `python-registry:repository: [secret] is not valid. ${repositoryIds}`,
        ]);
        assert.deepEqual(mistakesIn({ ...place, reposiotry: "x" }, ["python-registry:reposiotry"]), [
            `python-registry:reposiotry: "reposiotry" is an unknown key (its value: [secret]). ${settingNames} Did you mean "repository"?`,
        ]);
    });
});

describe("Pulumi.yaml", () => {
    interface Declaration {
        readonly type?: string;
        readonly description?: string;
        readonly default?: unknown;
        readonly items?: unknown;
    }
    const project = parse(readFileSync(join(__dirname, "../../Pulumi.yaml"), "utf8")) as {
        name: string;
        config: Record<string, Declaration>;
    };
    // Keys with a namespace configure the provider.
    const declared = Object.fromEntries(Object.entries(project.config).filter(([key]) => !key.includes(":")));
    const known = /Allowed: ([\w, ]+)\./.exec(mistakesIn({ ...place, nothing: "" })[0]!)![1]!.split(", ");

    it("has the name of the namespace of the settings", () => {
        assert.equal(project.name, "python-registry");
    });

    it("declares every setting and nothing else", () => {
        assert.deepEqual(Object.keys(declared).sort(), known.sort());
    });

    for (const [key, { type, description, items, ...rest }] of Object.entries(declared)) {
        it(`gives ${key} a type, a description and a default of that type`, () => {
            assert.match(description ?? "", /\w.*\.$/s);
            assert.ok("default" in rest);
            const found = Array.isArray(rest.default)
                ? "array"
                : Number.isInteger(rest.default)
                  ? "integer"
                  : typeof rest.default;
            assert.equal(found, type);
            assert.deepEqual(items, type === "array" ? { type: "string" } : undefined);
        });
    }

    it("declares the same defaults as the schema", () => {
        const { deletionProtection: protect, ...others } = accepted({}).settings;
        const settings: Readonly<Record<string, unknown>> = { ...others, protect };
        for (const [key, { default: value }] of Object.entries(declared)) {
            if (key in settings && !["location", "access"].includes(key)) {
                assert.deepEqual(settings[key], value, key);
            }
        }
        // For settings without a default value, an empty string means not set.
        const rest = Object.keys(declared).filter(
            (key) => !(key in settings) || ["location", "access"].includes(key),
        );
        assert.deepEqual(Object.fromEntries(rest.map((key) => [key, declared[key]!.default])), {
            location: "",
            existing: "",
            description: "",
            access: "",
            workloads: {},
            pool: {},
            projectNumber: 0,
            mirror: {},
            cooldown: {},
            cleanup: {},
            encryption: {},
            scanning: false,
            auditLogs: [],
        });
    });

    it("declares defaults that have the same effect as unset keys", () => {
        const defaults = Object.fromEntries(
            Object.entries(declared).map(([key, entry]) => [key, entry.default]),
        );
        const { location } = place;
        assert.deepEqual(accepted({ ...defaults, location }), accepted({}));
        assert.match(mistakesIn({ ...place, ...defaults }).join(), /^python-registry:location: is not set\./);
    });
});

describe("settings: resources that already exist", () => {
    it("need an explicit access mode", () => {
        for (const existing of ["use", "adopt"]) {
            assert.deepEqual(mistakesIn({ ...place, existing, access: "" }), [
                `python-registry:access: is not set. Allowed with existing: ${existing}: authoritative (the stack removes all other members of the roles that it grants; the preview lists them), additive (the stack only adds its own members).`,
            ]);
            for (const access of ["authoritative", "additive"]) {
                const { settings } = accepted({ existing, access });
                assert.deepEqual([settings.existing, settings.access], [existing, access]);
            }
        }
        const serviceAccounts = { "ci-builds": { access: "writer", existing: "use" } };
        assert.deepEqual(accepted({ serviceAccounts }).settings.serviceAccounts, serviceAccounts);
    });

    it("cannot have settings if they are only used, because the owner manages them", () => {
        const owners =
            "cannot be set with existing: use, because the owner manages the resource. Allowed: remove it, or set existing: adopt.";
        const account = { access: "writer", existing: "use", displayName: "CI" };
        const values = {
            description: "Ours",
            labels: { team: "x" },
            serviceAccounts: { "ci-builds": account },
        };
        assert.deepEqual(mistakesIn({ ...place, ...values, existing: "use", access: "additive" }), [
            `python-registry:description: "Ours" ${owners}`,
            `python-registry:labels: {"team":"x"} ${owners}`,
            `python-registry:serviceAccounts.ci-builds.displayName: "CI" ${owners}`,
        ]);
        const adopted = { ...values, serviceAccounts: { "ci-builds": { ...account, existing: "adopt" } } };
        assert.ok(accepted({ ...adopted, existing: "adopt", access: "additive" }));
    });

    it("can only be used or adopted", () => {
        assert.deepEqual(
            mistakesIn({
                ...place,
                existing: "adpot",
                serviceAccounts: { "ci-builds": { access: "reader", existing: true } },
            }),
            [
                'python-registry:existing: "adpot" is not valid. Allowed: use, adopt. Did you mean "adopt"?',
                "python-registry:serviceAccounts.ci-builds.existing: true is not valid. Allowed: use, adopt.",
            ],
        );
    });
});

describe("settings: internal packages", () => {
    const allowed = 'Allowed: a package name (acme-core), or a prefix that ends with an asterisk ("acme-*").';

    it("are normalized", () => {
        const { settings } = accepted({ internalPackages: ["Acme_Core", "acme.util", "ACME__*", "a", "a*"] });
        assert.deepEqual(settings.internalPackages, ["acme-core", "acme-util", "acme-*", "a", "a*"]);
    });

    it("are names or prefixes, without duplicates", () => {
        assert.deepEqual(
            mistakesIn({
                ...place,
                internalPackages: [
                    "*",
                    "acme-",
                    "*-core",
                    "acme core",
                    "",
                    "ok",
                    "OK",
                    "a_b",
                    "a-b",
                    "x*",
                    "x*",
                ],
            }),
            [
                `python-registry:internalPackages[0]: "*" is not valid. ${allowed}`,
                `python-registry:internalPackages[1]: "acme-" is not valid. ${allowed} Did you mean "acme"?`,
                `python-registry:internalPackages[2]: "*-core" is not valid. ${allowed}`,
                `python-registry:internalPackages[3]: "acme core" is not valid. ${allowed} Did you mean "acme-core"?`,
                `python-registry:internalPackages[4]: "" is not valid. ${allowed}`,
                'python-registry:internalPackages[6]: "OK" is listed twice (case is ignored; -, _ and . are equal). Allowed: each package once.',
                'python-registry:internalPackages[8]: "a-b" is listed twice (case is ignored; -, _ and . are equal). Allowed: each package once.',
                'python-registry:internalPackages[10]: "x*" is listed twice. Allowed: each package once.',
            ],
        );
        assert.deepEqual(mistakesIn({ ...place, internalPackages: "acme" }), [
            'python-registry:internalPackages: "acme" is a string, not a list. Allowed: a list of package names and prefixes. Did you mean ["acme"]?',
        ]);
    });
});
