import { execa } from "execa";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KeyringProvider, PublicPackages } from "python-registry/clients/client";
import { twineClient } from "python-registry/clients/twine";
import type { AccessTokens } from "../google/access-tokens";
import { lastLines } from "../output";
import { onPath } from "../programs";
import type { Registry } from "./registry";

/** The path of twine on PATH; undefined if there is none. */
export function findTwine(): string | undefined {
    return onPath("twine");
}

export const missingTwine =
    "twine is not on PATH, and uploads need it. Install it: pipx install twine && pipx inject twine keyrings.google-artifactregistry-auth";

/** How an upload ended. */
export interface UploadResult {
    readonly failed: boolean;
    /** 401 or 403 if the registry refused the identity. */
    readonly refusal: 401 | 403 | undefined;
    /** The last lines that twine printed, without the token. */
    readonly output: string;
}

/** Runs the real twine with the `.pypirc` of a registry. */
export class Uploader {
    private constructor(
        private readonly twine: string,
        private readonly registry: Registry,
        private readonly tokens: AccessTokens,
        private readonly pypirc: string,
    ) {}

    /** @param folder for the `.pypirc`, which contains the user name and no token */
    static async open(
        twine: string,
        registry: Registry,
        tokens: AccessTokens,
        folder: string,
    ): Promise<Uploader> {
        const { id, indexUrl, uploadUrl } = registry;
        const index = {
            name: id,
            indexUrl,
            uploadUrl,
            keyring: KeyringProvider.auto,
            publicPackages: PublicPackages.none,
            internalPackages: [],
        };
        const [file] = twineClient(index, { form: "token" }).publish;
        const pypirc = join(folder, ".pypirc");
        await writeFile(pypirc, file?.text ?? "", { mode: 0o600 });
        return new Uploader(twine, registry, tokens, pypirc);
    }

    async upload(path: string): Promise<UploadResult> {
        const args = ["upload", "--non-interactive", "--disable-progress-bar", "--config-file", this.pypirc];
        const { exitCode, all } = await execa(this.twine, [...args, "--repository", this.registry.id, path], {
            // Other processes can read the arguments of a process, and not its environment.
            env: { ...ownEnvironment(), TWINE_PASSWORD: await this.tokens.get() },
            extendEnv: false,
            reject: false,
            all: true,
            stdin: "ignore",
        });
        const text = this.tokens.mask(all);
        const refusal = /\b(401|403)\b (?:Unauthorized|Forbidden)/.exec(text)?.[1];
        return {
            failed: exitCode !== 0,
            refusal: refusal === "401" ? 401 : refusal === "403" ? 403 : undefined,
            output: lastLines(text, "  twine: "),
        };
    }
}

/** The environment without twine's variables, which would replace the address and the login; the certificates stay. */
function ownEnvironment(): NodeJS.ProcessEnv {
    return Object.fromEntries(
        Object.entries(process.env).filter(([name]) => !/^TWINE_(?!CERT$)/i.test(name)),
    );
}
