import assert from "node:assert/strict";
import { cp, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { PythonTools } from "../../packages/sandbox/src/python/python-tools";
import { buildPackage } from "../../packages/sandbox/src/python/sample-package";
import { pythonFile } from "../../packages/sandbox/src/python/simple-index";
import {
    ToolEnvironment,
    type ToolEnvironmentOptions,
} from "../../packages/sandbox/src/python/tool-environment";
import type { Role } from "../../packages/registry/src/names/principals";
import { type AccessStack, getEmail } from "./access-stack";
import type { Identity } from "./identities";
import { githubCredentials, impersonationCommandsIn, loginCommandsIn } from "./snippet-login";

// The real pip, twine and uv, with the real keyring and google-auth, the registry's own files and the login of a snippet.

/** A package that the real pip can install. */
export const installable = { name: "acme-core", version: "1.0.0" };

/** A credential as a machine has it. */
interface RealLogin {
    /** Kind of the credential, as on the page. */
    readonly credential: string;
    readonly identity: Identity;
    readonly options: Partial<ToolEnvironmentOptions>;
    /** sh commands before the tools. */
    readonly commands?: string;
    /** What the log of the registry has as the caller. */
    readonly principal: RegExp;
}

/** A tool that installs and one that uploads. */
interface RealTools {
    readonly install: string;
    readonly upload: string;
    readonly path: readonly string[];
    readonly script: string;
}

/** What real clients did. */
export interface RealRun {
    readonly credential: string;
    readonly identity: Identity;
    readonly tools: string;
    readonly installed: boolean;
    readonly uploaded: boolean;
    readonly output: string;
}

/** The logins of identities with a role, one for each kind of credential. */
export async function realLogins(
    stack: AccessStack,
    find: (row: string, role: Role) => Identity,
    role: Role,
): Promise<RealLogin[]> {
    const { sandbox, outputs } = stack;
    const federated = async (row: string, variable: string) => {
        const identity = find(row, role);
        assert.ok(identity.login.kind === "federation");
        const { workload, issuer, claims } = identity.login;
        const snippet = stack.snippet(workload);
        const audience = /aud: (\S+)/.exec(snippet)?.[1];
        const token = await sandbox.issuers.issue(issuer, claims, {
            ...(audience !== undefined && { audience }),
            // Many tools run before it is used.
            expiresInSeconds: 3600,
        });
        return {
            identity,
            options: { environment: { [variable]: token } },
            commands: loginCommandsIn(snippet),
        };
    };
    const machine = async (row: string) => {
        const identity = find(row, role);
        assert.ok(identity.login.kind === "machine");
        return {
            identity,
            options: { environment: await stack.machine(identity.login.member) },
            principal: exactly(identity.login.member),
        };
    };
    const impersonating = async (row: string) => {
        const { identity, options } = await machine(row);
        assert.ok(identity.login.kind === "machine");
        return {
            identity,
            options,
            commands: impersonationCommandsIn(stack.snippet(identity.login.workload)),
            principal: exactly(`serviceAccount:${getEmail(`via-${role}`)}`),
        };
    };
    const person = find("user", role);
    assert.ok(person.login.kind === "person");
    const key = find("service account with a key", role);
    assert.ok(key.login.kind === "key");
    const credential = outputs.credentials[key.login.account];
    assert.ok(credential !== undefined);
    const keyPrincipal = exactly(`serviceAccount:${getEmail(key.login.account)}`);
    const github = find("githubActions, ref", role);
    assert.ok(github.login.kind === "federation");
    const request = sandbox.issuers.githubTokenRequest(github.login.claims);
    const gcloud = {
        credential: {
            access_token: sandbox.issueToken(person.login.member),
            token_expiry: "2100-01-01T00:00:00Z",
        },
    };
    const pool = "principal://iam\\.googleapis\\.com/.*/subject/";
    return [
        {
            credential: "token of a person (gcloud)",
            identity: person,
            options: {
                path: ["bin"],
                executables: { "bin/gcloud": `#!/bin/sh\necho '${JSON.stringify(gcloud)}'\n` },
            },
            principal: exactly(person.login.member),
        },
        {
            credential: "key as the password",
            identity: key,
            options: { pipConf: credential.pipConf, pypirc: credential.pypirc },
            principal: keyPrincipal,
        },
        {
            credential: "key file",
            identity: key,
            options: { keyFile: credential.keyFile },
            principal: keyPrincipal,
        },
        {
            credential: "credential configuration file with a token in a file",
            principal: new RegExp(`^${pool}gitlab:\\d+:505$`),
            ...(await federated("gitlabCi, project", "GOOGLE_ID_TOKEN")),
        },
        {
            credential: "credential configuration file, CircleCI's own audience",
            principal: new RegExp(`^${pool}circleci:`),
            ...(await federated("circleCi, origin and ref", "CIRCLE_OIDC_TOKEN")),
        },
        {
            credential: "credential configuration file with the token URL of GitHub",
            identity: github,
            options: {
                keyFile: JSON.stringify(
                    githubCredentials(stack.snippet(github.login.workload), {
                        url: request.ACTIONS_ID_TOKEN_REQUEST_URL,
                        bearer: request.ACTIONS_ID_TOKEN_REQUEST_TOKEN,
                    }),
                ),
            },
            principal: new RegExp(`^${pool}github:\\d+:9009009009$`),
        },
        {
            credential: "credential configuration file with impersonation",
            principal: exactly(`serviceAccount:${getEmail(`via-${role}`)}`),
            ...(await federated("gitlabCi, project, via an account", "GOOGLE_ID_TOKEN")),
        },
        {
            credential: "metadata server, default account",
            ...(await machine(
                // In the registry's own project, one role has it.
                role === "writer"
                    ? "computeEngine, default account of the registry's project"
                    : "computeEngine, default account",
            )),
        },
        {
            credential: "metadata server, with impersonation by google-auth",
            ...(await impersonating("cloudBuild, default account, via an account")),
        },
        { credential: "metadata server of GKE", ...(await machine("gke")) },
    ];
}

function exactly(text: string): RegExp {
    return new RegExp(`^${text.replaceAll(/[.*+?^$()[\]{}|\\]/g, "\\$&")}$`);
}

/** pip and twine. */
export function pipAndTwine({ bin }: PythonTools): RealTools {
    return {
        install: "pip",
        upload: "twine",
        path: [bin],
        script: [
            `pip install --target ../site ${installable.name}`,
            "echo INSTALLED",
            "twine upload --non-interactive -r python dist/*",
            "echo UPLOADED",
        ].join("\n"),
    };
}

/** uv for both. @param bin with uv and keyring */
export function onlyUv(bin: string): RealTools {
    return {
        install: "uv",
        upload: "uv",
        path: [bin],
        script: [
            "uv venv ../venv",
            `VIRTUAL_ENV=../venv uv pip install ${installable.name}`,
            "echo INSTALLED",
            "uv publish --index python --username oauth2accesstoken dist/*",
            "echo UPLOADED",
        ].join("\n"),
    };
}

/** Puts a package on the index that the real pip can install. */
export async function publishInstallable(
    { repository }: Pick<AccessStack, "repository">,
    { bin }: PythonTools,
): Promise<void> {
    await using builder = await ToolEnvironment.open({ path: [bin] });
    for (const path of await buildPackage(builder, join(builder.home, "package"), installable)) {
        const file = pythonFile(installable.name, basename(path), await readFile(path));
        repository.files.set(file.filename, file);
    }
}

/** Makes the names of packages unique. */
let turn = 0;

/** Installs and uploads with real clients. */
export async function runClients(
    stack: AccessStack,
    { credential, identity, options, commands = "", principal }: RealLogin,
    tools: RealTools,
    builderTools: PythonTools,
): Promise<RealRun> {
    const { sandbox, outputs } = stack;
    await using home = await ToolEnvironment.open({
        pipConf: outputs.pipConf,
        pypirc: outputs.pypirc,
        files: { ".config/uv/uv.toml": outputs.clients["uv"]?.["uv.toml"] ?? "" },
        ...options,
        path: [...(options.path ?? []), ...tools.path],
        environment: { ...sandbox.clientEnvironment, ...options.environment },
    });
    await using builder = await ToolEnvironment.open({ path: [builderTools.bin] });
    const name = `real-${tools.install}-${identity.id}-${++turn}`;
    const built = await buildPackage(builder, join(builder.home, "package"), { name, version: "1.0.0" });
    for (const file of built) await cp(file, join(home.home, "checkout", "dist", basename(file)));
    const before = sandbox.requests.length;
    const { output } = await home.runIn("checkout", "sh", "-ec", `${commands}\n${tools.script}`);
    const answers = sandbox.requests
        .slice(before)
        .filter(({ plane, principal: caller = "" }) => plane === "data" && principal.test(caller))
        .map(({ method, status }) => `${method} ${status}`);
    const installed = /^INSTALLED$/m.test(output);
    const uploaded = /^UPLOADED$/m.test(output);
    // What the tools say is also what the service has, and the caller is the identity.
    const onIndex = built.some((file) => stack.repository.files.has(basename(file)));
    assert.equal(uploaded, onIndex, output);
    assert.ok(!installed || answers.includes("GET 200"), `installed by somebody else:\n${output}`);
    assert.ok(answers.includes(uploaded ? "POST 200" : "POST 403"), `${answers.join(", ")}:\n${output}`);
    return {
        credential,
        identity,
        tools: [...new Set([tools.install, tools.upload])].join(", "),
        installed,
        uploaded,
        output,
    };
}
