import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findGrant, isKind } from "../../packages/policy/src/resource-types";
import { analyze, type Finding, type Registration, rule, unknown } from "./analyze";
import {
    broadPrincipals,
    chosenPrincipals,
    customRoles,
    entitlementTypes,
    grants,
    grantTypes,
    type Level,
    otherResources,
    otherServices,
    publicPrincipals,
    roles,
    withoutGrants,
} from "./resources";

// The whole pack over the table of resources.

const levels = Object.keys(grantTypes) as Level[];
const writer = "roles/artifactregistry.writer";

const getRules = (findings: readonly Finding[]) => [...new Set(findings.map(({ rule }) => rule))].sort();

/** Compares what the pack says of each resource. */
async function expect(resources: readonly Registration[], rules: readonly string[]): Promise<void> {
    assert.ok(resources.length > 0);
    for (const resource of resources) {
        assert.deepEqual(getRules(await analyze([resource])), [...rules].sort(), JSON.stringify(resource));
    }
}

describe("the policy pack over grants of each resource type", () => {
    for (const { what, roles: names, broad, chosen } of roles) {
        it(`judges a role that ${what}`, async () => {
            for (const [index, role] of names.entries()) {
                // Which principals are broad or public does not depend on the role, so one role meets them all.
                const some = <T>(principals: readonly T[]) =>
                    index === 0 ? principals : principals.slice(0, 1);
                for (const level of levels) {
                    for (const principal of some(broadPrincipals)) {
                        await expect(grants(level, role, principal), broad[level]);
                    }
                    await expect(grants(level, role, ...chosenPrincipals), chosen[level]);
                    for (const principal of some(publicPrincipals)) {
                        await expect(grants(level, role, principal), ["no-public-access", ...chosen[level]]);
                    }
                }
            }
        });
    }

    it("finds one bad principal or role among good ones", async () => {
        for (const level of levels) {
            const role = "roles/iam.serviceAccountTokenCreator";
            await expect(
                grants(level, role, ...chosenPrincipals, "domain:example.com").filter(
                    ({ type }) => !type.includes("Member"),
                ),
                ["no-broad-writers"],
            );
        }
    });

    it("refuses an allow policy that it cannot read", async () => {
        const evil = [{ role: "roles/owner", members: ["allUsers"] }];
        for (const policyData of [
            "",
            "not JSON",
            "null",
            "[]",
            '"{}"',
            JSON.stringify({ bindings: {} }),
            JSON.stringify({ bindings: [null] }),
            JSON.stringify({ bindings: [{ role: "roles/owner", members: "allUsers" }] }),
            JSON.stringify({ bindings: [{ role: "roles/owner", members: [{}] }] }),
            JSON.stringify({ bindings: [{ members: ["allUsers"] }] }),
            // The provider, which is written in Go, reads these as bindings, role and members.
            JSON.stringify({ Bindings: evil }),
            JSON.stringify({ bindings: [], BINDINGS: evil }),
            JSON.stringify({
                bindings: [{ role: "roles/browser", Role: "roles/owner", Members: ["allUsers"] }],
            }),
        ]) {
            for (const level of levels) {
                const type = grantTypes[level][0].replaceAll("*", "Policy");
                const findings = await analyze([{ type, props: { policyData } }]);
                assert.ok(
                    findings.some(
                        ({ level: enforced, message }) =>
                            enforced === "mandatory" &&
                            /^The allow policy of the .* cannot be read/.test(message),
                    ),
                    `${level} ${policyData}`,
                );
            }
        }
        for (const policyData of ["{}", '{"bindings":[{"role":"roles/browser"}],"version":3}']) {
            for (const level of levels) {
                await expect(
                    [{ type: grantTypes[level][0].replaceAll("*", "Policy"), props: { policyData } }],
                    [],
                );
            }
        }
    });

    it("says in a preview what it cannot check, and checks the rest", async () => {
        const types = (form: string) => levels.map((level) => grantTypes[level][0].replaceAll("*", form));
        const notKnown = /can't be known during preview/;
        for (const [form, props] of [
            ["Member", { role: writer, member: unknown }],
            ["Binding", { role: writer, members: unknown }],
            ["Policy", { policyData: unknown }],
            ["Member", { role: unknown, member: "domain:example.com" }],
        ] as const) {
            for (const type of types(form)) {
                const findings = await analyze([{ type, props }]);
                assert.ok(
                    findings.some(({ message }) => notKnown.test(message)),
                    type,
                );
            }
        }
        for (const type of types("Binding")) {
            const props = { role: writer, members: [unknown, "domain:example.com"] };
            assert.ok(getRules(await analyze([{ type, props }])).includes("no-broad-writers"));
        }
        for (const type of entitlementTypes) {
            assert.ok(
                (await analyze([{ type, props: { eligibleUsers: unknown, privilegedAccess: unknown } }]))
                    .length > 0,
            );
            const gcpIamAccess = { resource: unknown, roleBindings: [{ role: "roles/owner" }] };
            const props = {
                privilegedAccess: { gcpIamAccess },
                eligibleUsers: [{ principals: ["domain:a.example"] }],
            };
            assert.ok(getRules(await analyze([{ type, props }])).includes("no-broad-writers"));
        }
    });

    it("accepts a harmless role for a principal that a preview does not know, but for no public access", async () => {
        const type = "gcp:projects/iAMMember:IAMMember";
        const props = { role: "roles/logging.viewer", member: unknown };
        assert.deepEqual(getRules(await analyze([{ type, props }])), ["no-public-access"]);
    });

    it("names what a role is granted on", async () => {
        const say = async (type: string, props: object) =>
            (await analyze([{ type, props: { role: "roles/owner", member: "allUsers", ...props } }]))[0]
                ?.message;
        for (const [type, props, on] of [
            ["gcp:projects/iAMMember:IAMMember", { project: "acme" }, "the project acme,"],
            ["gcp:folder/iAMMember:IAMMember", { folder: "folders/7" }, "the folder 7,"],
            ["gcp:organizations/iAMMember:IAMMember", { orgId: "8" }, "the organization 8,"],
            ["gcp:organizations/iAMMember:IAMMember", { orgId: unknown }, "the organization,"],
            [
                "gcp:iam/workloadIdentityPoolIamMember:WorkloadIdentityPoolIamMember",
                { workloadIdentityPoolId: "ci" },
                "the identity pool ci,",
            ],
            [
                "google-native:artifactregistry/v1:RepositoryIamMember",
                { name: "projects/p/locations/l/repositories/python" },
                "the repository python,",
            ],
        ] as const) {
            assert.match((await say(type, props)) ?? "", new RegExp(`^allUsers has roles/owner on ${on}`));
        }
        const [request] = grants("above", "roles/owner", "domain:example.com").slice(-1);
        const [finding] = await analyze([request!]);
        assert.match(
            finding?.message ?? "",
            /has roles\/owner on the project acme, on request, so everyone in/,
        );
    });
});

