import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Dispatcher } from "undici";
import { type GoogleClient, NoAnswer } from "../google/client";
import { oneLine } from "../output";
import { type IndexFile, parseIndexPage } from "./index-page";
import type { Registry } from "./registry";

const again = "Run the command again: it continues where it stopped";

/** The part that a registry has in a promotion. */
export type Side = "source" | "target";

/** What a registry answers to this command. */
export class RegistryClient {
    constructor(
        readonly side: Side,
        readonly registry: Registry,
        private readonly client: GoogleClient,
    ) {}

    /**
     * The wheels and sdists of a package, of all versions; none if the registry does not have the package.
     *
     * @param name normalized
     */
    async listFiles(name: string): Promise<IndexFile[]> {
        const { indexUrl, uploadUrl } = this.registry;
        const pageUrl = `${indexUrl}${name}/`;
        const { statusCode, body } = await this.#get(pageUrl, "text/html");
        const text = await body.text();
        if (statusCode === 404) return [];
        if (statusCode !== 200) throw this.#refusal(statusCode, text, `the index page of ${name}`);
        try {
            return parseIndexPage(text, pageUrl, uploadUrl, name);
        } catch (error) {
            throw new Error(`${this.describe()}: ${(error as Error).message}`, { cause: error });
        }
    }

    /**
     * Downloads a file.
     *
     * @param path of the file to write, which must not exist
     * @returns the size in bytes, and the hash of what was written
     */
    async download(
        { filename, url }: IndexFile,
        path: string,
    ): Promise<{ readonly size: number; readonly sha256: string }> {
        const { statusCode, body } = await this.#get(url);
        if (statusCode !== 200) throw this.#refusal(statusCode, await body.text(), filename);
        const hash = createHash("sha256");
        let size = 0;
        const measure = new Transform({
            transform(chunk: Buffer, _encoding, done) {
                hash.update(chunk);
                size += chunk.length;
                done(null, chunk);
            },
        });
        try {
            await pipeline(body, measure, createWriteStream(path, { flags: "wx", mode: 0o600 }));
        } catch (error) {
            const { name, code = name } = error as NodeJS.ErrnoException;
            throw new Error(`${this.describe()}: the download of ${filename} stopped (${code}). ${again}`, {
                cause: error,
            });
        }
        return { size, sha256: hash.digest("hex") };
    }

    /** The side and the resource name, for messages. */
    describe(): string {
        return `${this.side} ${this.registry.name}`;
    }

    /** What a role of this registry is needed for, as a sentence. */
    describeRole(role: "reader" | "writer"): string {
        return `The identity needs the role roles/artifactregistry.${role} on the ${this.describe()}: add it to ${role}s of that stack`;
    }

    async #get(address: string, accept?: string): Promise<Dispatcher.ResponseData> {
        try {
            return await this.client.get(address, accept);
        } catch (error) {
            if (!(error instanceof NoAnswer)) throw error;
            throw new Error(`${this.describe()}: ${error.message}. ${again}`, { cause: error });
        }
    }

    #refusal(status: number, text: string, what: string): Error {
        const fix =
            status === 401
                ? `The ${this.side} does not accept the credential. Sign in again; if you named a file of credentials, check it`
                : status === 403
                  ? this.describeRole("reader")
                  : again;
        const said = oneLine(this.client.mask(text));
        return new Error(
            `${this.describe()} answered ${status} for ${what}${said === "" || said.startsWith("<") ? "" : ` (${said})`}. ${fix}`,
        );
    }
}
