import assert from "node:assert/strict";
import * as serviceaccount from "@pulumi/gcp/serviceaccount";
import * as pulumi from "@pulumi/pulumi";
import { Registry } from "../../packages/registry/src";
import { parseArguments } from "../../packages/registry/src/components/parse-arguments";
import { parseSettings } from "../../src/settings";

// The components as another program uses them, registered with the SDK's mocks.

const place = { project: "acme-tools", location: "europe-west1", repository: "python" } as const;

/** What was registered: name → its type, and the names of what it waits for, by dependency. */
const resources = new Map<string, { type: string; waitsFor: string[] }>();
let started = 0;

/** https://github.com/pulumi/pulumi/blob/master/proto/pulumi/resource.proto */
interface Monitor {
    registerResource(
        request: { getType(): string; getName(): string; getDependenciesList(): string[] },
        callback: unknown,
    ): unknown;
}

async function mock(preview: boolean): Promise<void> {
    resources.clear();
    await pulumi.runtime.setMocks(
        {
            call: ({ inputs }) => inputs as object,
            newResource: ({ inputs, type, name }) => ({
                // What a preview does not know, a resource does not tell.
                id: preview ? undefined : `${type}/${name}`,
                state: preview ? (inputs as object) : { ...(inputs as object), privateKey: "bm9ib2R5cw==" },
            }),
        },
        "other",
        "test",
        preview,
        "acme",
    );
    const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
    const register = monitor.registerResource.bind(monitor);
    monitor.registerResource = (request, callback) => {
        resources.set(request.getName(), {
            type: request.getType(),
            waitsFor: request.getDependenciesList().map((urn) => urn.slice(urn.lastIndexOf("::") + 2)),
        });
        return register(request, callback);
    };
}

/** The value of an output, and whether it is known. */
async function getValue<T>(output: pulumi.Output<T>): Promise<{ value: T; known: boolean }> {
    const { promise, isKnown } = output as unknown as {
        promise: () => Promise<T>;
        isKnown: Promise<boolean>;
    };
    return { value: await promise.call(output), known: await isKnown };
}

/** A resource of another program, which uses a value. */
function user(name: string, value: pulumi.Input<string>): pulumi.Output<string> {
    return new serviceaccount.IAMMember(name, {
        serviceAccountId: pulumi.interpolate`projects/acme-tools/serviceAccounts/${value}`,
        role: "roles/iam.workloadIdentityUser",
        member: "group:ci@acme.example",
    }).urn;
}

describe("the outputs of the components", () => {
    for (const preview of [true, false]) {
        it(`carry what they wait for, and are known ${preview ? "in a preview" : "in an update"}`, async () => {
            await mock(preview);
            const registry = new Registry("internal", {
                ...place,
                serviceAccounts: { publisher: { access: "writer" }, installer: { access: "reader" } },
            });
            const { publisher, installer } = registry.serviceAccounts;
            assert.ok(publisher !== undefined && installer !== undefined);
            const using: Record<string, [output: pulumi.Output<string>, value: string, waitsFor: string]> = {
                email: [
                    publisher.email,
                    "publisher@acme-tools.iam.gserviceaccount.com",
                    "internal-publisher",
                ],
                member: [
                    installer.member,
                    "serviceAccount:installer@acme-tools.iam.gserviceaccount.com",
                    "internal-installer",
                ],
                index: [
                    registry.urls.indexUrl,
                    "https://europe-west1-python.pkg.dev/acme-tools/python/simple/",
                    "internal",
                ],
                name: [
                    registry.repositoryName,
                    "projects/acme-tools/locations/europe-west1/repositories/python",
                    "internal",
                ],
            };
            for (const [name, [output, value]] of Object.entries(using)) {
                assert.deepEqual(await getValue(output), { value, known: true });
                await getValue(user(name, output));
            }
            for (const [name, [, , waitsFor]] of Object.entries(using)) {
                assert.deepEqual(resources.get(name)?.waitsFor, [waitsFor]);
            }
        });
    }

    it("are all registered, and so are the inputs", async () => {
        await mock(false);
        const registered = new Map<string, string[]>();
        const monitor = pulumi.runtime.getMonitor() as unknown as {
            registerResourceOutputs(request: OutputsRequest, callback: unknown): unknown;
        };
        const register = monitor.registerResourceOutputs.bind(monitor);
        monitor.registerResourceOutputs = (request, callback) => {
            registered.set(
                request.getUrn().replace(/^.*::/, ""),
                Object.keys(request.getOutputs().toJavaScript()).sort(),
            );
            return register(request, callback);
        };
        const registry = new Registry("whole", {
            ...place,
            serviceAccounts: { publisher: { access: "writer" } },
        });
        assert.equal((await getValue(registry.repository.repositoryId)).value, "python");
        await pulumi.runtime.disconnect();
        assert.deepEqual(registered.get("whole"), [
            "principals",
            "repository",
            "repositoryName",
            "serviceAccounts",
            "urls",
            "workloads",
        ]);
    });
});

