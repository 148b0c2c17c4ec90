import { execa } from "execa";
import { onPath } from "../programs";

/** Variables from which Google's tools and Terraform's provider read an access token. */
const tokenVariables = ["CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"];

/** A token is valid for an hour at most, and gcloud gives one with five minutes left. */
const freshMilliseconds = 4 * 60_000;

const tokenPattern = /^[\w.~+/=-]{20,}$/;

type Environment = Readonly<Record<string, string | undefined>>;

/** Access tokens of one identity. A token is on no command line and in no file. */
export class AccessTokens {
    #last: { readonly token: Promise<string>; readonly time: number } | undefined;
    readonly #issued = new Set<string>();

    /** @param find gets a token that is valid for some minutes, or throws an Error that says how to sign in */
    constructor(private readonly find: () => Promise<string>) {}

    /**
     * A token that is valid for some minutes.
     * @throws Error that says how to sign in
     */
    async get(): Promise<string> {
        if (this.#last === undefined || Date.now() - this.#last.time > freshMilliseconds) {
            this.#last = { token: this.find(), time: Date.now() };
        }
        const token = await this.#last.token;
        this.#issued.add(token);
        return token;
    }

    /** A text in which the tokens are replaced. */
    mask(text: string): string {
        return [...this.#issued].reduce((rest, token) => rest.replaceAll(token, "********"), text);
    }
}

/** The tokens of the identity of this machine's user: from a variable, Application Default Credentials, or gcloud's account. */
export function ownTokens(environment: Environment = process.env): AccessTokens {
    return new AccessTokens(async () => {
        const found =
            tokenInEnvironment(environment) ??
            (await askGcloud(["auth", "application-default", "print-access-token"])) ??
            (await askGcloud(["auth", "print-access-token"]));
        if (found !== undefined) return found;
        throw new Error(
            `There is no access token. Install gcloud and run gcloud auth application-default login, or set ${tokenVariables.join(" or ")}`,
        );
    });
}

/** The token that a variable has. */
export function tokenInEnvironment(environment: Environment): string | undefined {
    return tokenVariables.map((name) => environment[name]?.trim()).find(Boolean);
}

/**
 * What a command of gcloud prints, if that is a token; undefined if there is no gcloud, or the command fails.
 * @param variables environment variables in addition to those of this process
 */
export async function askGcloud(
    args: readonly string[],
    variables: Readonly<Record<string, string>> = {},
): Promise<string | undefined> {
    const gcloud = onPath("gcloud");
    return gcloud === undefined ? undefined : askForToken(gcloud, [...args, "--quiet"], variables);
}

/** What a program prints, if that is a token. @param isTrusted whether its token counts, by what it prints as an error */
export async function askForToken(
    program: string,
    args: readonly string[],
    variables: Readonly<Record<string, string>>,
    isTrusted: (stderr: string) => boolean = () => true,
): Promise<string | undefined> {
    const { exitCode, stdout, stderr } = await execa(program, args, {
        env: variables,
        reject: false,
        stdin: "ignore",
        timeout: 120_000,
    });
    const text = stdout.trim();
    return exitCode === 0 && isTrusted(stderr) && tokenPattern.test(text) ? text : undefined;
}
