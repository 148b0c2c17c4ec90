import { tokenUsername } from "../clients/credential";
import { installCommands, prepare, start, uploadCommands, useRegistry, uvCommands } from "./commands";
import type { SnippetContext } from "./snippet";
import { fileOf } from "./text";

type Service = "computeEngine" | "cloudRun" | "cloudFunctions" | "appEngine";

const places: Readonly<Record<Service, string>> = {
    computeEngine: "On the instance, which needs the access scope cloud-platform.",
    cloudRun: "In the container of the service or job.",
    cloudFunctions:
        "In the function. While it is built, Cloud Build installs its requirements: see type cloudBuild.",
    appEngine: "In the app. While it is built, Cloud Build installs its requirements: see type cloudBuild.",
};

/** sh commands for one of Google's services. The login needs no configuration: it comes from the metadata server. */
export function googleServiceSnippet(context: SnippetContext<Service>): string {
    const { type, serviceAccount } = context.workload;
    return fileOf(
        `# ${places[type]}${serviceAccount === undefined ? "" : ` It runs as ${serviceAccount}.`}`,
        ...start(true),
        ...googleCommands(context),
    );
}

/** The commands on a machine with a metadata server, after `start`. */
export function googleCommands(context: SnippetContext): string[] {
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
        `export PIP_EXTRA_INDEX_URL="${indexUrl}"`,
        ...installCommands("$PIP_EXTRA_INDEX_URL"),
        ...(writes
            ? [
                  `export TWINE_USERNAME=${tokenUsername} TWINE_PASSWORD="$token"`,
                  ...uploadCommands(index, pypirc),
              ]
            : []),
        ...uvCommands(index, writes, '"$token"'),
    ];
}
