import assert from "node:assert/strict";
import { pythonFile } from "../../packages/sandbox/src/python/simple-index";
import { githubActions } from "../../packages/sandbox/src/issuers/github-actions";
import { gitlabCi } from "../../packages/sandbox/src/issuers/gitlab-ci";
import { type AccessStack, type Answer, getEmail, type Step } from "./access-stack";
import { type Login, project } from "./identities";
import { attempt, attemptWith, type Operation, type Outcome, ready } from "./operations";

// Access that somebody had, and that was taken away. Each case starts with the access and, where that is possible, ends with it.

/** A small stack with an identity for each way to take access away. */
export const configuration = {
    location: "europe-west1",
    readers: ["group:developers@example.com", "user:dev@example.com"],
    serviceAccounts: {
        "ci-builds": { access: "writer" },
        "old-server": { access: "writer", keys: ["first"] },
    },
    workloads: {
        release: {
            type: "githubActions",
            access: "writer",
            owner: "acme",
            repository: "widgets",
            ownerId: 1001,
            repositoryId: 2002,
            ref: "refs/heads/main",
        },
        build: { type: "gitlabCi", access: "writer", projectId: 202, via: "ci-builds" },
    },
};

/** The same stack without workloads, run again on what the first run left: it grants the roles that are still declared. */
const withoutWorkloads = {
    location: configuration.location,
    readers: configuration.readers,
    existing: "use",
    access: "authoritative",
    serviceAccounts: {
        "ci-builds": { access: "writer", existing: "use" },
        "old-server": { access: "writer", existing: "use" },
    },
};

const release: Login = {
    kind: "federation",
    workload: "release",
    issuer: githubActions.issuer,
    claims: githubActions.claims,
};
const build: Login = {
    kind: "federation",
    workload: "build",
    issuer: gitlabCi.issuer,
    claims: gitlabCi.claims,
};
const server: Login = { kind: "key", account: "old-server" };

/** One refusal, and what must refuse it. */
export interface Withdrawal {
    readonly who: string;
    readonly operation: Operation;
    readonly answer: Answer;
    readonly refusedBy: readonly [step: Step, status: number] | undefined;
}

const pools = `https://iam.googleapis.com/v1/projects/${project}/locations/global/workloadIdentityPools`;
const pool = `${pools}/python-europe-west1`;
const accounts = `https://iam.googleapis.com/v1/projects/${project}/serviceAccounts`;

