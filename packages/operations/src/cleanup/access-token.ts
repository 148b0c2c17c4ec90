import { execa } from "execa";

/** Variables from which Google's tools and Terraform's provider read an access token. */
const variables = ["CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"];

/**
 * An access token, from the environment or from gcloud.
 *
 * @throws Error that says how to pass one
 */
export async function findAccessToken(
    environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
    const set = variables.map((name) => environment[name]?.trim()).find(Boolean);
    if (set !== undefined) return set;
    const { stdout, stderr, exitCode, failed } = await execa(
        "gcloud",
        ["auth", "print-access-token", "--quiet"],
        { reject: false, stdin: "ignore" },
    );
    const token = stdout.trim();
    if (!failed && exitCode === 0 && token !== "") return token;
    const [reason = ""] = stderr.trim().split("\n").slice(-1);
    throw new Error(
        `There is no access token. Run gcloud auth login, or set ${variables.join(" or ")}${reason === "" ? "" : ` (gcloud: ${reason})`}`,
    );
}