describe("the policy pack over custom roles", () => {
    const granted = (role: unknown, principal: unknown, more: object = {}): Registration => ({
        type: "gcp:projects/iAMMember:IAMMember",
        name: "grant",
        props: { role, member: principal },
        ...more,
    });
    const upload = ["artifactregistry.repositories.uploadArtifacts", "resourcemanager.projects.get"];
    const impersonate = ["iam.serviceAccounts.getAccessToken"];
    const harmless = ["logging.logs.list", "artifactregistry.repositories.list"];
    const role = "projects/acme/roles/own";

    for (const [what, permissions, broad, chosen] of [
        ["upload", upload, ["custom-roles"], ["custom-roles"]],
        [
            "downloads",
            ["artifactregistry.repositories.downloadArtifacts"],
            ["custom-roles"],
            ["custom-roles"],
        ],
        ["act as accounts", impersonate, ["custom-roles"], []],
        ["change who can upload", ["artifactregistry.repositories.setIamPolicy"], ["custom-roles"], []],
        ["neither", harmless, [], []],
    ] as const) {
        it(`knows the permissions of the stack's own roles: ${what}`, async () => {
            for (const custom of customRoles("own", permissions)) {
                for (const [principal, rules] of [
                    ["domain:example.com", broad],
                    ["user:alice@example.com", chosen],
                ] as const) {
                    assert.deepEqual(getRules(await analyze([custom, granted(role, principal)])), [...rules]);
                    // A preview does not know the name of a new role.
                    const planned = { ...custom, name: "own", props: { ...custom.props, name: unknown } };
                    const dependent = granted(unknown, principal, {
                        propertyDependencies: { role: ["own"] },
                    });
                    const found = (await analyze([planned, dependent])).filter(
                        ({ level }) => level === "mandatory",
                    );
                    assert.deepEqual(getRules(found), [...rules]);
                }
            }
        });
    }

    it("compares the whole name of a role", async () => {
        const [own] = customRoles("own", harmless);
        for (const other of ["projects/other/roles/own", "organizations/1/roles/own", `${role}2`]) {
            assert.deepEqual(getRules(await analyze([own!, granted(other, "domain:example.com")])), [
                "custom-roles",
            ]);
        }
    });

    it("says what it needs in a preview: the permissions, or the role", async () => {
        const [own] = customRoles("own", upload);
        const planned = { ...own!, props: { ...own!.props, permissions: unknown } };
        for (const resources of [
            [planned, granted(role, "user:alice@example.com")],
            [own!, granted(unknown, "user:alice@example.com")],
            [own!, granted(role.replace("own", "foreign"), unknown)],
        ]) {
            const said = (await analyze(resources)).filter(({ rule }) => rule === "custom-roles");
            assert.match(said.map(({ message }) => message).join(), /can't be known during preview/);
        }
    });

    it("follows its parameter, and accepts such a role on a repository", async () => {
        const [own] = customRoles("own", upload);
        const parameters = { exceptRoles: [role] };
        assert.deepEqual(
            await analyze([own!, granted(role, "user:a@example.com")], undefined, parameters),
            [],
        );
        const planned = { ...own!, name: "own", props: { ...own!.props, name: unknown } };
        const dependent = granted(unknown, "user:a@example.com", { propertyDependencies: { role: ["own"] } });
        const findings = (except: object) =>
            analyze([planned, dependent], [rule("custom-roles")], { ...except });
        assert.deepEqual(await findings(parameters), []);
        assert.equal((await findings({ exceptRoles: [`${role}2`, "projects/acme/roles/my.own"] })).length, 1);
        const onRepository = grants("repository", role, "user:alice@example.com");
        assert.deepEqual(await analyze([own!, ...onRepository]), []);
    });
});

describe("the policy pack over other resources", () => {
    for (const { types, good, bad, opts = {}, refusedBy = [] } of otherResources) {
        for (const type of types) {
            it(`judges ${type}`, async () => {
                const at = (props: Registration["props"]) => analyze([{ type, props, opts, stack: "prod" }]);
                if (good !== undefined) assert.deepEqual(await at(good), []);
                if (bad !== undefined) assert.deepEqual(getRules(await at(bad)), refusedBy);
            });
        }
    }
});

describe("the resource types of the provider's SDK", () => {
    const sdk = join(__dirname, "..", "..", "node_modules", "@pulumi", "gcp");
    const types = readdirSync(sdk, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && entry.name !== "types")
        .flatMap(({ name }) => readdirSync(join(sdk, name)).map((file) => join(sdk, name, file)))
        .filter((file) => file.endsWith(".js") && !/[\\/](?:get|index)/.test(file.slice(sdk.length)))
        .flatMap((file) => /__pulumiType = '([^']+)'/.exec(readFileSync(file, "utf8"))?.[1] ?? []);
    const getModule = (type: string) => /^gcp:([^/]+)/.exec(type)?.[1] ?? "";

    it("that grant roles are known, or grant them on an object of another service", () => {
        const own = levels.flatMap((level) =>
            grantTypes[level]
                .filter((pattern) => pattern.startsWith("gcp:") && !pattern.includes("serviceAccount"))
                .flatMap((pattern) =>
                    ["Binding", "Member", "Policy"].map((form) => pattern.replaceAll("*", form)),
                ),
        );
        const found = types.filter((type) => findGrant(type) !== undefined);
        assert.deepEqual(found.sort(), [...own, entitlementTypes[0]].sort());
        const others = types
            .filter((type) => /iam(?:binding|member|policy)$/i.test(type) && !found.includes(type))
            .map(getModule);
        assert.ok(others.length > 300);
        assert.deepEqual([...new Set(others)].sort(), [...otherServices].sort());
    });

    it("of IAM and of Artifact Registry are known, or listed as those that grant no role", () => {
        const kinds = ["repository", "account", "key", "provider", "customRole"] as const;
        const services = [
            "artifactregistry",
            "folder",
            "iam",
            "organizations",
            "privilegedaccessmanager",
            "projects",
            "serviceaccount",
        ];
        const unknownTypes = types
            .filter((type) => services.includes(getModule(type)) && findGrant(type) === undefined)
            .filter((type) => !kinds.some((kind) => isKind(kind, type)))
            .map((type) => type.replace(/^gcp:(.*):.*$/, "$1"));
        assert.deepEqual(unknownTypes.sort(), [...withoutGrants].sort());
    });

    it("include every kind that the rules look at", () => {
        for (const kind of ["repository", "account", "key", "provider", "customRole"] as const) {
            assert.ok(
                types.some((type) => isKind(kind, type)),
                kind,
            );
        }
    });
});
