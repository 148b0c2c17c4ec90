import assert from "node:assert/strict";
import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEvents } from "../../packages/operations/src/review/events";
import { renderReview } from "../../packages/operations/src/review/markdown";
import { reviewPreview, type StackReview } from "../../packages/operations/src/review/review";
import { recording } from "./recorded-previews";

// What a review must never do: say that nothing changes, or that it shows everything, where it cannot know.

const mark = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };
const secret = { ...mark, ciphertext: "[secret]" };
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const names = [
    "unchanged",
    "readers",
    "keyring",
    "workloads-added",
    "workloads-changed",
    "replaced",
    "additive",
];

function review(events: string): StackReview {
    const preview = parseEvents(events, "unnamed");
    assert.ok(preview);
    return reviewPreview(preview);
}

/** Whether the review claims to show everything, so that the exit code is 0. */
const isComplete = ({ failed, entries }: StackReview) => !failed && entries.hidden.length === 0;
const comment = (events: string) => renderReview([review(events)]);
const getLines = (events: string) => events.trimEnd().split("\n");

interface State {
    inputs: Record<string, unknown>;
    outputs: Record<string, unknown>;
}
interface Metadata {
    op: string;
    urn: string;
    type: string;
    logical: boolean;
    old: State | null;
    new: State | null;
}
type Event = Record<string, { metadata: Metadata }>;

/** The recording as the engine streams it: with numbers, and with both events of each step. */
function streamed(events: string): string[] {
    const all = getLines(events).flatMap((line) => {
        const event = JSON.parse(line) as Event;
        const done = event["resOutputsEvent"];
        if (done === undefined) return [event];
        const { metadata } = done;
        const first = { ...metadata, new: metadata.new && { ...metadata.new, outputs: {} } };
        const isStack = metadata.type === "pulumi:pulumi:Stack";
        const early = {
            metadata: {
                ...metadata,
                new: metadata.new && { ...metadata.new, outputs: metadata.old?.outputs ?? {} },
            },
        };
        return [
            { resourcePreEvent: { metadata: first } },
            ...(isStack ? [{ resOutputsEvent: early }] : []),
            event,
        ];
    });
    return all.map((event, sequence) => JSON.stringify({ sequence: sequence * 2, timestamp: 1, ...event }));
}

/** The recording with a change in one step, and in the summary's counts. */
function withStep(
    events: string,
    matches: (metadata: Metadata) => boolean,
    change: (metadata: Metadata) => void,
): string {
    const found: string[] = [];
    const lines = getLines(events).map((line) => {
        const event = JSON.parse(line) as Event;
        const metadata = event["resOutputsEvent"]?.metadata;
        if (metadata !== undefined && matches(metadata)) {
            found.push(metadata.op);
            change(metadata);
            found.push(metadata.op);
        }
        const { resourceChanges } = (event["summaryEvent"] ?? {}) as {
            resourceChanges?: Record<string, number>;
        };
        if (resourceChanges && found.length === 2) {
            const [from = "", to = ""] = found;
            resourceChanges[from] = (resourceChanges[from] ?? 0) - 1;
            resourceChanges[to] = (resourceChanges[to] ?? 0) + 1;
        }
        return JSON.stringify(event);
    });
    assert.equal(found.length, 2, "one step matches");
    return `${lines.join("\n")}\n`;
}

const isStack = ({ type }: Metadata) => type === "pulumi:pulumi:Stack";
/** Whether a step is about the resource of this type that has this input. */
const isResource =
    (type: string, input: string, value: string) =>
    (metadata: Metadata): boolean =>
        metadata.type.endsWith(`:${type}`) && (metadata.new ?? metadata.old)?.inputs[input] === value;
const isProvider = (id: string) =>
    isResource("WorkloadIdentityPoolProvider", "workloadIdentityPoolProviderId", id);