interface OutputsRequest {
    getUrn(): string;
    getOutputs(): { toJavaScript(): object };
}

describe("what a component is told to wait for", () => {
    it("is waited for by all that it creates", async () => {
        await mock(false);
        const first = new serviceaccount.Account("first", { accountId: "first-account" });
        const registry = new Registry(
            "later",
            {
                ...place,
                readers: ["group:developers@acme.example"],
                serviceAccounts: { publisher: { access: "writer", keys: ["a"] } },
            },
            { dependsOn: first },
        );
        await getValue(registry.urls);
        await pulumi.runtime.disconnect();
        const created = [...resources].filter(
            ([name, { type }]) => type.startsWith("gcp:") && name !== "first",
        );
        assert.equal(created.length, 7);
        for (const [name, { type, waitsFor }] of created) {
            // A key waits for its account.
            if (type.endsWith(":Key")) continue;
            assert.ok(waitsFor.includes("first"), `${name}: ${waitsFor.join()}`);
        }
    });
});

describe("the grant of a workload", () => {
    /** The names of the grants of an additive registry with this workload. */
    async function getGrants(workload: string): Promise<string[]> {
        await mock(false);
        new Registry("internal", {
            ...place,
            access: "additive",
            projectNumber: "123",
            workloads: {
                [workload]: { type: "gke", access: "reader", namespace: "apps", serviceAccount: "worker" },
            },
        });
        await pulumi.runtime.disconnect();
        return [...resources].flatMap(([name, { type }]) =>
            type.endsWith(":RepositoryIamMember") ? [name] : [],
        );
    }

    it("is not named after the workload, so that a new name does not revoke it", async () => {
        const [name, ...others] = await getGrants("one");
        assert.match(name ?? "", /acme-tools\.svc\.id\.goog\/subject\/ns\/apps\/sa\/worker$/);
        assert.deepEqual(others, []);
        assert.deepEqual(await getGrants("two"), [name]);
    });
});

