import assert from "node:assert/strict";
import { messages, type Registration, unknown } from "./analyze";

// The rules on grants: messages, parameters and previews. resources.test.ts has what each rule refuses.

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

describe("policy no-public-access", () => {
    it("says who has the role, and on what", async () => {
        assert.deepEqual(
            await messages("no-public-access", repository("Member", { role: reader, member: "allUsers" })),
            [
                "allUsers has roles/artifactregistry.reader on the repository python, so everyone on the internet has it. Remove allUsers, and grant the role to the people and machines that need it.",
            ],
        );
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
        const named = {
            type: "google-native:iam/v1:ServiceAccountIamMember",
            props: { role: reader, member: "allUsers", name: "projects/acme/serviceAccounts/python" },
        };
        assert.equal((await messages("no-public-access", named, parameters)).length, 1);
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
    it("says what is wrong with the role", async () => {
        const onProject = (role: string) =>
            messages("no-broad-writers", above("projects", "Member", { role, member: "domain:example.com" }));
        const start = (role: string) =>
            `domain:example.com has ${role} on the project acme, so everyone in the domain has it. `;
        const end = "Grant the role to single people, accounts or workloads.";
        assert.deepEqual(
            await messages(
                "no-broad-writers",
                repository("Member", { role: writer, member: "domain:example.com" }),
            ),
            [
                `domain:example.com has ${writer} on the repository python, so everyone in the domain has it. ${end}`,
            ],
        );
        for (const [role, reason] of [
            ["roles/cloudbuild.builds.builder", "The role can upload. "],
            ["roles/iam.serviceAccountUser", "The role can act as service accounts, or change who can. "],
            [
                "roles/later.role",
                "These policies do not know the role. If it permits neither uploads nor acting as a service account, add it to the parameter readRoles of no-broad-writers. ",
            ],
        ] as const) {
            assert.deepEqual(await onProject(role), [`${start(role)}${reason}${end}`]);
        }
    });

    it("follows its parameters", async () => {
        const findings = (role: string, member: string, parameters: object) =>
            messages("no-broad-writers", repository("Member", { role, member }), { ...parameters });
        assert.equal((await findings(writer, "group:a@b.example", { principals: ["group"] })).length, 1);
        assert.deepEqual(await findings(writer, "domain:b.example", { principals: ["group"] }), []);
        const custom = "projects/acme/roles/download";
        assert.deepEqual(await findings(custom, "domain:b.example", { readRoles: [reader, custom] }), []);
        const later = above("projects", "Member", { role: "roles/later.role", member: "domain:b.example" });
        assert.deepEqual(await messages("no-broad-writers", later, { readRoles: ["roles/later.role"] }), []);
    });

    it("needs a role only for a broad principal", async () => {
        const findings = (member: string) =>
            messages("no-broad-writers", repository("Member", { role: unknown, member }));
        assert.deepEqual(await findings(user), []);
        assert.match((await findings("domain:example.com")).join(), /role can't be known during preview/);
    });
});

describe("policy repository-grants", () => {
    it("says where to grant the role", async () => {
        assert.deepEqual(
            await messages("repository-grants", above("projects", "Member", { role: writer, member: user })),
            [
                "user:alice@example.com has roles/artifactregistry.writer on the project acme, and so on every repository in it. Grant a role on the repository instead, with RepositoryIamMember or RepositoryIamBinding.",
            ],
        );
    });

    it("accepts Google's own agents with the role of their service, and the exceptions", async () => {
        const findings = (role: string, agent: string) => {
            const member = `serviceAccount:service-12@${agent}.iam.gserviceaccount.com`;
            return messages("repository-grants", above("projects", "Member", { role, member }));
        };
        for (const [service, agent] of [
            ["artifactregistry", "gcp-sa-artifactregistry"],
            ["cloudbuild", "gcp-sa-cloudbuild"],
            ["run", "serverless-robot-prod"],
            ["appengineflex", "gae-api-prod.google.com"],
        ] as const) {
            const role = `roles/${service}.serviceAgent`;
            assert.deepEqual(await findings(role, agent), []);
            assert.equal((await findings(role, "acme")).length, 1);
            assert.equal((await findings(role, "gcp-sa-other")).length, 1);
            assert.equal((await findings(writer, agent)).length, 1);
        }
        const unneeded = above("projects", "Member", { role: "roles/logging.viewer", member: unknown });
        assert.deepEqual(await messages("repository-grants", unneeded), []);
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

    it("says in a preview that it needs a principal or a role", async () => {
        for (const props of [
            { role, member: unknown },
            { role: unknown, member: `serviceAccount:${email}` },
        ]) {
            const found = await messages("account-roles", [created, above("projects", "Member", props)]);
            assert.match(found.join(), /can't be known/);
        }
        // Without an account, there is nothing to find.
        assert.deepEqual(
            await messages("account-roles", above("projects", "Member", { role, member: unknown })),
            [],
        );
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