describe("the events of a preview", () => {
    const recordings = new Map<string, string>();
    before(async () => {
        for (const name of names) recordings.set(name, await recording(name));
    });
    const of = (name: string) => recordings.get(name) ?? "";

    it("lead to the same comment as the engine streams them, whatever their order is if they have no numbers", () => {
        for (const name of names) {
            const whole = comment(of(name));
            assert.ok(isComplete(review(of(name))), name);
            assert.equal(comment(streamed(of(name)).join("\n")), whole, name);
            const [first = "", ...rest] = getLines(of(name));
            const last = rest.pop() ?? "";
            const { messages: _, ...entries } = review(of(name)).entries;
            fc.assert(
                fc.property(fc.shuffledSubarray(rest, { minLength: rest.length }), (shuffled) => {
                    const { messages: __, ...others } = review([first, ...shuffled, last].join("\n")).entries;
                    assert.deepEqual(others, entries);
                }),
                { numRuns: 6 },
            );
        }
    });

    it("are incomplete if any event about a resource is missing, there twice or moved", () => {
        const stream = fc.constantFrom(...names).map((name) => streamed(of(name)));
        const isStep = (line: string) => line.includes('"metadata"');
        fc.assert(
            fc.property(stream, fc.nat(), fc.nat(), (lines, at, to) => {
                const steps = lines.flatMap((line, index) => (isStep(line) ? [index] : []));
                const index = steps[at % steps.length] ?? 0;
                const [line = ""] = lines.slice(index);
                const without = lines.filter((_, each) => each !== index);
                assert.ok(!isComplete(review(without.join("\n"))), `removed ${line}`);
                assert.ok(!isComplete(review([...lines, line].join("\n"))), `twice ${line}`);
                const moved = [
                    ...without.slice(0, to % lines.length),
                    line,
                    ...without.slice(to % lines.length),
                ];
                if (moved.join() !== lines.join())
                    assert.ok(!isComplete(review(moved.join("\n"))), `moved ${line}`);
            }),
            { numRuns: 25 },
        );
        // Without numbers and first events, the counts tell: each step that the engine counts.
        for (const name of names) {
            const lines = getLines(of(name));
            for (const [index, line] of lines.entries()) {
                if (!line.includes('"logical":true')) continue;
                assert.ok(!isComplete(review(lines.filter((_, each) => each !== index).join("\n"))), line);
            }
        }
    });

    it("do not tell that a message is missing, as docs/reviews.md says", async () => {
        const lines = streamed(of("readers"));
        const message = JSON.stringify({
            sequence: 1,
            diagnosticEvent: { severity: "warning", message: "w" },
        });
        const all = [...lines.slice(0, 1), message, ...lines.slice(1)].join("\n");
        assert.match(comment(all), /### Messages/);
        assert.ok(isComplete(review(lines.join("\n"))));
        const page = await readFile(join(__dirname, "../../docs/reviews.md"), "utf8");
        assert.match(page, /It\s+does\s+not\s+notice\s+that\s+a\s+message\s+of\s+the\s+program/);
        assert.doesNotMatch(page, /event that is missing/);
    });

    it("are incomplete or failed if they are cut anywhere", () => {
        fc.assert(
            fc.property(fc.constantFrom(...names), fc.boolean(), fc.nat(), (name, begins, at) => {
                const whole = of(name).trimEnd();
                const position = 1 + (at % (whole.length - 1));
                const preview = parseEvents(begins ? whole.slice(0, position) : whole.slice(position), "dev");
                assert.ok(preview === undefined || !isComplete(reviewPreview(preview)));
            }),
            { numRuns: 100 },
        );
        const lines = getLines(of("unchanged"));
        const text = review([...lines, '{"resOutputsEvent":{"meta'].join("\n"));
        assert.ok(!text.unchanged);
        assert.match(renderReview([text]), /Line 16 is not an event, or only a part of one\./);
    });

    it("name what is hidden in the outputs, of whatever kind it is", () => {
        const leaf = fc.constantFrom<unknown>(secret, unknown, "x[secret]y", [secret], { a: unknown });
        const paths = (value: unknown, path: string[] = []): string[][] =>
            typeof value !== "object" || value === null
                ? [path]
                : [
                      ...(path.length > 0 ? [path] : []),
                      ...Object.entries(value).flatMap(([key, each]) => paths(each, [...path, key])),
                  ];
        const replace = (value: unknown, [key = "", ...rest]: readonly string[], by: unknown) => {
            const at = value as Record<string, unknown>;
            if (rest.length === 0) at[key] = by;
            else replace(at[key], rest, by);
        };
        fc.assert(
            fc.property(fc.constantFrom("unchanged", "workloads-changed"), leaf, fc.nat(), (name, by, at) => {
                const changed = withStep(of(name), isStack, ({ old, new: next }) => {
                    const known = next?.outputs ?? {};
                    const all = paths(known).filter(([first]) => first !== "credentials");
                    const path = all[at % all.length] ?? [];
                    for (const each of [old, next]) {
                        try {
                            replace(each?.outputs, path, structuredClone(by));
                        } catch {
                            // It is not there before the update.
                        }
                    }
                });
                const { entries, unchanged } = review(changed);
                assert.ok(entries.hidden.length > 0 && !unchanged);
            }),
            { numRuns: 60 },
        );
        for (const [path, value] of [
            ["access", { reader: ["user:a@b.example", secret] }],
            ["access", { reader: ["user:a@b.example", unknown] }],
            ["access", { reader: "user:a@b.example" }],
            ["access", { reader: [{ member: "user:a@b.example" }] }],
            ["access", { workloads: { release: secret } }],
            ["access", secret],
            ["serviceAccounts", { "python-publisher": { member: unknown, access: "writer" } }],
            ["pipConf", secret],
            ["pypirc", 5],
            ["clients", { uv: { "uv.toml": unknown } }],
            ["ci", { release: ["a"] }],
            ["other", { nested: [{ deep: secret }] }],
        ] as const) {
            const events = withStep(of("unchanged"), isStack, ({ old, new: next }) => {
                for (const each of [old, next]) Object.assign(each?.outputs ?? {}, { [path]: value });
            });
            const text = comment(events);
            assert.match(
                text,
                new RegExp(`### Not shown\\n[^]*${path === "pypirc" ? "pypirc" : path}`),
                JSON.stringify(value),
            );
            assert.doesNotMatch(text, /No changes/);
        }
    });

    it("tell a credential that changes, though it looks the same when it is hidden", () => {
        const events = withStep(of("unchanged"), isStack, ({ old, new: next }) => {
            for (const [each, password] of [
                [old, "first-password"],
                [next, "other-password"],
            ] as const) {
                Object.assign(each?.outputs ?? {}, {
                    pipConf: `[global]\nindex-url = https://u:${password}@a.example/\n`,
                });
            }
        });
        assert.match(
            comment(events),
            /The output `pipConf` contains what looks like a credential, and changes\./,
        );
        assert.doesNotMatch(comment(events), /-password/);
    });

    it("are incomplete if they are of another form than a preview has", () => {
        const lines = getLines(of("unchanged"));
        const summary = lines.at(-1) ?? "";
        const with1 = (line: string) => [...lines.slice(0, -1), line, summary].join("\n");
        const instead = (from: string, to: string) =>
            [...lines.slice(0, -1), summary.replace(from, to)].join("\n");
        const step = (more: object) => ({
            op: "same",
            urn: "urn:pulumi:dev::p::a:b:C::hidden-one",
            type: "a:b:C",
            old: null,
            new: null,
            ...more,
        });
        const deep = `{"a":${"[".repeat(50_000)}${"]".repeat(50_000)}}`;
        const nested = lines.join("\n").replaceAll('"pypirc":', `"deep":${deep},"pypirc":`);
        assert.match(comment(nested), /The output `deep\.a(?:\[0\])+` is nested too deeply to be read\./);
        for (const [events, said] of [
            [
                with1(
                    '{"resourceMovedEvent":{"metadata":{"urn":"urn:pulumi:dev::p::a:b:C::x","type":"a:b:C"}}}',
                ),
                /unknown kind, `resourceMovedEvent`\. It is about the resource `x` \(`a:b:C`\)/,
            ],
            [
                with1(JSON.stringify({ resOutputsEvent: { metadata: step({ op: 5 }) } })),
                /form that this review does not know\. It is about the resource `hidden-one`/,
            ],
            [
                with1(JSON.stringify({ resOutputsEvent: { metadata: step({ new: { inputs: [] } }) } })),
                /`hidden-one`/,
            ],
            [
                with1(
                    JSON.stringify({
                        resOutputsEvent: { metadata: step({ op: "transmogrify", logical: true }) },
                    }),
                ),
                /operation `transmogrify` does to the resource `hidden-one` \(`a:b:C`\) is not known/,
            ],
            [with1(JSON.stringify({ resOutputsEvent: {}, cancelEvent: {} })), /is not an event/],
            [with1("{}"), /is not an event/],
            [with1("[]"), /is not an event/],
            [with1("null"), /is not an event/],
            [with1("warning: something"), /Line 15 is not an event/],
            [instead('"isPreview":true', '"isPreview":false'), /Not shown/],
            [instead('"maybeCorrupt":false', '"maybeCorrupt":true'), /Not shown/],
            [
                instead('"same":13', '"same":13,"update":1'),
                /counted 1 resources for the operation `update`, and the events have 0/,
            ],
            [instead('"same":13', '"same":"13"'), /Not shown/],
            [instead(',"result":"succeeded"', ""), /Not shown/],
            [[...lines, ...lines].join("\n"), /more than one preview/],
            [
                [
                    ...lines,
                    ...getLines(of("unchanged").replaceAll("urn:pulumi:dev::", "urn:pulumi:prod::")),
                ].join("\n"),
                /of 2 stacks/,
            ],
            [lines.slice(1).join("\n"), /The beginning of the events is missing/],
            [with1('{"errorEvent":{"error":"it broke"}}'), /it broke/],
            [with1(JSON.stringify({ resOpFailedEvent: { metadata: step({}) } })), /The preview failed/],
        ] as const) {
            const result = review(events);
            assert.ok(!isComplete(result), `${said}`);
            assert.match(renderReview([result]), said);
        }
        // What changes nothing in how the events read.
        const [first = "", ...rest] = lines;
        for (const events of [
            `\uFEFF${lines.join("\n")}`,
            lines.join("\r\n"),
            `${first}\n\n\n${rest.join("\n")}\n\n`,
        ]) {
            assert.ok(review(events).unchanged);
        }
        const progress = with1('{"sequence":1,"progressEvent":{"type":"plugin-download"}}').replaceAll(
            '"sequence":1,',
            "",
        );
        assert.ok(review(progress).unchanged);
    });

    it("show each operation of the engine, on resources of any type", () => {
        const state = { custom: true, inputs: { size: 1 }, outputs: { size: 1 } };
        const ops = [
            "create",
            "update",
            "delete",
            "replace",
            "import",
            "discard",
            "create-replacement",
            "delete-replaced",
            "import-replacement",
            "read-replacement",
            "discard-replaced",
            "remove-pending-replace",
        ];
        for (const op of [...ops, "read", "refresh"]) {
            for (const type of ["other:index:Thing", "pulumi:providers:gcp", "my:index:Component"]) {
                const events = withStep(
                    of("unchanged"),
                    ({ type: each }) => each === "gcp:artifactregistry/repository:Repository",
                    (metadata) => {
                        const custom = type !== "my:index:Component";
                        const before = op === "create" || op === "import" ? null : { ...state, custom };
                        const after =
                            op === "delete" || op === "discard"
                                ? null
                                : { ...state, custom, outputs: { size: 2 } };
                        Object.assign(metadata, {
                            op,
                            type,
                            urn: `urn:pulumi:dev::p::${type}::thing`,
                            old: before,
                            new: after,
                        });
                    },
                );
                const result = review(events);
                assert.ok(!result.unchanged, `${op} ${type}`);
                assert.match(
                    renderReview([result]),
                    /`thing` \(`(?:other:index:Thing|pulumi:providers:gcp|my:index:Component)`\)/,
                    `${op} ${type}`,
                );
            }
        }
    });

    it("change nothing after a refresh that finds nothing", () => {
        const lines = getLines(of("unchanged")).flatMap((line) => {
            const { resOutputsEvent: done } = JSON.parse(line) as Event;
            if (done === undefined) return [line];
            const metadata = { ...done.metadata, op: "refresh", logical: false };
            return [JSON.stringify({ resOutputsEvent: { metadata } }), line];
        });
        assert.ok(review(lines.join("\n")).unchanged);
    });

    it("name a workload and an account with the name of a property of objects", () => {
        const principal =
            "principalSet://iam.googleapis.com/projects/7/locations/global/workloadIdentityPools/p/attribute.a/x";
        const events = withStep(of("unchanged"), isStack, ({ new: next }) => {
            const access = next?.outputs["access"] as { workloads: object; impersonators: object };
            access.workloads = { constructor: { principal, access: "writer" } };
            access.impersonators = { toString: ["user:a@b.example"] };
        });
        assert.match(
            comment(events),
            /\*\*gains writer\*\*: workload `constructor` \(`attribute\.a\/x`, pool `p` in the project `7`\)\. The preview does not say whose tokens/,
        );
    });

    it("show a principal that is a workload and has a second role", () => {
        const principal = "serviceAccount:123456789012-compute@developer.gserviceaccount.com";
        const events = withStep(of("workloads-changed"), isStack, ({ new: next }) => {
            (next?.outputs["access"] as { admin: string[] }).admin = [principal];
        });
        assert.match(comment(events), new RegExp(`\\*\\*gains admin\\*\\*: \`${principal}\``));
    });

    it("show a grant that the outputs do not name", () => {
        const stray = "user:stray@evil.example";
        const isBinding = isResource("RepositoryIamBinding", "role", "roles/artifactregistry.reader");
        const members = ({ new: next }: Metadata) => next?.inputs["members"] as unknown[];
        const added = withStep(of("readers"), isBinding, (metadata) => members(metadata).push(stray));
        assert.match(
            comment(added),
            /\*\*grants `roles\/artifactregistry\.reader`\*\* on the repository `python`: `user:stray@evil\.example`, by `registry-reader`/,
        );
        const hidden = withStep(of("readers"), isBinding, (metadata) => members(metadata).push(secret));
        assert.match(
            comment(hidden),
            /`members\[3\]` of the resource `registry-reader` \([^)]*\) is a secret\./,
        );
        const elsewhere = withStep(of("readers"), isBinding, ({ new: next }) =>
            Object.assign(next?.inputs ?? {}, { project: "evil" }),
        );
        assert.match(
            comment(elsewhere),
            /\*\*grants `roles\/artifactregistry\.reader`\*\* on the repository `python` in the project `evil`/,
        );
        const condition = withStep(of("readers"), isBinding, ({ new: next }) =>
            Object.assign(next?.inputs ?? {}, { condition: { expression: "true" } }),
        );
        assert.match(
            comment(condition),
            /grants [^\n]*`group:data-science@acme\.example`[^\n]* with the condition `\{"expression":"true"\}`/,
        );
        // Someone added it at Google, so it is in the outputs only.
        const drifted = withStep(of("readers"), isBinding, (metadata) => {
            const { old, new: next } = metadata;
            Object.assign(next?.inputs ?? {}, { members: old?.inputs["members"] });
            Object.assign(old?.outputs ?? {}, { members: [...(old?.inputs["members"] as string[]), stray] });
        });
        assert.match(
            comment(drifted),
            /\*\*revokes `roles\/artifactregistry\.reader`\*\* on the repository `python`: `user:stray@evil\.example`/,
        );
        // Without readable outputs, each grant is shown.
        const unreadable = withStep(
            of("workloads-added"),
            isStack,
            ({ new: next }) => delete next?.outputs["access"],
        );
        assert.match(
            comment(unreadable),
            /The outputs `access` and `serviceAccounts` after the update cannot be read/,
        );
        assert.match(
            comment(unreadable),
            /\*\*grants `roles\/iam\.workloadIdentityUser`\*\* on the service account `python-publisher`: `principalSet:\/\/.*gitlab:7`/,
        );
    });

    it("say whose tokens a provider accepts, however it changes", () => {
        /** The new provider as one that is there already, with changes. */
        const updated = (before: object, after: object, op = "update") =>
            comment(
                withStep(of("workloads-added"), isProvider("github"), (metadata) => {
                    const { new: next } = metadata;
                    const inputs = { ...next?.inputs };
                    const was = { custom: true, ...next, inputs: { ...inputs, ...before }, outputs: {} };
                    Object.assign(metadata, {
                        op,
                        old: was,
                        new: { ...next, inputs: { ...inputs, ...after } },
                    });
                }),
            );
        const what = "workload identity provider `github` of the pool `python-europe-west1`";
        const oidc = (more: object) => ({
            oidc: { issuerUri: "https://token.actions.githubusercontent.com", ...more },
        });
        for (const [before, after, said] of [
            [
                {},
                oidc({ issuerUri: "https://evil.example" }),
                `**accepts tokens by other rules**: ${what}: issuer \`https://token.actions.githubusercontent.com\` → \`https://evil.example\``,
            ],
            [{}, { attributeCondition: "true" }, "condition `(assertion.repository_owner_id"],
            [{}, { attributeCondition: undefined }, "→ none"],
            [{}, oidc({ allowedAudiences: ["a"] }), 'audiences none → `["a"]`'],
            [{}, oidc({ jwksJson: "{}" }), "keys in place of the issuer's own none → `{}`"],
            [{}, { attributeMapping: { "google.subject": "assertion.sub" } }, "`google.subject` is"],
            [{ disabled: true }, {}, `**accepts tokens again**: ${what}: issuer`],
            [{}, { disabled: true }, `**no longer accepts tokens**: ${what}`],
            [{}, { aws: { accountId: "1" } }, 'AWS account none → `{"accountId":"1"}`'],
        ] as const) {
            assert.ok(updated(before, after).includes(said), `${said}\n${updated(before, after)}`);
        }
        assert.ok(
            updated({}, { workloadIdentityPoolId: "other" }, "replace").includes(
                "**is replaced, and accepts tokens by other rules**",
            ),
        );
        const created = (change: object) =>
            comment(
                withStep(of("workloads-added"), isProvider("github"), ({ new: next }) =>
                    Object.assign(next?.inputs ?? {}, change),
                ),
            );
        assert.match(
            created({ attributeCondition: undefined }),
            /\*\*no condition, so every token of the issuer is accepted\*\*/,
        );
        assert.match(
            created({ project: "pools" }),
            /`github` of the pool `python-europe-west1` in the project `pools`: issuer/,
        );
        const hidden = created({ attributeCondition: secret });
        assert.match(
            hidden,
            /`attributeCondition` of the workload identity provider `github`[^\n]* is a secret\./,
        );
        assert.match(hidden, /condition a secret/);
        const gone = withStep(of("workloads-changed"), isProvider("gitlab"), ({ old }) =>
            Object.assign(old ?? {}, { retainOnDelete: false }),
        );
        assert.match(comment(gone), /\*\*no longer accepts tokens\*\*: workload identity provider `gitlab`/);
        const pool = withStep(
            of("workloads-added"),
            isResource("WorkloadIdentityPool", "workloadIdentityPoolId", "python-europe-west1"),
            (metadata) => {
                const { new: next } = metadata;
                const old = { ...next, inputs: { ...next?.inputs, disabled: true } };
                Object.assign(metadata, {
                    op: "update",
                    old,
                    detailedDiff: { disabled: { diffKind: "delete" } },
                });
            },
        );
        assert.match(
            comment(pool),
            /\*\*accepts tokens by other rules\*\*: workload identity pool `python-europe-west1`: `disabled`, `true` → none/,
        );
    });

    it("are shown once for two stacks only if they differ in their own names and nothing else", () => {
        const rename = (events: string, from: string, to: string) => events.replaceAll(from, to);
        const prod = (events: string) =>
            rename(rename(events, "urn:pulumi:dev::", "urn:pulumi:prod::"), "acme-dev", "acme-prod");
        const both = (first: string, second: string) => renderReview([review(first), review(second)]);
        const added = of("workloads-added");
        // The pool of a different project.
        const foreign = both(added, rename(prod(added), "projects/123456789012", "projects/999"));
        assert.match(foreign, /^- `dev`: \*\*gains writer\*\*: workload `release` .*`123456789012`\)$/m);
        assert.match(
            foreign,
            /^- `prod`: \*\*gains writer\*\*: workload `release` .*pool `python-europe-west1` in the project `999`\)$/m,
        );
        // A different issuer, or a condition that differs after 300 characters.
        for (const [from, to] of [
            ["https://gitlab.com", "https://gitlab.evil.example"],
            ["ref_protected", "ref_unprotected"],
        ] as const) {
            assert.match(
                both(added, rename(prod(added), from, to)),
                /^- `prod`: \*\*accepts tokens\*\*: workload identity provider `gitlab`/m,
            );
        }
        // A project in a name is not the own one if it is a part of a longer name, or something of another kind.
        const readers = of("readers");
        for (const template of [
            "user:ann@PROJECT.example",
            "user:PROJECT@evil.example",
            "serviceAccount:x@PROJECT.iam.gserviceaccount.com.evil.example",
            "serviceAccount:x@PROJECT-evil.iam.gserviceaccount.com",
        ]) {
            const reader = (events: string, project: string) =>
                rename(events, "group:data-science@acme.example", template.replace("PROJECT", project));
            const text = both(reader(readers, "acme-dev"), reader(prod(readers), "acme-prod"));
            assert.match(text, /^- `dev`: \*\*gains reader\*\*/m, template);
            assert.match(text, /^- `prod`: \*\*gains reader\*\*/m, template);
        }
        const own = (events: string, project: string) =>
            rename(
                events,
                "group:data-science@acme.example",
                `serviceAccount:x@${project}.iam.gserviceaccount.com`,
            );
        assert.match(
            both(own(readers, "acme-dev"), own(prod(readers), "acme-prod")),
            /^- all 2 stacks: \*\*gains reader\*\*: .* \(shown for `dev`\)$/m,
        );
    });
});
