import assert from "node:assert/strict";
import { messages, type Registration, unknown } from "./analyze";

// The rules on grants: who, and on what.

const repository = (kind: string, props: Registration["props"]): Registration => ({
    type: `gcp:artifactregistry/repositoryIam${kind}:RepositoryIam${kind}`,
    props: { repository: "python", ...props },
});
const account = (kind: string, props: Registration["props"]): Registration => ({
    type: `gcp:serviceaccount/iAM${kind}:IAM${kind}`,
    props: { serviceAccountId: "projects/acme/serviceAccounts/ci@acme.iam.gserviceaccount.com", ...props },
});
const above = (level: string, kind: string, props: Registration["props"]): Registration => ({
    type: `gcp:${level}/iAM${kind}:IAM${kind}`,
    name: "above",
    props: { project: "acme", ...props },
});
const policyData = (role: string, ...members: string[]) => JSON.stringify({ bindings: [{ role, members }] });

const reader = "roles/artifactregistry.reader";
const writer = "roles/artifactregistry.writer";
const user = "user:alice@example.com";
const pool = "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci";

/** The same grant with each resource that can make it. */
const forms = (make: typeof repository, role: string, ...members: string[]) => [
    ...members.map((member) => make("Member", { role, member })),
    make("Binding", { role, members }),
    make("Policy", { policyData: policyData(role, ...members) }),
];

describe("policy no-public-access", () => {
    it("refuses everyone, with each resource, on repositories and on accounts", async () => {
        for (const who of ["allUsers", "allAuthenticatedUsers"]) {
            for (const make of [repository, account]) {
                for (const resource of forms(make, reader, who)) {
                    const [message = "", ...more] = await messages("no-public-access", resource);
                    assert.deepEqual(more, []);
                    assert.ok(message.startsWith(`${who} has ${reader} on the `), message);
                }
            }
        }
        assert.deepEqual(
            await messages("no-public-access", repository("Member", { role: reader, member: "allUsers" })),
            [
                "allUsers has roles/artifactregistry.reader on the repository python, so everyone on the internet has it. Remove allUsers, and grant the role to the people and machines that need it.",
            ],
        );
    });

    it("accepts all others, and other resources", async () => {
        for (const resource of [
            ...forms(repository, reader, user, "group:everyone@example.com"),
            repository("Binding", { role: reader, members: [] }),
            repository("Policy", { policyData: "{}" }),
            repository("Policy", { policyData: "not JSON" }),
            { type: "gcp:storage/bucketIAMMember:BucketIAMMember", props: { member: "allUsers" } },
        ]) {
            assert.deepEqual(await messages("no-public-access", resource), []);
        }
    });

    it("accepts public readers, but no writers, of the listed repositories", async () => {
        const parameters = { publicRepositories: ["python"] };
        const findings = (role: string, more: object = {}) =>
            messages(
                "no-public-access",
                repository("Member", { role, member: "allUsers", ...more }),
                parameters,
            );
        assert.deepEqual(await findings(reader), []);
        assert.deepEqual(
            await findings(reader, { repository: "projects/p/locations/l/repositories/python" }),
            [],
        );
        assert.equal((await findings(writer)).length, 1);
        assert.equal((await findings(reader, { repository: "other" })).length, 1);
        assert.equal((await findings(reader, { repository: unknown })).length, 1);
        const onAccount = account("Member", { role: reader, member: "allUsers", serviceAccountId: "python" });
        assert.equal((await messages("no-public-access", onAccount, parameters)).length, 1);
    });

    it("checks in a preview what is known, and says what is not", async () => {
        const findings = (props: object, parameters = {}) =>
            messages("no-public-access", repository("Binding", { role: reader, ...props }), parameters);
        const notKnown = /can't be known during preview/;
        const [first, second, ...more] = await findings({ members: [unknown, "allUsers", user] });
        assert.match(first ?? "", /^allUsers has/);
        assert.match(second ?? "", notKnown);
        assert.deepEqual(more, []);
        assert.match((await findings({ members: unknown })).join(), notKnown);
        // The role is not needed to find it.
        assert.deepEqual(await findings({ role: unknown, members: [user] }), []);
        assert.match(
            (await findings({ role: unknown, members: ["allUsers"] })).join(),
            /^allUsers has a role/,
        );
        assert.match(
            (await messages("no-public-access", repository("Policy", { policyData: unknown }))).join(),
            notKnown,
        );
    });
});