/** Takes access away in every way, one after the other, and tries what is left. */
export async function withdrawals(stack: AccessStack): Promise<Withdrawal[]> {
    const all: Withdrawal[] = [];
    stack.repository.files.set(
        ready.filename,
        pythonFile(ready.name, ready.filename, Buffer.from("ready made")),
    );
    const note = (
        who: string,
        operation: Operation,
        { answer }: Pick<Outcome, "answer">,
        refusedBy: Withdrawal["refusedBy"],
    ) => all.push({ who, operation, answer, refusedBy });
    /** An upload with a new login. */
    const upload = (login: Login) => attempt(stack, { id: "somebody", login }, "upload");
    const works = async (login: Login) => {
        const { done, answer } = await upload(login);
        assert.ok(done, `${JSON.stringify(login)}: ${answer.step} ${answer.status} ${answer.text}`);
    };
    /** An upload with a token that was issued before. */
    const uploadWith = (token: string | undefined) => attemptWith(stack, "somebody", "upload", token);

    for (const [what, url, earlier] of [
        ["provider", `${pool}/providers/github`, undefined],
        ["pool", pool, ["registry", 401]],
    ] as const) {
        for (const [how, withdraw, restore] of [
            [
                "disabled",
                () => stack.asOperator("PATCH", `${url}?updateMask=disabled`, { disabled: true }),
                () => stack.asOperator("PATCH", `${url}?updateMask=disabled`, { disabled: false }),
            ],
            [
                "deleted",
                () => stack.asOperator("DELETE", url),
                () => stack.asOperator("POST", `${url}:undelete`, {}),
            ],
        ] as const) {
            const token = await stack.login(release);
            await works(release);
            await withdraw();
            note(`a workload whose ${what} is ${how}`, "upload", await upload(release), [
                "token exchange",
                400,
            ]);
            note(
                `a workload whose ${what} is ${how}, with a token from before`,
                "upload",
                await uploadWith(token),
                earlier,
            );
            await restore();
            note(
                `a workload whose ${what} is ${how === "disabled" ? "enabled" : "restored"} again`,
                "upload",
                await upload(release),
                undefined,
            );
        }
    }

    await works(release);
    stack.sandbox.issuers.rotate(githubActions.issuer);
    note("a workload whose issuer has a new key", "upload", await upload(release), undefined);

    const account = `${accounts}/${getEmail("ci-builds")}`;
    const impersonated = await stack.login(build);
    await works(build);
    await stack.asOperator("POST", `${account}:disable`, {});
    note("a workload whose service account is disabled", "upload", await upload(build), [
        "impersonation",
        400,
    ]);
    note(
        "a workload whose service account is disabled, with a token from before",
        "upload",
        await uploadWith(impersonated),
        ["registry", 401],
    );
    await stack.asOperator("POST", `${account}:enable`, {});
    await works(build);
    const { bindings } = stack.sandbox.cloud.findServiceAccount(getEmail("ci-builds"))?.policy ?? {};
    const onAccount = { bindings };
    await stack.asOperator("POST", `${account}:setIamPolicy`, { policy: { bindings: [] } });
    note("a workload whose grant on the service account was removed", "upload", await upload(build), [
        "impersonation",
        403,
    ]);

    const keyFile = stack.outputs.credentials["old-server"]?.keyFile ?? "";
    const key = (JSON.parse(keyFile) as { private_key_id: string }).private_key_id;
    const keyUrl = `${accounts}/${getEmail("old-server")}/keys/${key}`;
    const password = () =>
        attemptWith(stack, "somebody", "upload", Buffer.from(keyFile).toString("base64"), "_json_key_base64");
    const keyCases = async (who: string) => {
        note(`${who}, with the key file`, "upload", await upload(server), ["login with a key", 400]);
        note(`${who}, with the key as the password`, "upload", await password(), ["registry", 401]);
    };
    await works(server);
    assert.ok((await password()).done);
    await stack.asOperator("POST", `${accounts}/${getEmail("old-server")}:disable`, {});
    await keyCases("a service account that is disabled");
    await stack.asOperator("POST", `${accounts}/${getEmail("old-server")}:enable`, {});
    await stack.asOperator("POST", `${keyUrl}:disable`, {});
    await keyCases("a service account whose key is disabled");
    await stack.asOperator("POST", `${keyUrl}:enable`, {});
    await works(server);
    await stack.asOperator("DELETE", keyUrl);
    await keyCases("a service account whose key was deleted");

    const dev: Login = { kind: "person", member: "user:dev@example.com" };
    const member: Login = { kind: "person", member: "user:member@example.com" };
    const install = (login: Login) => attempt(stack, { id: "somebody", login }, "install");
    const { groups } = stack.sandbox.cloud;
    groups.set("developers@example.com", new Set(["user:member@example.com"]));
    assert.ok((await install(member)).done);
    groups.set("developers@example.com", new Set());
    note("a user who was removed from the group", "install", await install(member), ["registry", 403]);
    assert.ok((await install(dev)).done);
    const expired = stack.sandbox.issueToken("user:dev@example.com", 0);
    note(
        "a user with an expired token",
        "install",
        await attemptWith(stack, "somebody", "install", expired),
        ["registry", 401],
    );

    await works(release);
    const granted = await stack.login(release);
    await stack.upAgain(withoutWorkloads);
    // The provider stays, so the exchange still works.
    note("a workload that was removed from the configuration", "upload", await upload(release), [
        "registry",
        403,
    ]);
    note(
        "a workload that was removed from the configuration, with a token from before",
        "upload",
        await uploadWith(granted),
        ["registry", 403],
    );

    await stack.asOperator("POST", `${account}:setIamPolicy`, { policy: onAccount });
    await works(build);
    const last = await stack.login(build);
    await stack.asOperator("DELETE", account);
    note("a workload whose service account was deleted", "upload", await upload(build), [
        "impersonation",
        403,
    ]);
    note(
        "a workload whose service account was deleted, with a token from before",
        "upload",
        await uploadWith(last),
        ["registry", 401],
    );
    await stack.asOperator("POST", accounts, { accountId: "ci-builds" });
    await stack.asOperator("POST", `${account}:setIamPolicy`, { policy: onAccount });
    note(
        "a workload whose service account was deleted and created again by hand",
        "upload",
        await upload(build),
        ["registry", 403],
    );
    return all;
}