describe("what a registry with existing resources looks up", () => {
    class Owner extends pulumi.ComponentResource {
        constructor(name: string, repository: pulumi.Input<string>) {
            super("other:index:Owner", name);
            new serviceaccount.Account(
                `${name}-repository`,
                { accountId: "a-repository", displayName: repository },
                { parent: this },
            );
            this.registerOutputs();
        }
    }

    /** What happened, in order: the creation of the child of a component, and the lookups of a registry that waits for it. */
    async function getEvents(preview: boolean): Promise<string[]> {
        const events: string[] = [];
        await pulumi.runtime.setMocks(
            {
                call: ({ token }) => {
                    events.push(token.replace(/.*:/, ""));
                    return { format: "PYTHON", mode: "STANDARD_REPOSITORY", number: "123", disabled: false };
                },
                newResource: async ({ inputs, type, name }) => {
                    // The lookups would come first if they did not wait.
                    await new Promise(setImmediate);
                    events.push(name);
                    return { id: preview ? undefined : `${type}/${name}`, state: inputs as object };
                },
            },
            "other",
            "test",
            preview,
            "acme",
        );
        const id = { type: "gke", access: "reader", namespace: "apps", serviceAccount: "worker" } as const;
        new Registry(
            "internal",
            {
                ...place,
                existing: "use",
                access: "additive",
                serviceAccounts: { publisher: { access: "writer", existing: "use" } },
                workloads: { id },
                enableApis: false,
            },
            { dependsOn: new Owner("owner", "python") },
        );
        await pulumi.runtime.disconnect();
        return events.filter((event) => event === "owner-repository" || event.startsWith("get"));
    }

    it("exists before, if it is in its dependsOn, also below a component", async () => {
        const [first, ...lookups] = await getEvents(false);
        assert.equal(first, "owner-repository");
        assert.deepEqual(lookups.sort(), ["getAccount", "getProject", "getRepository"]);
    });

    it("is not looked up in a preview that has yet to create it", async () => {
        assert.deepEqual(await getEvents(true), ["owner-repository"]);
    });
});

