import assert from "node:assert/strict";
import { execa } from "execa";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type EngineStack, openForEachTest } from "./engine-stack";

// What docs/state.md says, with the real engine: from one folder to another, and from one passphrase to another. A bucket
// and Pulumi Cloud are other backends behind the same commands, and a KMS key is another provider of secrets.

const root = join(__dirname, "..", "..");

describe("a stack's state", () => {
    let stack: EngineStack;
    openForEachTest((opened) => (stack = opened));
    beforeEach(async () => {
        await stack.init({ serviceAccounts: { "python-publisher": { access: "writer", keys: ["first"] } } });
        await stack.up();
    });

    /** Runs the commands of the page in the project's folder. */
    async function run(script: string, environment: Readonly<Record<string, string>> = {}) {
        return await execa("bash", ["-euo", "pipefail", "-c", script], {
            cwd: stack.directory,
            env: { ...stack.cli.environment, ...stack.engine.environment, ...environment },
            stdin: "ignore",
            all: true,
            reject: false,
        });
    }

    async function succeed(
        script: string,
        environment: Readonly<Record<string, string>> = {},
    ): Promise<string> {
        const { exitCode, all } = await run(script, environment);
        assert.equal(exitCode, 0, all);
        return all;
    }

    /** The commands in a section of docs/state.md, with this test's values. */
    async function getCommands(heading: string, values: Readonly<Record<string, string>>): Promise<string> {
        const page = await readFile(join(root, "docs", "state.md"), "utf8");
        const [, section = ""] = page.split(`\n## ${heading}\n`);
        const [, block = ""] = /```bash\n([^]*?)```/.exec(section) ?? [];
        assert.notEqual(block, "", heading);
        return Object.entries(values).reduce((text, [from, to]) => {
            assert.ok(text.includes(from), `${heading}: ${from}`);
            return text.replaceAll(from, to);
        }, block);
    }

    async function keyFile(environment: Readonly<Record<string, string>> = {}): Promise<string> {
        const show = `pulumi stack output credentials --show-secrets --json --stack ${stack.name}`;
        const credentials = JSON.parse(await succeed(show, environment)) as Record<
            string,
            { keyFile: string }
        >;
        return credentials["python-publisher"]?.keyFile ?? "";
    }

    /** Checks that no file below the project's folder contains the key, in any form in which Pulumi writes text. */
    async function assertNoPlainKey(key: string): Promise<void> {
        const { private_key: privateKey } = JSON.parse(key) as { private_key: string };
        const line = privateKey.split("\n")[1] ?? "";
        assert.ok(line.length > 40);
        const base64 = Buffer.from(key).toString("base64").slice(20, 120);
        const entries = await readdir(stack.directory, { recursive: true, withFileTypes: true });
        const files = entries.filter((entry) => entry.isFile());
        assert.ok(files.length > 3);
        for (const file of files) {
            const text = await readFile(join(file.parentPath, file.name), "utf8");
            assert.ok(!text.includes(line) && !text.includes(base64), `${file.name} contains a key`);
        }
    }

    /** The page's names, and what they are here. */
    const secretsProvider =
        "gcpkms://projects/acme-infra/locations/europe-west1/keyRings/pulumi/cryptoKeys/state";
    const namesHere = () => ({
        "gs://acme-pulumi-state": pathToFileURL(join(stack.directory, "there")).href,
        "https://api.pulumi.com": stack.engine.environment["PULUMI_BACKEND_URL"] ?? "",
        [secretsProvider]: "passphrase",
        "team-dev": stack.name,
    });

    /** Checks the stack in its new place. */
    async function assertMoved(key: string, there: Readonly<Record<string, string>>): Promise<void> {
        await succeed(`pulumi up --yes --skip-preview --expect-no-changes --stack ${stack.name}`, there);
        await succeed(`pulumi refresh --yes --skip-preview --expect-no-changes --stack ${stack.name}`, there);
        assert.equal(await keyFile(there), key);
        const exported = await succeed(`pulumi stack export --stack ${stack.name}`, there);
        assert.doesNotMatch(exported, /PRIVATE KEY/);
        assert.match(exported, /"ciphertext"/);
        const masked = await succeed(`pulumi stack output --json --stack ${stack.name}`, there);
        assert.equal((JSON.parse(masked) as { credentials: unknown }).credentials, "[secret]");
        await assertNoPlainKey(key);
    }

    it("moves to a different backend, with its secrets, and the next update changes nothing", async () => {
        const key = await keyFile();
        await succeed(`pulumi config set --secret other:note hidden --stack ${stack.name}`);
        await mkdir(join(stack.directory, "there"));
        const there = { PULUMI_BACKEND_URL: pathToFileURL(join(stack.directory, "there")).href };
        const script = await getCommands("Move a stack", namesHere());
        // The variable is a login for the length of a command.
        await succeed(script.replace(/^pulumi login .*$/m, ""), there);
        await assertMoved(key, there);
        assert.equal(await succeed(`pulumi config get other:note --stack ${stack.name}`, there), "hidden");
    });

    it("does not get a different provider of secrets by export and import", async () => {
        await mkdir(join(stack.directory, "there"));
        const there = {
            PULUMI_BACKEND_URL: pathToFileURL(join(stack.directory, "there")).href,
            PULUMI_CONFIG_PASSPHRASE: "the passphrase of the new place",
        };
        const key = await keyFile();
        await succeed(`sed -i /^encryptionsalt/d Pulumi.${stack.name}.yaml`);
        await succeed(`pulumi stack init ${stack.name} --no-select`, there);
        const { exitCode, all } = await run(
            `pulumi stack export --show-secrets --stack ${stack.name} |
                PULUMI_BACKEND_URL='${there.PULUMI_BACKEND_URL}' PULUMI_CONFIG_PASSPHRASE='${there.PULUMI_CONFIG_PASSPHRASE}' \\
                pulumi stack import --stack ${stack.name}`,
        );
        assert.notEqual(exitCode, 0);
        assert.match(all, /incorrect passphrase/);
        await assertNoPlainKey(key);
    });

    it("gets a different provider of secrets, and stays as it is otherwise", async () => {
        const key = await keyFile();
        await succeed(`pulumi config set --secret other:note hidden --stack ${stack.name}`);
        const before = await readFile(join(stack.directory, `Pulumi.${stack.name}.yaml`), "utf8");
        // From a passphrase to a different one: the old one in the environment, the new one on standard input.
        const args = ["stack", "change-secrets-provider", "passphrase", "--stack", stack.name];
        const { exitCode, all } = await execa("pulumi", args, {
            cwd: stack.directory,
            env: { ...stack.cli.environment, ...stack.engine.environment },
            input: "a new passphrase\na new passphrase\n",
            all: true,
            reject: false,
        });
        assert.equal(exitCode, 0, all);
        const fresh = { PULUMI_CONFIG_PASSPHRASE: "a new passphrase" };
        await succeed(`pulumi up --yes --skip-preview --expect-no-changes --stack ${stack.name}`, fresh);
        assert.equal(await keyFile(fresh), key);
        assert.equal(await succeed(`pulumi config get other:note --stack ${stack.name}`, fresh), "hidden");
        const after = await readFile(join(stack.directory, `Pulumi.${stack.name}.yaml`), "utf8");
        const salt = (text: string) => /encryptionsalt: (.*)/.exec(text)?.[1];
        assert.notEqual(salt(after), salt(before));
        await assertNoPlainKey(key);
        const refused = await run(`pulumi stack output --show-secrets --stack ${stack.name}`);
        assert.match(refused.all, /incorrect passphrase/);
    });

    it("is locked during an update: a second update fails and changes nothing", async () => {
        const lock = join(
            stack.directory,
            "state",
            ".pulumi",
            "locks",
            "organization",
            "python-registry",
            stack.name,
        );
        await mkdir(lock, { recursive: true });
        await writeFile(
            join(lock, "11111111-2222-4333-8444-555555555555.json"),
            JSON.stringify({ pid: 1, username: "ci", hostname: "runner", timestamp: "2026-11-01T00:00:00Z" }),
        );
        const seen = stack.sandbox.requests.length;
        await assert.rejects(
            stack.up(),
            /currently locked by 1 lock\(s\)[^]*ci@runner \(pid 1\) at 2026-11-01/,
        );
        assert.equal(stack.sandbox.requests.length, seen);
        // A preview takes no lock.
        await stack.pulumi("preview", "--expect-no-changes");
        await stack.pulumi("cancel", "--yes");
        await stack.up("--expect-no-changes");
    });

    it("is only read by a preview: read access to it is enough", async () => {
        const state = join(stack.directory, "state");
        const copy = join(stack.directory, "copy");
        await cp(state, copy, { recursive: true });
        const files = async (at: string) => {
            const entries = await readdir(at, { recursive: true, withFileTypes: true });
            const found = entries.filter((entry) => entry.isFile());
            return Promise.all(
                found.map(async ({ parentPath, name }) => [
                    join(parentPath, name).slice(at.length),
                    await readFile(join(parentPath, name), "utf8"),
                ]),
            );
        };
        await stack.pulumi("preview", "--refresh");
        await stack.pulumi("stack", "output", "--json");
        assert.deepEqual(await files(state), await files(copy));
    });
});
