import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { stackConfig } from "../../sandbox/engines/stack-config";
import { parseSettings, readSettings, type Settings } from "../../src/settings/settings";

type Values = Record<string, unknown>;

const place: Values = { "gcp:project": "acme-tools", location: "europe-west1" };

function mistakesIn(values: Values, secretKeys: readonly string[] = []): readonly string[] {
    const parsed = parseSettings(stackConfig(values), new Set(secretKeys));
    return "mistakes" in parsed ? parsed.mistakes : [];
}

function accepted(values: Values): { settings: Settings; notices: readonly string[] } {
    const parsed = parseSettings(stackConfig({ ...place, ...values }));
    assert.ok("settings" in parsed, JSON.stringify(parsed));
    return parsed;
}

const principalForms =
    "Allowed: user:, group: or serviceAccount: and an e-mail address, domain: and a domain, principal://… or principalSet://….";
const settingNames =
    "Allowed: location, repository, existing, description, labels, readers, writers, admins, access, allowPublic, serviceAccounts, internalPackages, keyring, enableApis, protect.";
const repositoryIds =
    "Allowed: 1 to 63 lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen.";
const projectIds =
    "Allowed: 6 to 30 lower-case letters, digits and hyphens, starting with a letter; older projects have their domain in front (example.com:tools).";
const accountIds =
    "Allowed: account ids of 6 to 30 lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen.";
const labelKeys =
    "Allowed: label keys of 1 to 63 lower-case letters, digits, _ and -, starting with a letter.";
const labelValues = "Allowed: label values of at most 63 lower-case letters, digits, _ and -.";
const generationNames =
    'Allowed: key generation names of 1 to 63 letters, digits, ., _ and -, as in "2026-11" (with the quotes).';
const locationForms = "Allowed: a region such as europe-west1, or us, europe, asia.";
const newRegions = "If the region is new, `pulumi config set gcp:skipRegionValidation true` accepts it.";

/** `count` different principals. */
const many = (count: number, form: (index: number) => string) =>
    Array.from({ length: count }, (_, i) => form(i));
const users = (count: number, from = 0) => many(count, (index) => `user:u${from + index}@example.com`);

describe("settings: what is left out", () => {
    it("is filled in, given a project and a location", () => {
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
                serviceAccounts: { "python-publisher": { access: "writer" } },
                internalPackages: [],
                keyring: "auto",
                enableApis: true,
                protect: true,
            },
            notices: [],
        });
    });

    it("is the location: gcp:region stands in", () => {
        const { settings } = accepted({ location: "", "gcp:region": "us-east1" });
        assert.equal(settings.location, "us-east1");
    });

    it("is not the location: gcp:region does not count then", () => {
        const { settings } = accepted({ location: "europe", "gcp:region": "mars" });
        assert.equal(settings.location, "europe");
    });

    it("may be every account and every member", () => {
        const { settings } = accepted({ serviceAccounts: {}, readers: [] });
        assert.deepEqual([settings.serviceAccounts, settings.readers], [{}, []]);
    });
});

