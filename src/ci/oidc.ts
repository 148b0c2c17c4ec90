import type { WorkloadOf } from "../validation/workloads";
import { login, providerOf, registryCommands, start } from "./commands";
import { tokenAudience } from "./credential-configuration";
import type { SnippetContext } from "./snippet";
import { fileOf } from "./text";

/** A job of any system that signs tokens: sh commands with the credential configuration file. */
export function oidcSnippet(context: SnippetContext, { audiences }: WorkloadOf<"oidc">): string {
    const provider = providerOf(context);
    const { prepare, use } = registryCommands(context);
    return fileOf(
        "# In a job of your system, with its token in OIDC_TOKEN. Audience of the token:",
        // In JSON, an audience cannot end the comment.
        `# ${JSON.stringify(audiences[0] ?? tokenAudience(provider))}`,
        ...start(true),
        ...prepare,
        ...login(context, (file) => [`printf %s "$OIDC_TOKEN" > ${file}`]),
        ...use,
    );
}
