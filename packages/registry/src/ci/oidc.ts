import { federatedScript, tokenAudience } from "./commands";
import type { SnippetContext } from "./snippet";
import { fileOf } from "./text";

/** A job of any system that signs tokens: sh commands with the credential configuration file. */
export function oidcSnippet(context: SnippetContext<"oidc">): string {
    return fileOf(
        "# In a job of your system, with its token in OIDC_TOKEN. Audience of the token:",
        // In JSON, an audience cannot end the comment.
        `# ${JSON.stringify(context.workload.audiences[0] ?? tokenAudience(context))}`,
        ...federatedScript(context, (file) => [`printf %s "$OIDC_TOKEN" > ${file}`], { lasting: true }),
    );
}