describe("settings: what is given", () => {
    it("is taken over", () => {
        const given = {
            repository: "internal-python",
            description: "Packages of the teams: [a], b = c\nand more",
            labels: { team: "platform", "größe-1": "", stage_2: "3" },
            readers: ["group:developers@acme.example", "domain:acme.example"],
            writers: [
                "principalSet://iam.googleapis.com/projects/1/x/attribute.repository_id/7",
                "serviceAccount:acme-dev.svc.id.goog[builds/publisher]",
            ],
            admins: ["user:o'neil+x@acme.example", "serviceAccount:ci@acme-ci.iam.gserviceaccount.com"],
            access: "additive",
            serviceAccounts: {
                "python-reader": { access: "reader", displayName: "Reads", keys: ["2026-11", "2027.02_b"] },
            },
            internalPackages: ["acme-core", "acme-*", "acme*"],
            keyring: "subprocess",
            enableApis: false,
            protect: false,
        };
        assert.deepEqual(accepted(given), {
            settings: { project: "acme-tools", location: "europe-west1", ...given },
            notices: [],
        });
    });

    it("has its addresses in lower case, as IAM stores them, and federated identities as they are", () => {
        const { settings } = accepted({
            readers: ["user:Alice@Example.COM", "domain:Example.com"],
            admins: [
                "serviceAccount:CI@p.iam.gserviceaccount.com",
                "principal://iam.googleapis.com/X/Subject",
            ],
        });
        assert.deepEqual(settings.readers, ["user:alice@example.com", "domain:example.com"]);
        assert.deepEqual(settings.admins, [
            "serviceAccount:ci@p.iam.gserviceaccount.com",
            "principal://iam.googleapis.com/X/Subject",
        ]);
    });

    it("may be a domain-scoped project", () => {
        for (const project of ["example.com:tools", "example.com:a", "xn--p1ai.xn--p1ai:tools-1"]) {
            assert.equal(accepted({ "gcp:project": project }).settings.project, project);
        }
    });

    it("may let everyone download, if allowPublic says so", () => {
        const { settings } = accepted({ readers: ["allUsers"], allowPublic: true });
        assert.deepEqual(settings.readers, ["allUsers"]);
    });

    it("may come as text where pulumi config set wrote no JSON type", () => {
        assert.equal(accepted({ protect: "false" }).settings.protect, false);
    });

    it("in another namespace is none of our business", () => {
        accepted({ "gcp:projct": "x", "python-registry-2:reposiotry": "x", "aws:region": "x" });
    });

    for (const limit of ["a", "a".repeat(63), "a-b", "a1"]) {
        it(`may be a repository id of ${limit.length} characters: ${limit.slice(0, 5)}`, () => {
            assert.equal(accepted({ repository: limit }).settings.repository, limit);
        });
    }
});

