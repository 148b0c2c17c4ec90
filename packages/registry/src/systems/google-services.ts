import * as v from "valibot";
import { tokenUsername } from "../clients/credential";
import { installCommands, prepare, start, uploadCommands, useRegistry, uvCommands } from "../ci/commands";
import { indexVariable } from "../clients/pip";
import type { SnippetContext } from "../ci/context";
import { fileOf, indented } from "../ci/text";
import { projectHost, projectOfAccount } from "../names/principals";
import * as pasted from "../validation/pasted";
import { isServiceAccountAddress } from "../validation/principals";
import { boolean, projectId, text } from "../validation/schema";
import { spellingSuggestion } from "../validation/wording";
import { common, projectNumber } from "./keys";
import type { Entry, OwnIdentity, ReportEntry, System } from "./system";

// Google's services, which run as a service account: the default one, or the given one.

const accountPattern = /^[a-z0-9][a-z0-9.-]{0,63}@(?:[a-z0-9-]+\.)*gserviceaccount\.com$/i;
const accountAddress = v.pipe(
    text("the email address of a service account"),
    v.check(
        isServiceAccountAddress,
        ({ input }) =>
            `is not the email address of a service account. Allowed: NAME@PROJECT.iam.gserviceaccount.com.${spellingSuggestion(input, accountPattern, pasted.accountAddresses, false)}`,
    ),
    v.toLowerCase(),
);
const keys = {
    ...common,
    serviceAccount: v.exactOptional(accountAddress),
    project: v.exactOptional(projectId),
    projectNumber: v.exactOptional(projectNumber),
};
type Service = Entry<typeof keys>;

/** The default account of the project with a number. https://cloud.google.com/iam/docs/service-account-types#default */
const computeAccount = (number: string) => `${number}-compute@developer.gserviceaccount.com`;

function identify(
    { serviceAccount, project }: Service,
    registryProject: string,
    defaultAccount = computeAccount,
): OwnIdentity {
    return {
        ...(serviceAccount === undefined ? { numberProject: project ?? registryProject } : {}),
        principal: (number) => `serviceAccount:${serviceAccount ?? defaultAccount(number)}`,
        impersonationRole: "roles/iam.serviceAccountTokenCreator",
    };
}

function check(workload: Service, report: ReportEntry): void {
    if (workload.serviceAccount === undefined) return;
    for (const key of ["project", "projectNumber", "legacy"].filter((each) => each in workload)) {
        report(
            [key],
            undefined,
            "cannot be set with serviceAccount. Allowed: only one of them, because it is for the default account.",
        );
    }
}

/** What all of them share. */
const shared = { check, projectKeys: ["project", "projectNumber"] } satisfies Partial<System<Service>>;

/**
 * One of Google's services, with sh commands. The login needs no configuration: it comes from the metadata server.
 *
 * @param place where the commands run
 */
const service = (place: string) =>
    ({
        ...shared,
        keys,
        identity: (workload, project) => identify(workload, project),
        snippet: (context) => {
            const { serviceAccount } = context.workload;
            const identity = serviceAccount === undefined ? "" : ` It runs as ${serviceAccount}.`;
            return fileOf(`# ${place}${identity}`, ...start, ...googleCommands(context));
        },
    }) satisfies System<Service>;

export const computeEngine = service("On the instance, which needs the access scope cloud-platform.");
export const cloudRun = service("In the container of the service or job.");
export const cloudFunctions = service(
    "In the function. While it is built, Cloud Build installs its requirements: see type cloudBuild.",
);
export const appEngine = {
    ...service("In the app. While it is built, Cloud Build installs its requirements: see type cloudBuild."),
    identity: ({ serviceAccount, project }, registryProject) => ({
        principal: () =>
            `serviceAccount:${serviceAccount ?? `${projectHost(project ?? registryProject)}@appspot.gserviceaccount.com`}`,
        impersonationRole: "roles/iam.serviceAccountTokenCreator",
    }),
} satisfies System<Service>;

const buildKeys = { ...keys, legacy: v.exactOptional(boolean) };
type CloudBuild = Entry<typeof buildKeys>;
export const cloudBuild = {
    ...shared,
    keys: buildKeys,
    identity: (workload, project) =>
        identify(
            workload,
            project,
            workload.legacy === true
                ? (number) => `${number}@cloudbuild.gserviceaccount.com`
                : computeAccount,
        ),
    snippet: cloudBuildSnippet,
} satisfies System<CloudBuild>;

/**
 * A build configuration of Cloud Build.
 *
 * @see https://cloud.google.com/build/docs/build-config-file-schema
 */
function cloudBuildSnippet(context: SnippetContext<CloudBuild>): string {
    const { serviceAccount, project = context.project } = context.workload;
    return fileOf(
        "# cloudbuild.yaml. `docker build` has this login only with --network=cloudbuild and without BuildKit.",
        "steps:",
        "  - name: python:3.13",
        "    script: |",
        indented([...start, ...googleCommands(context)], 6),
        ...(serviceAccount === undefined
            ? []
            : [
                  `serviceAccount: projects/${projectOfAccount(serviceAccount) ?? project}/serviceAccounts/${serviceAccount}`,
                  "options:",
                  "  logging: CLOUD_LOGGING_ONLY",
              ]),
    );
}

/** The commands on a machine with a metadata server, after `start`. */
function googleCommands(context: SnippetContext): string[] {
    return context.serviceAccount === undefined
        ? [...prepare(context), ...useRegistry(context)]
        : impersonating(context, context.serviceAccount);
}

/**
 * The commands that impersonate a service account. The keyring always uses the account of the machine, so pip and twine get a
 * token of the other one, which is valid for an hour.
 */
function impersonating(context: SnippetContext, serviceAccount: string): string[] {
    const { workload, index, pypirc } = context;
    const writes = workload.access !== "reader";
    const indexUrl = index.indexUrl.replace(/^https:\/\//, `https://${tokenUsername}:$token@`);
    return [
        ...prepare(context, "google-auth requests"),
        "token=$(python - <<'END'",
        "import google.auth",
        "from google.auth import impersonated_credentials",
        "from google.auth.transport.requests import Request",
        'scopes = ["https://www.googleapis.com/auth/cloud-platform"]',
        "own, _ = google.auth.default(scopes=scopes)",
        `account = impersonated_credentials.Credentials(own, "${serviceAccount}", scopes)`,
        "account.refresh(Request())",
        "print(account.token)",
        "END",
        ")",
        `export ${indexVariable(index)}="${indexUrl}"`,
        ...installCommands(index, `$${indexVariable(index)}`),
        ...(writes
            ? [
                  `export TWINE_USERNAME=${tokenUsername} TWINE_PASSWORD="$token"`,
                  ...uploadCommands(index, pypirc),
              ]
            : []),
        ...uvCommands(index, writes, '"$token"'),
    ];
}