describe("the arguments of a registry", () => {
    it("are parsed once: the settings of a stack are not parsed again, but a copy of them is", () => {
        const parsed = parseSettings({ "gcp:project": "acme-tools", "python-registry:location": "us" });
        assert.ok("settings" in parsed);
        assert.equal(parseArguments("python", parsed.settings), parsed.settings);
        const copy = { ...parsed.settings, writers: ["allUsers"] };
        assert.throws(
            () => parseArguments("python", copy),
            /writers\[0\]: "allUsers" would let everyone upload/,
        );
    });

    const mistakes: Record<string, [args: object, ...errors: [property: string, reason: RegExp][]]> = {
        "everyone as readers": [
            { readers: ["allUsers"] },
            ["readers", /^"allUsers" would let everyone download\. Allowed: only with allowPublic: true/],
        ],
        "everyone as writers": [
            { writers: ["allUsers"], allowPublic: true },
            ["writers[0]", /would let everyone upload/],
        ],
        "a principal twice, in another case": [
            { readers: ["user:A@acme.example", "user:a@acme.example"] },
            ["readers", /is listed twice \(also as "user:A@acme.example"; case is ignored\)/],
        ],
        "too many principals": [
            { readers: Array.from({ length: 1501 }, (_, n) => `user:u${n}@acme.example`) },
            ["readers, writers, admins, serviceAccounts", /^1501 principals are too many/],
        ],
        "an account that is a writer already": [
            {
                writers: ["serviceAccount:publisher@acme-tools.iam.gserviceaccount.com"],
                serviceAccounts: { publisher: { access: "writer" } },
            },
            ["writers", /already has this role through serviceAccounts/],
        ],
        "names that Google refuses, all at once": [
            {
                project: "Acme",
                location: "europe-west",
                repository: "Python",
                labels: { Team: "x" },
                serviceAccounts: { pub: { access: "owner", keys: ["a", "A"] } },
                deletionProtection: "no",
            },
            ["project", /^"Acme" is not valid/],
            ["location", /^"europe-west" is an unknown location.*Did you mean "europe-west1"\?$/],
            ["repository", /^"Python" is not valid.*Did you mean "python"\?$/],
            ["labels.Team", /label keys/],
            ["serviceAccounts.pub", /account ids of 6 to 30/],
            ["serviceAccounts.pub.access", /^"owner" is not valid\. Allowed: reader, writer, admin/],
            ["serviceAccounts.pub.keys[1]", /is listed twice \(case is ignored\)/],
            ["deletionProtection", /^"no" is a string, not a boolean/],
        ],
        "pasted values": [
            {
                project: "projects/acme-dev",
                location: "projects/acme-dev/locations/us",
                repository: "https://us-python.pkg.dev/acme-dev/internal/simple/",
                readers: ["mailto:a@b.example"],
                projectNumber: "projects/7",
                serviceAccounts: { "python-ci": { access: "roles/artifactregistry.reader" } },
            },
            ["project", /Did you mean "acme-dev"\?$/],
            ["location", /Did you mean "us"\?$/],
            ["repository", /Did you mean "internal"\?$/],
            ["readers[0]", /Did you mean "user:a@b\.example" or "group:a@b\.example"\?$/],
            ["serviceAccounts.python-ci.access", /Did you mean "reader"\?$/],
            ["projectNumber", /Did you mean "7"\?$/],
        ],
        "an existing repository and no access": [
            { existing: "adopt" },
            ["access", /^is not set\. Allowed with existing: adopt/],
        ],
    };
    for (const [what, [args, ...expected]] of Object.entries(mistakes)) {
        it(`are refused with ${what}, and nothing is registered`, async () => {
            await mock(false);
            const name = `refused-${(started += 1)}`;
            assert.throws(
                () => new Registry(name, { ...place, ...args }),
                (error: pulumi.InputPropertiesError) => {
                    assert.ok(pulumi.InputPropertiesError.isInstance(error));
                    const found = new Map(
                        error.errors.map(({ propertyPath, reason }) => [propertyPath, reason]),
                    );
                    assert.deepEqual([...found.keys()].sort(), expected.map(([property]) => property).sort());
                    for (const [property, reason] of expected) {
                        assert.match(found.get(property) ?? "", reason);
                        assert.ok(error.message.includes(`  - ${property}: `), error.message);
                    }
                    assert.ok(!/pulumi config set python-registry/.test(error.message));
                    return true;
                },
            );
            assert.deepEqual([...resources.keys()], []);
        });
    }

    /** The properties with mistakes, and the reason of each. */
    const getReasons = (create: () => unknown): Record<string, string> => {
        try {
            create();
        } catch (error) {
            assert.ok(pulumi.InputPropertiesError.isInstance(error), String(error));
            return Object.fromEntries(error.errors.map(({ propertyPath, reason }) => [propertyPath, reason]));
        }
        return {};
    };
    /** Creates a component as a program without types can: `args` are anything. */
    const untyped = (args: unknown) => () =>
        new (Registry as new (name: string, args: unknown) => pulumi.Resource)(
            `untyped-${(started += 1)}`,
            args,
        );

    for (const [what, args, expected] of [
        [
            "no arguments",
            undefined,
            { args: /^is not set\. Allowed: a map with the keys project, location,/ },
        ],
        ["a text", "x", { args: /^"x" is a string, not a map/ }],
        ["a list", [], { args: /^\[\] is a list, not a map/ }],
        [
            "nothing in them",
            {},
            { project: /^is not set/, location: /^is not set/, repository: /^is not set\. Allowed: 1 to 63/ },
        ],
        [
            "keys that are not known",
            {
                ...place,
                writer: ["allUsers"],
                acces: "additive",
                protect: false,
                keyrings: "auto",
                reader: pulumi.output("allUsers"),
                label: undefined,
            },
            {
                writer: /^"writer" is an unknown key \(its value: \["allUsers"\]\)\. Allowed: .* Did you mean "writers"\?$/,
                acces: /Did you mean "access"\?$/,
                protect: /is an unknown key/,
                keyrings: /Did you mean "keyring"\?$/,
                reader: /is an unknown key .* Did you mean "readers"\?$/,
                label: /is an unknown key .* Did you mean "labels"\?$/,
            },
        ],
        [
            "other enums",
            {
                ...place,
                access: "Additive",
                existing: "Use",
                serviceAccounts: { publisher: { access: "Writer", existing: "none" } },
                workloads: { core: { type: "computeengine", access: "reader" } },
                pool: { existing: "ADOPT" },
            },
            {
                access: /^"Additive" is not valid\. Allowed: authoritative, additive\. Did you mean "additive"\?$/,
                existing: /^"Use" is not valid/,
                "serviceAccounts.publisher.access": /^"Writer" is not valid/,
                "serviceAccounts.publisher.existing": /^"none" is not valid/,
                "workloads.core.type": /^"computeengine" is not valid/,
                "pool.existing": /^"ADOPT" is not valid/,
            },
        ],
        [
            "values of other types",
            {
                ...place,
                readers: "user:ada@acme.example",
                writers: { 0: "user:ada@acme.example" },
                admins: [["user:ada@acme.example"]],
                labels: ["a"],
                description: 1,
                allowPublic: "true",
                enableApis: 1,
                deletionProtection: null,
                serviceAccounts: [],
                workloads: "none",
                pool: [],
                projectNumber: true,
            },
            Object.fromEntries(
                "readers writers admins[0] labels description allowPublic enableApis deletionProtection serviceAccounts workloads pool projectNumber"
                    .split(" ")
                    .map((key) => [key, /^.* (?:is|has) .*Allowed: /]),
            ),
        ],
        [
            "outputs where a plain value is needed",
            {
                project: pulumi.output("acme-tools"),
                location: Promise.resolve("us"),
                repository: pulumi.output("python"),
                readers: [pulumi.output("allUsers")],
                writers: pulumi.output(["allUsers"]),
                access: pulumi.output("additive"),
                allowPublic: pulumi.output(true),
                serviceAccounts: { publisher: { access: pulumi.output("writer") } },
                workloads: pulumi.output({}),
            },
            Object.fromEntries(
                "project location repository readers writers access allowPublic serviceAccounts workloads"
                    .split(" ")
                    .map((key) => [key, /^is an output\. Allowed: a plain value/]),
            ),
        ],
    ] as [string, unknown, Record<string, RegExp>][]) {
        it(`are refused with ${what}`, async () => {
            await mock(false);
            const reasons = getReasons(untyped(args));
            assert.deepEqual(Object.keys(reasons).sort(), Object.keys(expected).sort());
            for (const [property, reason] of Object.entries(expected))
                assert.match(reasons[property] ?? "", reason);
            assert.deepEqual([...resources.keys()], []);
        });
    }

    /** The messages with which an update fails, and the names of the resources that it registers. */
    async function getFailures(create: () => unknown): Promise<{ messages: string[]; registered: string[] }> {
        await mock(false);
        const messages = new Set<string>();
        const listeners = process.listeners("unhandledRejection");
        process.removeAllListeners("unhandledRejection");
        process.on("unhandledRejection", (error) => messages.add((error as Error).message));
        try {
            create();
            await pulumi.runtime
                .disconnect()
                .catch((error: unknown) => messages.add((error as Error).message));
            // Rejections are reported after the promises of a turn.
            await new Promise(setImmediate);
        } finally {
            process.removeAllListeners("unhandledRejection");
            for (const listener of listeners) process.on("unhandledRejection", listener);
        }
        return { messages: [...messages], registered: [...resources.keys()] };
    }

    it("are refused when an output is known", async () => {
        const registry = await getFailures(untyped({ ...place, labels: { Team: pulumi.output("x") } }));
        assert.match(registry.messages.join("\n"), /labels\.Team: "Team" is not valid/);
        assert.deepEqual(
            registry.registered.filter((each) => /^untyped-\d+$/.test(each)),
            [],
        );
    });

    it("may be outputs where nothing is named after them, and principals get their one spelling", async () => {
        await mock(false);
        const registry = new Registry("fine", {
            ...place,
            description: pulumi.output("later"),
            labels: { team: pulumi.output("platform") },
            readers: ["user:Ada@Acme.example"],
            serviceAccounts: {},
        });
        assert.equal((await getValue(registry.repository.description)).value, "later");
        assert.deepEqual((await getValue(registry.principals.apply(({ reader }) => reader))).value, [
            "user:ada@acme.example",
        ]);
    });
});