describe("settings: a mistake is told with key, value, what is allowed and what was likely meant:", () => {
    const everyoneAs = (what: string) =>
        `would let everyone ${what}. Allowed: allUsers and allAuthenticatedUsers only among the readers, and only with allowPublic: true.`;
    const noAddress =
        "does not have a valid e-mail address. Allowed: user: and an address, as in user:name@example.com.";
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
            "python-registry:location: is not set. Allowed: a region, or us, europe, asia. Set it with: pulumi config set python-registry:location LOCATION",
        ],
        [
            "a project's name for its id",
            { "gcp:project": "Acme Tools" },
            `gcp:project: "Acme Tools" is not valid. ${projectIds} Did you mean "acme-tools"?`,
        ],
        [
            "an unknown key",
            { reposiotry: "internal" },
            `python-registry:reposiotry: "reposiotry" is an unknown key (its value: "internal"). ${settingNames} Did you mean "repository"?`,
        ],
        [
            "the beginning of a key",
            { read: "[]" },
            `python-registry:read: "read" is an unknown key (its value: "[]"). ${settingNames} Did you mean "readers"?`,
        ],
        [
            "a key that is near none",
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
            "a region that is near none",
            { location: "olympus-mons7" },
            `python-registry:location: "olympus-mons7" is an unknown location. ${locationForms} ${newRegions}`,
        ],
        [
            "a zone for a region",
            { location: "us-east1-b" },
            `python-registry:location: "us-east1-b" is an unknown location. ${locationForms} Did you mean "us-east1"?`,
        ],
        [
            "a multi-region's other name",
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
            `python-registry:repository: "a]\\n[evil]\\nindex-url = https://evil.example" is not valid. ${repositoryIds} Did you mean "a-evil-index-url-https-evil-example"?`,
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
            "the name of .pypirc's own section",
            { repository: "distutils" },
            `python-registry:repository: "distutils" cannot be told from .pypirc's own section of this name. Allowed: any other name.`,
        ],
        [
            "a text where a list belongs",
            { readers: "group:developers@example.com" },
            `python-registry:readers: "group:developers@example.com" is text where a list belongs. Allowed: a list of IAM principals. Did you mean ["group:developers@example.com"]? Set it with: pulumi config set --path 'python-registry:readers[0]' PRINCIPAL`,
        ],
        [
            "a map where a list belongs",
            { writers: { a: 1 } },
            `python-registry:writers: {"a":1} is a map where a list belongs. Allowed: a list of IAM principals.`,
        ],
        [
            "an address without a prefix: a user's or a group's",
            { readers: ["alice@example.com"] },
            `python-registry:readers[0]: "alice@example.com" is not an IAM principal. ${principalForms} Did you mean "user:alice@example.com" or "group:alice@example.com"?`,
        ],
        [
            "a service account's address without a prefix",
            { writers: ["ci@p.iam.gserviceaccount.com"] },
            `python-registry:writers[0]: "ci@p.iam.gserviceaccount.com" is not an IAM principal. ${principalForms} Did you mean "serviceAccount:ci@p.iam.gserviceaccount.com"?`,
        ],
        [
            "a service account taken for a user",
            { writers: ["user:ci@p.iam.gserviceaccount.com"] },
            `python-registry:writers[0]: "user:ci@p.iam.gserviceaccount.com" is a service account's address, which IAM takes only as serviceAccount:. Did you mean "serviceAccount:ci@p.iam.gserviceaccount.com"?`,
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
                    "principalset://iam.googleapis.com/x/y",
                ],
            },
            `python-registry:readers[0]: "serviceacount:ci@p.iam.gserviceaccount.com" has an unknown type. ${principalForms} Did you mean "serviceAccount:ci@p.iam.gserviceaccount.com"?`,
            `python-registry:readers[1]: "principalset://iam.googleapis.com/x/y" has an unknown type. ${principalForms} Did you mean "principalSet://iam.googleapis.com/x/y"?`,
        ],
        [
            "an unknown prefix, with no guess that would not be valid itself",
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
            `python-registry:readers[3]: "user: alice@example.com" ${noAddress}`,
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
            `python-registry:readers[0]: "principal://" does not name a federated identity. Allowed: principal:// and a path, as in principal://iam.googleapis.com/….`,
            `python-registry:readers[1]: "principalSet:x" does not name a federated identity. Allowed: principalSet:// and a path, as in principalSet://iam.googleapis.com/….`,
        ],
        [
            "a domain that is none",
            { readers: ["domain:example"] },
            `python-registry:readers[0]: "domain:example" does not name a domain. Allowed: domain: and a domain, as in domain:example.com.`,
        ],
        [
            "everyone as writers and admins, with allowPublic too",
            { writers: ["allUsers"], admins: ["allAuthenticatedUsers"], allowPublic: true },
            `python-registry:writers[0]: "allUsers" ${everyoneAs("upload")}`,
            `python-registry:admins[0]: "allAuthenticatedUsers" ${everyoneAs("delete packages")}`,
        ],
        [
            "everyone as readers without allowPublic",
            { readers: ["allUsers", "allAuthenticatedUsers"] },
            `python-registry:readers: "allUsers" would let everyone download. Allowed: only with python-registry:allowPublic: true, if that is meant.`,
            `python-registry:readers: "allAuthenticatedUsers" would let everyone download. Allowed: only with python-registry:allowPublic: true, if that is meant.`,
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
            `python-registry:readers: "group:dev@example.com" is listed twice (as "group:Dev@Example.com": case does not count). Allowed: each principal once.`,
        ],
        [
            "a dedicated account listed once more",
            { writers: ["serviceAccount:Python-Publisher@acme-tools.iam.gserviceaccount.com"] },
            `python-registry:writers: "serviceAccount:Python-Publisher@acme-tools.iam.gserviceaccount.com" already has this role through serviceAccounts. Allowed: each principal once.`,
        ],
        [
            "a dedicated account of a domain-scoped project listed once more",
            {
                "gcp:project": "example.com:tools-1",
                writers: ["serviceAccount:python-publisher@tools-1.example.com.iam.gserviceaccount.com"],
            },
            `python-registry:writers: "serviceAccount:python-publisher@tools-1.example.com.iam.gserviceaccount.com" already has this role through serviceAccounts. Allowed: each principal once.`,
        ],
        [
            "what is no text in a list of principals",
            { readers: [["user:a@example.com"], null, 7, true, {}] },
            ...[
                '["user:a@example.com"] is a list',
                "null is an empty value",
                "7 is a number",
                "true is true or false",
                "{} is a map",
            ].map(
                (found, index) =>
                    `python-registry:readers[${index}]: ${found} where text belongs. Allowed: an IAM principal, as in group:team@example.com.`,
            ),
        ],
        [
            "one of two words, misspelled",
            { access: "aditive", keyring: "Import" },
            `python-registry:access: "aditive" is not valid. Allowed: authoritative, additive. Did you mean "additive"?`,
            `python-registry:keyring: "Import" is not valid. Allowed: auto, import, subprocess. Did you mean "import"?`,
        ],
        [
            "something else where true or false belongs",
            { protect: "yes", enableApis: 1, allowPublic: null },
            `python-registry:allowPublic: null is an empty value where true or false belongs. Allowed: true, false.`,
            `python-registry:enableApis: 1 is a number where true or false belongs. Allowed: true, false.`,
            `python-registry:protect: "yes" is text where true or false belongs. Allowed: true, false.`,
        ],
        [
            "label keys and values",
            { labels: { Team: "Platform One", "a.b": "x", n: 2 } },
            `python-registry:labels.Team: "Team" is not valid. ${labelKeys} Did you mean "team"?`,
            `python-registry:labels.Team: "Platform One" is not valid. ${labelValues} Did you mean "platform-one"?`,
            `python-registry:labels["a.b"]: "a.b" is not valid. ${labelKeys} Did you mean "a-b"?`,
            `python-registry:labels.n: 2 is a number where text belongs. ${labelValues}`,
        ],
        [
            "labels that are too long",
            { labels: { ["k".repeat(64)]: "v", k: "v".repeat(64) } },
            `python-registry:labels.${"k".repeat(64)}: "${"k".repeat(64)}" is not valid. ${labelKeys}`,
            `python-registry:labels.k: "${"v".repeat(64)}" is not valid. ${labelValues}`,
        ],
        [
            "a list where a map belongs",
            { labels: [], serviceAccounts: [{ access: "reader" }] },
            `python-registry:labels: [] is a list where a map of labels belongs.`,
            `python-registry:serviceAccounts: [{"access":"reader"}] is a list where a map of account ids to {access, existing, displayName, keys} belongs.`,
        ],
        [
            "names of JavaScript's own, which are not dropped in silence",
            {
                labels: JSON.parse('{"__proto__": "x"}'),
                serviceAccounts: { constructor: { access: "reader" }, prototype: { access: "reader" } },
            },
            `python-registry:labels.__proto__: "__proto__" is a reserved name. Allowed: any other.`,
            `python-registry:serviceAccounts.constructor: "constructor" is a reserved name. Allowed: any other.`,
            `python-registry:serviceAccounts.prototype: "prototype" is a reserved name. Allowed: any other.`,
        ],
        [
            "an account id",
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
            "an account with another word for its access",
            account({ access: "write" }),
            `python-registry:serviceAccounts.ci-reader.access: "write" is not valid. Allowed: reader, writer, admin. Did you mean "writer"?`,
        ],
        [
            "an account that is none",
            account("reader"),
            `python-registry:serviceAccounts.ci-reader: "reader" is text where a map of access, existing, displayName and keys belongs.`,
        ],
        [
            "unknown keys of an account, each of them",
            account({ access: "reader", key: [], roles: 1 }),
            `python-registry:serviceAccounts.ci-reader.key: "key" is an unknown key (its value: []). Allowed: access, existing, displayName, keys. Did you mean "keys"?`,
            `python-registry:serviceAccounts.ci-reader.roles: "roles" is an unknown key (its value: 1). Allowed: access, existing, displayName, keys.`,
        ],
        [
            "an account's display name that is too long",
            account({ access: "reader", displayName: "x".repeat(101) }),
            `python-registry:serviceAccounts.ci-reader.displayName: "${"x".repeat(101)}" is too long. Allowed: at most 100 bytes in UTF-8.`,
        ],
        [
            "a generation's name",
            account({ access: "reader", keys: ["2026/11", "a\n", 2026, ""] }),
            `python-registry:serviceAccounts.ci-reader.keys[0]: "2026/11" is not valid. ${generationNames} Did you mean "2026-11"?`,
            `python-registry:serviceAccounts.ci-reader.keys[1]: "a\\n" is not valid. ${generationNames} Did you mean "a"?`,
            `python-registry:serviceAccounts.ci-reader.keys[2]: 2026 is a number where text belongs. ${generationNames}`,
            `python-registry:serviceAccounts.ci-reader.keys[3]: "" is not valid. ${generationNames}`,
        ],
        [
            "a generation twice, also in another case",
            account({ access: "reader", keys: ["a", "b", "a", "B"] }),
            `python-registry:serviceAccounts.ci-reader.keys[2]: "a" is listed twice. Allowed: each generation once.`,
            `python-registry:serviceAccounts.ci-reader.keys[3]: "B" is listed twice (case does not count). Allowed: each generation once.`,
        ],
        [
            "a text where the list of generations belongs",
            account({ access: "reader", keys: "2026-11" }),
            `python-registry:serviceAccounts.ci-reader.keys: "2026-11" is text where a list belongs. Allowed: a list of key generation names.`,
        ],
        [
            "an account with 11 keys",
            account({ access: "reader", keys: eleven }),
            `python-registry:serviceAccounts.ci-reader.keys: ${JSON.stringify(eleven)} names 11 keys. Allowed: at most 10 an account.`,
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

    it("the labels that Pulumi and the program set are refused", () => {
        for (const label of ["goog-pulumi-provisioned", "python-registry-stack"]) {
            assert.match(
                mistakesIn({ ...place, labels: { [label]: "false" } })[0]!,
                /is a label that Pulumi or this program sets itself/,
            );
        }
    });

    it("63 labels are too many, since Pulumi and the program add one each, and 62 are not", () => {
        const labels = (count: number) =>
            Object.fromEntries(many(count, (index) => `l${index}`).map((l) => [l, ""]));
        assert.deepEqual(accepted({ labels: labels(62) }).settings.labels, labels(62));
        const [mistake, ...more] = mistakesIn({ ...place, labels: labels(63) });
        assert.match(mistake!, /^python-registry:labels: \{"l0".*… has 63 labels\. Allowed: at most 62: /);
        assert.deepEqual(more, []);
    });

    it("a long value is cut, and not between the halves of a character", () => {
        const [mistake] = mistakesIn({ ...place, repository: `x${"😀".repeat(1000)}` });
        assert.ok(
            mistake!.startsWith(`python-registry:repository: "x${"😀".repeat(57)}… is not valid.`),
            mistake,
        );
        assert.ok(mistake!.isWellFormed());
    });

    it("ten keys are not too many", () => {
        const keys = eleven.slice(1);
        assert.deepEqual(
            accepted(account({ access: "reader", keys })).settings.serviceAccounts["ci-reader"],
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
        `${where} ${count} principals are too many for one policy. Allowed: at most 1500, every appearance counted. Use groups.`;
    const tooManyGroups = (count: number) =>
        `${where} ${count} groups and domains are too many for one policy. Allowed: at most 250, a group counted once, a domain at every appearance. Nest groups.`;
    const groups = (count: number) => many(count, (index) => `group:g${index}@example.com`);
    const domains = (count: number) => many(count, (index) => `domain:d${index}.example.com`);
    const mistakes = (values: Values) => mistakesIn({ ...place, serviceAccounts: {}, ...values });

    it("1,500 principals are accepted", () => {
        assert.deepEqual(mistakes({ readers: users(700), writers: users(800, 700) }), []);
    });

    it("1,501 are not", () => {
        assert.deepEqual(mistakes({ readers: users(700), writers: users(801, 700) }), [tooMany(1501)]);
    });

    it("the dedicated accounts count with them", () => {
        assert.deepEqual(
            mistakes({ readers: users(1500), serviceAccounts: { "ci-one": { access: "admin" } } }),
            [tooMany(1501)],
        );
    });

    it("every appearance of a principal counts", () => {
        assert.deepEqual(mistakes({ readers: users(751), admins: users(750) }), [tooMany(1501)]);
    });

    it("250 groups and domains are accepted, 251 are not", () => {
        assert.deepEqual(mistakes({ readers: [...groups(200), ...domains(50)] }), []);
        assert.deepEqual(mistakes({ readers: [...groups(200), ...domains(51)] }), [tooManyGroups(251)]);
    });

    it("a group counts once however often it appears, whatever its case", () => {
        const capitals = groups(250).map((group) => group.replace("@example", "@EXAMPLE"));
        assert.deepEqual(mistakes({ readers: groups(250), writers: capitals, admins: groups(250) }), []);
    });

    it("a domain counts at every appearance", () => {
        assert.deepEqual(mistakes({ readers: domains(126), writers: domains(125) }), [tooManyGroups(251)]);
    });
});

describe("settings: a region that is newer than the list of locations", () => {
    const skipped = { "gcp:skipRegionValidation": "true" };
    const accepts = "is an unknown location. It is accepted because gcp:skipRegionValidation is true.";

    it("is accepted with a warning where the provider's own setting says so", () => {
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

    it("is accepted from gcp:region too, under that key", () => {
        const { settings, notices } = accepted({ location: "", "gcp:region": "us-east9", ...skipped });
        assert.equal(settings.location, "us-east9");
        assert.deepEqual(notices, [`gcp:region: "us-east9" ${accepts} Did you mean "us-east1"?`]);
    });

    it("is not repeated in the warning, nor anything near it, where it is secret", () => {
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

    it("gives no warning where the location is known", () => {
        for (const location of ["europe-west1", "europe"]) {
            assert.deepEqual(accepted({ location, ...skipped }).notices, []);
        }
    });

    it("is a mistake where the setting is anything but true", () => {
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

    it("is a mistake all the same where it has no region's form", () => {
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
    it("come in one report", () => {
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
                "gcp:project",
                "python-registry:location",
                "python-registry:labels.Team",
                "python-registry:readers",
                "python-registry:writers[0]",
                "python-registry:writers[1]",
                "python-registry:serviceAccounts.ci",
                "python-registry:serviceAccounts.ci.access",
                "python-registry:serviceAccounts.ci.keys[0]",
                "python-registry:keyring",
                "python-registry:reposiotry",
                "python-registry:serviceAccounts.ci.key",
                "python-registry:admins",
            ],
        );
    });

    describe("stop the program", () => {
        const before = pulumi.runtime.allConfig();
        afterEach(() => {
            pulumi.runtime.setAllConfig(before, []);
        });

        it("with an error of its own kind, which Pulumi prints without a stack trace", () => {
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
                    ["  - gcp:project", "  - python-registry:location", "  - python-registry:reposiotry"],
                );
                assert.doesNotMatch(error.message, /s3cret/);
                return true;
            });
        });

        it("and none let it go on", () => {
            pulumi.runtime.setAllConfig(stackConfig({ ...place, protect: false }), []);
            assert.equal(readSettings().protect, false);
        });
    });
});

describe("settings: a principal with two roles", () => {
    it("is noticed, not refused: the wider role includes the other", () => {
        const { notices, settings } = accepted({
            readers: ["user:Alice@example.com", "group:all@example.com"],
            writers: ["user:alice@example.com"],
            admins: ["group:all@example.com"],
        });
        assert.deepEqual(notices, [
            "user:alice@example.com is both reader and writer; writer includes reader.",
            "group:all@example.com is both reader and admin; admin includes reader.",
        ]);
        assert.deepEqual(settings.readers, ["user:alice@example.com", "group:all@example.com"]);
    });

    it("is noticed once for all, by the first three", () => {
        const all = many(5, (index) => `user:u${index}@example.com`);
        assert.deepEqual(accepted({ readers: all, writers: all }).notices, [
            "user:u0@example.com, user:u1@example.com, user:u2@example.com, 2 more are both reader and writer; writer includes reader.",
        ]);
    });

    it("is noticed when it is a dedicated account", () => {
        const { notices } = accepted({
            readers: ["serviceAccount:python-publisher@acme-tools.iam.gserviceaccount.com"],
        });
        assert.deepEqual(notices, [
            "serviceAccount:python-publisher@acme-tools.iam.gserviceaccount.com is both reader and writer; writer includes reader.",
        ]);
    });
});

describe("settings: a secret value is never repeated", () => {
    const secret = "s3cret";
    const cases: [where: string, key: string, value: unknown][] = [
        ["a project", "gcp:project", "S3cret Project"],
        ["a region", "gcp:region", "s3cret-west1"],
        ["a location that is close to one", "location", "us-east11"],
        ["a repository, nor its likely spelling", "repository", "S3cret_Repository"],
        ["a principal without a prefix, nor its likely forms", "readers", [`${secret}@example.com`]],
        ["a principal's type", "readers", [`${secret}:x`]],
        ["a misspelled type's likely form", "readers", [`usr:${secret}@example.com`]],
        ["a service account taken for a user", "readers", [`user:${secret}@p.iam.gserviceaccount.com`]],
        ["a principal that is listed twice", "readers", [`user:${secret}@a.com`, `user:${secret}@A.com`]],
        [
            "a dedicated account",
            "writers",
            ["serviceAccount:python-publisher@acme-tools.iam.gserviceaccount.com"],
        ],
        ["a text where a list belongs", "readers", `user:${secret}@example.com`],
        ["a label's value", "labels", { team: "S3cret" }],
        ["a label's key", "labels", { S3cret: "x" }],
        ["an account id", "serviceAccounts", { S3cret: { access: "reader" } }],
        ["an account's access", "serviceAccounts", { "s3cret-id": { access: secret } }],
        [
            "an account's unknown key",
            "serviceAccounts",
            { "s3cret-id": { access: "reader", [secret]: secret } },
        ],
        [
            "a reserved account id's entries",
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
        ["a switch", "protect", secret],
        ["a word", "keyring", secret],
    ];
    for (const [where, key, value] of cases) {
        it(where, () => {
            const full = key.includes(":") ? key : `python-registry:${key}`;
            const { location, ...rest } = place;
            const values = { ...(key === "gcp:region" ? rest : { ...rest, location }), [key]: value };
            const open = mistakesIn(values).join("\n");
            assert.match(open, /s3cret|us-east1|publisher/i, "the value is shown when it is no secret");
            const hidden = mistakesIn(values, [full]);
            assert.notEqual(hidden.length, 0);
            for (const mistake of hidden) {
                assert.ok(mistake.startsWith(`${full}: `), mistake);
                assert.ok(mistake.includes("[secret]"), mistake);
                assert.doesNotMatch(mistake, /s3cret|us-east1|publisher/i);
            }
        });
    }

    it("nor a secret member of two roles, in a notice", () => {
        const members = { readers: ["user:s3cret@example.com"], writers: ["user:s3cret@example.com"] };
        const parsed = parseSettings(
            stackConfig({ ...place, ...members }),
            new Set(["python-registry:writers"]),
        );
        assert.ok("notices" in parsed);
        assert.deepEqual(parsed.notices, [
            "1 of the principals is both reader and writer; writer includes reader.",
            "python-registry:writers is encrypted in the configuration, but stands in plain text in state and outputs.",
        ]);
    });

    it("but what is wrong with it, what is allowed, and an unknown key's likely name are told", () => {
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
    // Names with a namespace configure the provider.
    const declared = Object.fromEntries(Object.entries(project.config).filter(([key]) => !key.includes(":")));
    const known = /Allowed: ([\w, ]+)\./.exec(mistakesIn({ ...place, nothing: "" })[0]!)![1]!.split(", ");

    it("names the namespace that the settings are read from", () => {
        assert.equal(project.name, "python-registry");
    });

    it("declares every setting, and nothing that is none", () => {
        assert.deepEqual(Object.keys(declared).sort(), known.sort());
    });

    for (const [key, { type, description, items, ...rest }] of Object.entries(declared)) {
        it(`gives ${key} a type, a description and a default of that type`, () => {
            assert.match(description ?? "", /\w.*\.$/s);
            assert.ok("default" in rest);
            const found = Array.isArray(rest.default) ? "array" : typeof rest.default;
            assert.equal(found, type);
            assert.deepEqual(items, type === "array" ? { type: "string" } : undefined);
        });
    }

    it("declares the defaults that are filled in without it, key for key", () => {
        const { settings } = accepted({});
        for (const [key, { default: value }] of Object.entries(declared)) {
            if (key in settings && !["location", "access"].includes(key)) {
                assert.deepEqual(settings[key as keyof Settings], value, key);
            }
        }
        // What is not in the settings, or required: an empty text means not set, and the public is not let in.
        const rest = Object.keys(declared).filter(
            (key) => !(key in settings) || ["location", "access"].includes(key),
        );
        assert.deepEqual(Object.fromEntries(rest.map((key) => [key, declared[key]!.default])), {
            location: "",
            existing: "",
            description: "",
            access: "",
            allowPublic: false,
        });
    });

    it("declares defaults that mean what leaving them out means", () => {
        const defaults = Object.fromEntries(
            Object.entries(declared).map(([key, entry]) => [key, entry.default]),
        );
        const { location } = place;
        assert.deepEqual(accepted({ ...defaults, location }), accepted({}));
        assert.match(mistakesIn({ ...place, ...defaults }).join(), /^python-registry:location: is not set\./);
    });
});

describe("settings: resources that exist already", () => {
    it("need an access mode that somebody chose", () => {
        for (const existing of ["use", "adopt"]) {
            assert.deepEqual(mistakesIn({ ...place, existing, access: "" }), [
                `python-registry:access: is not set. Allowed with existing: ${existing}: authoritative (everyone who was granted one of the stack's roles elsewhere loses it; the preview lists them), additive (the stack only adds its own grants).`,
            ]);
            for (const access of ["authoritative", "additive"]) {
                const { settings } = accepted({ existing, access });
                assert.deepEqual([settings.existing, settings.access], [existing, access]);
            }
        }
        const serviceAccounts = { "ci-builds": { access: "writer", existing: "use" } };
        assert.deepEqual(accepted({ serviceAccounts }).settings.serviceAccounts, serviceAccounts);
    });

    it("are left to their owner with all of their settings when they are only used", () => {
        const owners =
            "is a setting of a resource that existing: use leaves to its owner. Allowed: remove it, or set existing: adopt.";
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

    it("are used or adopted, and nothing else", () => {
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
    const allowed =
        'Allowed: package names as on an index (acme-core), or a prefix with an asterisk at its end ("acme-*").';

    it("are compared and kept in the one spelling of a name", () => {
        const { settings } = accepted({ internalPackages: ["Acme_Core", "acme.util", "ACME__*", "a", "a*"] });
        assert.deepEqual(settings.internalPackages, ["acme-core", "acme-util", "acme-*", "a", "a*"]);
    });

    it("are names or prefixes, each once", () => {
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
                `python-registry:internalPackages[2]: "*-core" is not valid. ${allowed} Did you mean "core"?`,
                `python-registry:internalPackages[3]: "acme core" is not valid. ${allowed} Did you mean "acme-core"?`,
                `python-registry:internalPackages[4]: "" is not valid. ${allowed}`,
                'python-registry:internalPackages[6]: "OK" is listed twice (-, _, . and case do not count). Allowed: each package once.',
                'python-registry:internalPackages[8]: "a-b" is listed twice (-, _, . and case do not count). Allowed: each package once.',
                'python-registry:internalPackages[10]: "x*" is listed twice. Allowed: each package once.',
            ],
        );
        assert.deepEqual(mistakesIn({ ...place, internalPackages: "acme" }), [
            'python-registry:internalPackages: "acme" is text where a list belongs. Allowed: a list of package names and prefixes.',
        ]);
    });
});