describe("policy no-broad-writers", () => {
    const broad = [
        "domain:example.com",
        `${pool}/*`,
        "principalSet://iam.googleapis.com/locations/global/workforcePools/staff/*",
        `principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p.svc.id.goog/kubernetes.cluster/https://container.googleapis.com/v1/projects/p/locations/l/clusters/c`,
        "group:acme.svc.id.goog:/allAuthenticatedUsers/",
        "projectEditor:acme",
        "principalSet://cloudresourcemanager.googleapis.com/projects/1/type/ServiceAccount",
    ];
    const chosen = [
        user,
        "group:developers@example.com",
        "serviceAccount:ci@acme.iam.gserviceaccount.com",
        `${pool}/attribute.repository/github:1:2`,
        `${pool.replace("Set", "")}/subject/x`,
    ];

    it("refuses broad principals as writers, and as those who act as an account", async () => {
        for (const member of broad) {
            for (const resource of [
                ...forms(repository, writer, member),
                ...forms(repository, "roles/artifactregistry.repoAdmin", member),
                ...forms(repository, "projects/acme/roles/custom", member),
                ...forms(account, "roles/iam.workloadIdentityUser", member),
                ...forms(account, "roles/iam.serviceAccountTokenCreator", member),
            ]) {
                assert.equal((await messages("no-broad-writers", resource)).length, 1, member);
            }
        }
    });

    it("accepts them as readers, and chosen principals as writers", async () => {
        for (const resource of [
            ...forms(repository, reader, ...broad),
            ...forms(account, "roles/iam.serviceAccountViewer", ...broad),
            ...forms(repository, writer, ...chosen),
            ...forms(account, "roles/iam.workloadIdentityUser", ...chosen),
            above("projects", "Member", { role: writer, member: broad[0] }),
        ]) {
            assert.deepEqual(await messages("no-broad-writers", resource), []);
        }
    });

    it("follows its parameters", async () => {
        const findings = (role: string, member: string, parameters: object) =>
            messages("no-broad-writers", repository("Member", { role, member }), { ...parameters });
        assert.equal((await findings(writer, "group:a@b.example", { principals: ["group"] })).length, 1);
        assert.deepEqual(await findings(writer, "domain:b.example", { principals: ["group"] }), []);
        const custom = "projects/acme/roles/download";
        assert.deepEqual(await findings(custom, "domain:b.example", { readRoles: [reader, custom] }), []);
    });

    it("needs a role only for a broad principal", async () => {
        const findings = (member: string) =>
            messages("no-broad-writers", repository("Member", { role: unknown, member }));
        assert.deepEqual(await findings(user), []);
        assert.match((await findings("domain:example.com")).join(), /role can't be known during preview/);
    });
});

describe("policy repository-grants", () => {
    const levels = ["projects", "folder", "organizations"];

    it("refuses roles for Artifact Registry above the repository", async () => {
        for (const level of levels) {
            for (const role of [
                reader,
                writer,
                "roles/artifactregistry.admin",
                "roles/editor",
                "roles/viewer",
            ]) {
                const make = (kind: string, props: Registration["props"]) => above(level, kind, props);
                for (const resource of forms(make, role, user)) {
                    assert.equal(
                        (await messages("repository-grants", resource)).length,
                        1,
                        `${level} ${role}`,
                    );
                }
            }
        }
        assert.deepEqual(
            await messages("repository-grants", above("projects", "Member", { role: writer, member: user })),
            [
                "user:alice@example.com has roles/artifactregistry.writer on the project acme, and so on every repository in it. Grant a role on the repository instead, with RepositoryIamMember or RepositoryIamBinding.",
            ],
        );
    });

    it("accepts roles on repositories, other roles, Google's own agent, and the exceptions", async () => {
        const agent = "serviceAccount:service-12@gcp-sa-artifactregistry.iam.gserviceaccount.com";
        for (const resource of [
            ...forms(repository, writer, user),
            above("projects", "Member", { role: "roles/logging.viewer", member: user }),
            above("projects", "Member", { role: "roles/artifactregistry.serviceAgent", member: agent }),
            above("projects", "Member", { role: "roles/logging.viewer", member: unknown }),
        ]) {
            assert.deepEqual(await messages("repository-grants", resource), []);
        }
        const scanner = above("organizations", "Member", { role: reader, member: user });
        assert.deepEqual(await messages("repository-grants", scanner, { exceptPrincipals: [user] }), []);
    });

    it("says in a preview that it needs the principal of such a role", async () => {
        const member = above("projects", "Member", { role: writer, member: unknown });
        assert.match((await messages("repository-grants", member)).join(), /member can't be known/);
    });
});

describe("policy account-roles", () => {
    const type = "gcp:serviceaccount/account:Account";
    const email = "ci@acme.iam.gserviceaccount.com";
    const created: Registration = { type, name: "ci", props: { email, member: `serviceAccount:${email}` } };
    const planned: Registration = {
        type,
        name: "ci",
        props: { accountId: "ci", project: "acme", email: unknown, member: unknown },
    };
    const role = "roles/storage.admin";
    const grant = above("projects", "Member", { role, member: `serviceAccount:${email}` });

    it("refuses roles above the repository for the accounts of the stack, new or not", async () => {
        for (const stack of [
            [created, grant],
            [planned, grant],
            [
                created,
                above("folder", "Binding", {
                    role,
                    members: [user, `serviceAccount:CI@acme.iam.gserviceaccount.com`],
                }),
            ],
            [
                created,
                above("organizations", "Policy", { policyData: policyData(role, `serviceAccount:${email}`) }),
            ],
            [
                planned,
                {
                    ...above("projects", "Member", { role, member: unknown }),
                    propertyDependencies: { member: ["ci"] },
                },
            ],
            [
                { ...planned, props: { ...planned.props, project: "example.com:tools" } },
                above("projects", "Member", {
                    role,
                    member: "serviceAccount:ci@tools.example.com.iam.gserviceaccount.com",
                }),
            ],
        ]) {
            assert.equal((await messages("account-roles", stack)).length, 1, JSON.stringify(stack));
        }
    });

    it("accepts other accounts, roles on repositories, and the allowed roles", async () => {
        const other = above("projects", "Member", {
            role,
            member: "serviceAccount:other@acme.iam.gserviceaccount.com",
        });
        const onRepository = repository("Member", { role: writer, member: `serviceAccount:${email}` });
        const elsewhere = {
            ...above("projects", "Member", { role, member: unknown }),
            propertyDependencies: { member: ["python"] },
        };
        const python = { type: "gcp:artifactregistry/repository:Repository", name: "python", props: {} };
        assert.deepEqual(
            await messages("account-roles", [created, other, onRepository, python, elsewhere]),
            [],
        );
        assert.deepEqual(await messages("account-roles", [created, grant], { allowedRoles: [role] }), []);
        assert.deepEqual(await messages("account-roles", [grant]), []);
    });

    it("leaves the roles for Artifact Registry to the rule repository-grants", async () => {
        const both = [
            created,
            above("projects", "Member", { role: writer, member: `serviceAccount:${email}` }),
        ];
        assert.deepEqual(await messages("account-roles", both), []);
        assert.equal((await messages("repository-grants", both)).length, 1);
    });
});
