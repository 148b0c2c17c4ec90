import { execa } from "execa";
import { rmSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export const root = join(__dirname, "..", "..");

/** Repositories by their files, of which tests get copies: git takes longer to make one. */
const templates: Record<string, Promise<Repository>> = {};

/** A bare repository with a clone of it, in which tests make commits. */
export class Repository implements AsyncDisposable {
    private constructor(
        readonly directory: string,
        /** The clone. */
        readonly clone: string,
    ) {}

    /** Makes a repository whose branch `main` has one commit with these files. */
    static async open(files: Readonly<Record<string, string>>): Promise<Repository> {
        const key = JSON.stringify(files);
        const made = (templates[key] ??= Repository.#make(files));
        const directory = await mkdtemp(join(tmpdir(), "python-registry-deploy-"));
        const clone = join(directory, "clone");
        await cp((await made).directory, directory, { recursive: true });
        const config = join(clone, ".git", "config");
        const text = await readFile(config, "utf8");
        await writeFile(
            config,
            text.replaceAll((await made).directory, () => directory),
        );
        return new Repository(directory, clone);
    }

    static async #make(files: Readonly<Record<string, string>>): Promise<Repository> {
        const directory = await mkdtemp(join(tmpdir(), "python-registry-deploy-"));
        process.once("exit", () => {
            rmSync(directory, { recursive: true, force: true });
        });
        const repository = new Repository(directory, join(directory, "clone"));
        await execa("git", ["init", "--quiet", "--bare", "--initial-branch=main", "bare.git"], {
            cwd: directory,
        });
        await execa("git", ["clone", "--quiet", "bare.git", "clone"], { cwd: directory });
        await repository.git("checkout", "--quiet", "-B", "main");
        await repository.commit(files);
        await repository.git("push", "--quiet", "origin", "main");
        return repository;
    }

    async git(...args: string[]): Promise<string> {
        // Whatever the machine's user has configured: no name, or that commits are signed.
        const settings = ["user.name=Test", "user.email=test@example.com", "commit.gpgsign=false"];
        const options = settings.flatMap((setting) => ["-c", setting]);
        return (await execa("git", [...options, ...args], { cwd: this.clone })).stdout;
    }

    /** Writes files, deletes those whose text is undefined, and commits everything. */
    async commit(files: Readonly<Record<string, string | undefined>>): Promise<void> {
        for (const [name, text] of Object.entries(files)) {
            const path = join(this.clone, name);
            await mkdir(dirname(path), { recursive: true });
            await (text === undefined ? rm(path) : writeFile(path, text));
        }
        await this.git("add", "--all");
        await this.git("commit", "--quiet", "--allow-empty", "--message", "A change");
    }

    /** Makes this project's packages and commands available in a clone, not as files of git. */
    async install(clone = this.clone): Promise<void> {
        await writeFile(
            join(clone, ".git", "info", "exclude"),
            "node_modules\npackages/operations\ntypescript.cjs\nsrc\n",
        );
        for (const name of ["node_modules", "packages/operations", "typescript.cjs"]) {
            await mkdir(dirname(join(clone, name)), { recursive: true });
            await symlink(join(root, name), join(clone, name));
        }
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await rm(this.directory, { recursive: true });
    }
}
