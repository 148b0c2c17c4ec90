import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { type LoggedRequest, startSandbox } from "../../packages/sandbox/src/sandbox";
import { assertDone, Machine } from "../configure/machine";
import { startControlPlaneProxy } from "../program/control-plane-proxy";
import { assertKeepRole, policiesSet } from "../program/policies";
import { type EngineStack, openForEachTest, project } from "./engine-stack";

// The real CLI and the real Google provider against the sandbox. The provider takes 11 s for an account and 10 s more
// for a key.

describe("the real engine", () => {
    let stack: EngineStack;
    openForEachTest((opened) => (stack = opened));

    /** The requests since the last call that change something. */
    let seen = 0;
    const changes = (): string[] => {
        const since: LoggedRequest[] = stack.sandbox.requests.slice(seen);
        seen = stack.sandbox.requests.length;
        return since
            .filter(({ method }) => method !== "GET")
            .map(
                ({ method, path }) => `${method} ${path.replace(/\?.*/, "").replace(/^.*\/(?=[^/]*$)/, "")}`,
            );
    };
    beforeEach(() => (seen = 0));

    it("takes a registry from preview to destroy", async () => {
        const readers = ["group:developers@example.com"];
        await stack.init({ readers });

        // A preview shows the finished files and changes nothing.
        const first = await stack.pulumi("preview", "--diff");
        assert.ok(
            first.includes(
                String.raw`"[global]\nextra-index-url = https://europe-west1-python.pkg.dev/sandbox-project/python/simple/\n"`,
            ),
        );
        assert.doesNotMatch(first.slice(first.indexOf("pipConf")), /unknown/);
        assert.deepEqual(changes(), []);

        await stack.up();
        assert.deepEqual(changes().sort(), [
            "POST artifactregistry.googleapis.com:enable",
            "POST iam.googleapis.com:enable",
            "POST python:setIamPolicy",
            "POST python:setIamPolicy",
            "POST repositories",
            "POST serviceAccounts",
        ]);
        assert.deepEqual((await stack.outputs())["credentials"], { value: {}, secret: true });

        // configure asks the CLI for the outputs.
        const { PATH = "", ...variables } = { ...process.env, ...stack.cli.environment } as Record<
            string,
            string
        >;
        const ofPulumi = Object.entries(variables).filter(([name]) => name.startsWith("PULUMI_"));
        const environment = { ...Object.fromEntries(ofPulumi), ...stack.engine.environment };
        await using machine = await Machine.open({}, environment, PATH.split(delimiter));
        const inProject = `cd '${stack.directory}' && node "$configure" --stack ${stack.name} --tool pip`;
        assertDone(await machine.shell(inProject));
        const { pipConf } = await stack.outputs();
        assert.equal(await machine.read(".config/pip/pip.conf"), pipConf?.value);

        // A second up and a refresh change nothing.
        await stack.up("--expect-no-changes");
        await stack.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes");
        assert.deepEqual(changes(), []);

        // However many members change, one policy is written.
        const more = Array.from({ length: 60 }, (_, n) => `user:reader-${n}@example.com`);
        await stack.configure({ readers: [...readers, ...more] });
        const { changeSummary } = JSON.parse(await stack.pulumi("preview", "--json")) as {
            changeSummary: object;
        };
        // The binding, and two components with changed arguments, which call no API.
        assert.deepEqual(changeSummary, { same: 7, update: 3 });
        await stack.up();
        assert.deepEqual(changes(), ["POST python:setIamPolicy"]);

        // Protected: the CLI refuses, and nothing changes.
        await assert.rejects(stack.pulumi("destroy", "--yes"), /protect/);
        await stack.configure({ readers, repository: "renamed" });
        await assert.rejects(stack.pulumi("up", "--yes"), /protect/);
        assert.deepEqual(changes(), []);

        await stack.configure({ readers, protect: false });
        await stack.up();
        await stack.pulumi("destroy", "--yes", "--skip-preview");
        const left = stack.sandbox.cloud.project(project);
        assert.deepEqual([left.repositories.size, left.serviceAccounts.size], [0, 0]);
        assert.ok(left.services.has("artifactregistry.googleapis.com"), "APIs stay enabled");
    });

    it("rotates keys without a moment in which none is valid, and keeps them out of state and logs", async () => {
        const withKeys = (...keys: string[]) => ({
            serviceAccounts: { "python-publisher": { access: "writer", keys } },
        });
        const account = () => [...stack.sandbox.cloud.project(project).serviceAccounts.values()][0];
        const current = async () => {
            const { value } = (await stack.outputs())["credentials"] ?? {};
            return (value as Record<string, { generation: string; keyFile: string }>)["python-publisher"];
        };

        await stack.init(withKeys("2026-08"));
        const printed = [await stack.up()];
        const old = await current();
        assert.equal(account()?.keys.size, 1);

        await stack.configure(withKeys("2026-08", "2026-11"));
        printed.push(await stack.pulumi("preview", "--diff"), await stack.up());
        const fresh = await current();
        assert.equal(account()?.keys.size, 2);
        assert.equal(fresh?.generation, "2026-11");

        await stack.configure(withKeys("2026-11"));
        printed.push(await stack.up());
        assert.equal(account()?.keys.size, 1);
        assert.deepEqual(await current(), fresh);
        await stack.up("--expect-no-changes");

        // Even where one key replaces the other in one update.
        await stack.configure(withKeys("2027-02"));
        printed.push(await stack.up());
        assert.deepEqual(keysOverTime(stack.sandbox.requests), [1, 2, 1, 2, 1]);

        printed.push(
            await stack.pulumi("stack"),
            await stack.pulumi("stack", "output"),
            await stack.pulumi("stack", "export"),
        );
        const written = await filesBelow(stack.directory);
        for (const text of [...printed, ...written]) {
            assert.doesNotMatch(text, /PRIVATE KEY|_json_key_base64/);
            for (const key of [old, fresh]) {
                assert.ok(!text.includes(Buffer.from(key?.keyFile ?? "").toString("base64")));
            }
        }
        assert.ok(written.length > 3);
    });

    it("lets the provider refuse a deletion, even if Pulumi's own protection was removed by hand", async () => {
        await stack.init({ serviceAccounts: {} });
        await stack.up();
        await stack.pulumi("state", "unprotect", "--all", "--yes");
        await assert.rejects(stack.pulumi("destroy", "--yes", "--skip-preview"), /deletion_policy|PREVENT/i);
        assert.ok(stack.sandbox.cloud.project(project).repositories.has("europe-west1/python"));
    });

    it("refuses a new name in the update that removes the protection, and changes nothing", async () => {
        const readers = ["group:developers@example.com"];
        await stack.init({ readers, serviceAccounts: {} });
        await stack.up();
        changes();
        const renamed = { readers, serviceAccounts: {}, repository: "renamed", protect: false };
        await stack.configure(renamed);
        await assert.rejects(stack.up(), /deletion_policy/);
        assert.deepEqual(changes(), []);

        // In two updates it works, and the new repository has the grants.
        await stack.configure({ readers, serviceAccounts: {}, protect: false });
        await stack.up();
        await stack.configure(renamed);
        await stack.up();
        const { repositories } = stack.sandbox.cloud.project(project);
        assert.deepEqual(
            [...repositories].map(([name, { policy }]) => [
                name,
                policy.bindings.map(({ members }) => members),
            ]),
            [["europe-west1/renamed", [readers]]],
        );
        await stack.up("--refresh", "--expect-no-changes");
    });

    it("knows the accounts of a domain-scoped project, in a preview too", async () => {
        await using scoped = await startSandbox({ project: "example.com:tools" });
        await stack.init({ ...scoped.providerConfig, "gcp:project": "example.com:tools" });
        assert.match(
            await stack.pulumi("preview"),
            /python-publisher@tools\.example\.com\.iam\.gserviceaccount\.com/,
        );
        await stack.up();
        await stack.up("--refresh", "--expect-no-changes");
    });

    it("takes nobody's access away when access changes between authoritative and additive, or members do", async () => {
        const readers = ["group:a@example.com", "group:b@example.com"];
        const reading = () =>
            [...stack.sandbox.cloud.project(project).repositories.values()].flatMap(({ policy }) =>
                policy.bindings.flatMap(({ members }) => members),
            );
        await stack.init({ readers, serviceAccounts: {} });
        await stack.up();
        for (const [access, more] of [
            ["additive", []],
            ["additive", ["group:c@example.com"]],
            ["authoritative", ["group:c@example.com", "group:d@example.com"]],
            ["authoritative", []],
        ] as const) {
            const seen = stack.sandbox.requests.length;
            await stack.configure({ readers: [...readers, ...more], serviceAccounts: {}, access });
            await stack.up();
            assert.deepEqual(reading().sort(), [...readers, ...more]);
            assertKeepRole(stack.sandbox.requests.slice(seen), "roles/artifactregistry.reader", readers);
            await stack.up("--refresh", "--expect-no-changes");
        }
        assert.notEqual(policiesSet(stack.sandbox.requests).length, 0);
    });

    it("fails with both values when the service's address is not the derived one", async () => {
        await using proxy = await startControlPlaneProxy(stack.sandbox, {
            answer: (_, body) => body.replaceAll("europe-west1-python.pkg.dev", "elsewhere-python.pkg.dev"),
        });
        await stack.init({ ...proxy.providerConfig, serviceAccounts: {} });
        await assert.rejects(stack.up(), ({ message }: Error) => {
            assert.match(
                message,
                /"europe-west1-python\.pkg\.dev\/sandbox-project\/python".*"elsewhere-python\.pkg\.dev\/sandbox-project\/python"/,
            );
            assert.doesNotMatch(message, /\.ts:\d+/);
            return true;
        });
    });

    it("reports every mistake at once, without a trace, and registers nothing", async () => {
        await stack.init({ location: "mars-west1", readers: ["someone@example.com"], reader: "x" });
        await assert.rejects(stack.pulumi("preview"), ({ message }: Error) => {
            assert.match(message, /has 3 mistakes; nothing was changed/);
            assert.match(message, /python-registry:location: "mars-west1" is an unknown location/);
            assert.match(message, /"user:someone@example.com" or "group:someone@example.com"/);
            assert.match(message, /Did you mean "readers"/);
            assert.doesNotMatch(message, /\.ts:\d+/);
            return true;
        });
        assert.deepEqual(stack.sandbox.requests, []);
    });
});

/** The number of keys after each request that created or deleted one. */
function keysOverTime(requests: readonly LoggedRequest[]): number[] {
    let keys = 0;
    return requests
        .filter(({ path, status }) => /\/keys(\/|\?|$)/.test(path) && status === 200)
        .flatMap(({ method }) => {
            if (method === "POST") return (keys += 1);
            return method === "DELETE" ? (keys -= 1) : [];
        });
}

async function filesBelow(directory: string): Promise<string[]> {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    return Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), "utf8")));
}
