import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { findPulumi, type PulumiCli, PulumiEngine } from "../../sandbox/engines/pulumi-engine";
import { assertDone, Machine } from "../configure/machine";
import { frontOf } from "../program/front";
import { type LoggedRequest, type Sandbox, startSandbox } from "../../sandbox/sandbox";

// The real CLI and the real Google provider against the sandbox. The provider takes 11 s for an account and 10 s more
// for a key.

const stack = "engine";
const project = "sandbox-project";

describe("the real engine", function () {
    this.timeout(300_000);
    let cli: PulumiCli;
    let sandbox: Sandbox;
    let directory: string;
    let engine: PulumiEngine;

    before(async function () {
        const found = await findPulumi();
        if ("missing" in found) {
            console.log(`    skipped: this machine lacks ${found.missing}`);
            this.skip();
        }
        cli = found;
    });
    beforeEach(async () => {
        sandbox = await startSandbox({ project });
        directory = await mkdtemp(join(tmpdir(), "python-registry-engine-"));
        engine = new PulumiEngine(cli, directory);
    });
    afterEach(async () => {
        await sandbox.close();
        await rm(directory, { recursive: true });
    });

    const configuration = (own: Readonly<Record<string, unknown>>) => ({
        stack,
        config: {
            "gcp:project": project,
            ...sandbox.providerConfig,
            "python-registry:location": "europe-west1",
            ...Object.fromEntries(
                Object.entries(own).map(([key, value]) => [
                    `python-registry:${key}`,
                    typeof value === "string" ? value : JSON.stringify(value),
                ]),
            ),
        },
    });
    const pulumi = (command: string, ...args: string[]) => engine.run([command, ...args, "--stack", stack]);
    const up = (...args: string[]) => pulumi("up", "--yes", "--skip-preview", ...args);
    /** What was sent that changes something, since the last time. */
    let seen = 0;
    const changes = (): string[] => {
        const since: LoggedRequest[] = sandbox.requests.slice(seen);
        seen = sandbox.requests.length;
        return since
            .filter(({ method }) => method !== "GET")
            .map(
                ({ method, path }) => `${method} ${path.replace(/\?.*/, "").replace(/^.*\/(?=[^/]*$)/, "")}`,
            );
    };
    beforeEach(() => (seen = 0));

    it("takes a registry from preview to destroy", async () => {
        const readers = ["group:developers@example.com"];
        await engine.init(configuration({ readers }));

        // A preview shows the finished files and changes nothing.
        const first = await pulumi("preview", "--diff");
        assert.ok(
            first.includes(
                String.raw`"[global]\nextra-index-url = https://europe-west1-python.pkg.dev/sandbox-project/python/simple/\n"`,
            ),
        );
        assert.doesNotMatch(first.slice(first.indexOf("pipConf")), /unknown/);
        assert.deepEqual(changes(), []);

        await up();
        assert.deepEqual(changes().sort(), [
            "POST artifactregistry.googleapis.com:enable",
            "POST iam.googleapis.com:enable",
            "POST python:setIamPolicy",
            "POST python:setIamPolicy",
            "POST repositories",
            "POST serviceAccounts",
        ]);
        assert.deepEqual((await engine.outputs(stack))["credentials"], { value: {}, secret: true });

        // configure asks the CLI for the outputs.
        const { PATH = "", ...variables } = { ...process.env, ...cli.environment } as Record<string, string>;
        const ofPulumi = Object.entries(variables).filter(([name]) => name.startsWith("PULUMI_"));
        const environment = { ...Object.fromEntries(ofPulumi), ...engine.environment };
        await using machine = await Machine.open({}, environment, PATH.split(delimiter));
        assertDone(await machine.configure("--stack", stack, "--tool", "pip"));
        const { pipConf } = await engine.outputs(stack);
        assert.equal(await machine.read(".config/pip/pip.conf"), pipConf?.value);

        // Neither a second up nor a refresh finds anything to do.
        await up("--expect-no-changes");
        await pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes");
        assert.deepEqual(changes(), []);

        // However many members change, one policy is written.
        const more = Array.from({ length: 60 }, (_, n) => `user:reader-${n}@example.com`);
        await engine.configure(configuration({ readers: [...readers, ...more] }));
        const { changeSummary } = JSON.parse(await pulumi("preview", "--json")) as { changeSummary: object };
        assert.deepEqual(changeSummary, { same: 9, update: 1 });
        await up();
        assert.deepEqual(changes(), ["POST python:setIamPolicy"]);

        // Protected: refused, and nothing is touched.
        await assert.rejects(pulumi("destroy", "--yes"), /protect/);
        await engine.configure(configuration({ readers, repository: "renamed" }));
        await assert.rejects(pulumi("up", "--yes"), /protect/);
        assert.deepEqual(changes(), []);

        await engine.configure(configuration({ readers, protect: false }));
        await up();
        await pulumi("destroy", "--yes", "--skip-preview");
        const left = sandbox.cloud.project(project);
        assert.deepEqual([left.repositories.size, left.serviceAccounts.size], [0, 0]);
        assert.ok(left.services.has("artifactregistry.googleapis.com"), "APIs stay enabled");
    });

    it("rotates keys without a moment in which none is valid, and keeps them out of state and logs", async () => {
        const keys = (...generations: string[]) =>
            configuration({
                serviceAccounts: { "python-publisher": { access: "writer", keys: generations } },
            });
        const account = () => [...sandbox.cloud.project(project).serviceAccounts.values()][0];
        const current = async () => {
            const { value } = (await engine.outputs(stack))["credentials"] ?? {};
            return (value as Record<string, { generation: string; keyFile: string }>)["python-publisher"];
        };

        await engine.init(keys("2026-08"));
        const printed = [await up()];
        const old = await current();
        assert.equal(account()?.keys.size, 1);

        await engine.configure(keys("2026-08", "2026-11"));
        printed.push(await pulumi("preview", "--diff"), await up());
        const fresh = await current();
        assert.equal(account()?.keys.size, 2);
        assert.equal(fresh?.generation, "2026-11");

        await engine.configure(keys("2026-11"));
        printed.push(await up());
        assert.equal(account()?.keys.size, 1);
        assert.deepEqual(await current(), fresh);
        await up("--expect-no-changes");

        printed.push(await pulumi("stack"), await pulumi("stack", "output"), await pulumi("stack", "export"));
        const written = await filesBelow(directory);
        for (const text of [...printed, ...written]) {
            assert.doesNotMatch(text, /PRIVATE KEY|_json_key_base64/);
            for (const key of [old, fresh]) {
                assert.ok(!text.includes(Buffer.from(key?.keyFile ?? "").toString("base64")));
            }
        }
        assert.ok(written.length > 3);
    });

    it("has the provider refuse too, when Pulumi's own protection is taken off by hand", async () => {
        await engine.init(configuration({ serviceAccounts: {} }));
        await up();
        await pulumi("state", "unprotect", "--all", "--yes");
        await assert.rejects(pulumi("destroy", "--yes", "--skip-preview"), /deletion_policy|PREVENT/i);
        assert.ok(sandbox.cloud.project(project).repositories.has("europe-west1/python"));
    });

    it("refuses a new name in the update that takes protection off, and touches nothing", async () => {
        const readers = ["group:developers@example.com"];
        await engine.init(configuration({ readers, serviceAccounts: {} }));
        await up();
        changes();
        const renamed = configuration({
            readers,
            serviceAccounts: {},
            repository: "renamed",
            protect: false,
        });
        await engine.configure(renamed);
        await assert.rejects(up(), /deletion_policy/);
        assert.deepEqual(changes(), []);

        // In two steps it goes through, and the grants come along.
        await engine.configure(configuration({ readers, serviceAccounts: {}, protect: false }));
        await up();
        await engine.configure(renamed);
        await up();
        const { repositories } = sandbox.cloud.project(project);
        assert.deepEqual(
            [...repositories].map(([name, { policy }]) => [
                name,
                policy.bindings.map(({ members }) => members),
            ]),
            [["europe-west1/renamed", [readers]]],
        );
        await up("--refresh", "--expect-no-changes");
    });

    it("knows the accounts of a domain-scoped project, in a preview too", async () => {
        await using scoped = await startSandbox({ project: "example.com:tools" });
        const { config } = configuration({});
        await engine.init({
            stack,
            config: { ...config, ...scoped.providerConfig, "gcp:project": "example.com:tools" },
        });
        assert.match(
            await pulumi("preview"),
            /python-publisher@tools\.example\.com\.iam\.gserviceaccount\.com/,
        );
        await up();
        await up("--refresh", "--expect-no-changes");
    });

    it("takes nobody's access away when access changes between authoritative and additive", async () => {
        const readers = ["group:a@example.com", "group:b@example.com"];
        const reading = () =>
            [...sandbox.cloud.project(project).repositories.values()].flatMap(({ policy }) =>
                policy.bindings.flatMap(({ members }) => members),
            );
        await engine.init(configuration({ readers, serviceAccounts: {} }));
        await up();
        for (const access of ["additive", "authoritative"]) {
            await engine.configure(configuration({ readers, serviceAccounts: {}, access }));
            await up();
            assert.deepEqual(reading().sort(), readers);
            await up("--refresh", "--expect-no-changes");
        }
    });

    it("fails with both values when the service's address is not the derived one", async () => {
        await using front = await frontOf(sandbox, {
            answer: (_, body) => body.replaceAll("europe-west1-python.pkg.dev", "elsewhere-python.pkg.dev"),
        });
        const { config } = configuration({ serviceAccounts: {} });
        await engine.init({ stack, config: { ...config, ...front.providerConfig } });
        await assert.rejects(up(), ({ message }: Error) => {
            assert.match(
                message,
                /"europe-west1-python\.pkg\.dev\/sandbox-project\/python".*"elsewhere-python\.pkg\.dev\/sandbox-project\/python"/,
            );
            assert.doesNotMatch(message, /\.ts:\d+/);
            return true;
        });
    });

    it("reports every mistake at once, without a trace, and registers nothing", async () => {
        await engine.init(
            configuration({ location: "mars-west1", readers: ["someone@example.com"], reader: "x" }),
        );
        await assert.rejects(pulumi("preview"), ({ message }: Error) => {
            assert.match(message, /has 3 mistakes; nothing was changed/);
            assert.match(message, /python-registry:location: "mars-west1" is an unknown location/);
            assert.match(message, /"user:someone@example.com" or "group:someone@example.com"/);
            assert.match(message, /Did you mean "readers"/);
            assert.doesNotMatch(message, /\.ts:\d+/);
            return true;
        });
        assert.deepEqual(sandbox.requests, []);
    });
});

async function filesBelow(directory: string): Promise<string[]> {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    return Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), "utf8")));
}
