import { strict as assert } from "node:assert";
import fc from "fast-check";
import { renderIni } from "../../packages/registry/src/clients/ini";
import { pipConfWithKey, pipConfWithKeyring } from "../../packages/registry/src/clients/pip";
import { pypircWithKey, pypircWithKeyring } from "../../packages/registry/src/clients/twine";
import { serviceAccountEmail } from "../../packages/registry/src/names/principals";
import { type ParsedSettings, parseSettings } from "../../src/settings";
import type { ParsedRegistry } from "../../packages/registry/src/components/parse-registry";
import { renderReadme } from "../../packages/registry/src/clients/readme";
import { renderClients } from "../../packages/registry/src/clients/tools";
import { entries } from "../../packages/registry/src/validation/schema";
import { repositoryUrls } from "../../packages/registry/src/names/urls";
import * as any from "./arbitraries";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { needsPython, readIni, type Sections } from "./python";
import { readPage, getSteps, withoutBlankLines } from "./read-page";

/** Files and what Python must read from them, collected over a property's runs: Python is started once for all. */
class ReadBack {
    readonly #texts: string[] = [];
    readonly #meant: Sections[] = [];

    expect(text: string, meant: Sections): void {
        this.#texts.push(text);
        this.#meant.push(meant);
    }

    /** @returns how many files were compared */
    check(): number {
        const read = readIni(this.#texts);
        assert.equal(read.length, this.#meant.length);
        for (const [index, meant] of this.#meant.entries()) {
            assert.deepEqual(read[index], meant, this.#texts[index]);
        }
        return read.length;
    }
}

/** Every file that follows from settings (and a key, for the password form), and what it is to say. */
function expectFiles(back: ReadBack, settings: ParsedRegistry, key: Buffer): void {
    const { project, location, repository: name, keyring, publicPackages } = settings;
    const { indexUrl, uploadUrl } = repositoryUrls(settings);
    const index = { indexUrl, keyring, publicPackages };
    const option = publicPackages === "none" ? "index-url" : "extra-index-url";
    const keyBase64 = key.toString("base64");
    const upload = { name, uploadUrl };
    // Spelled out: what the files are to say must not come from the code that writes them.
    const path = `${location}-python.pkg.dev/${project}/${name}/`;
    const user = keyring === "subprocess" ? "oauth2accesstoken@" : "";
    const encoded = keyBase64.replaceAll("+", "%2B").replaceAll("/", "%2F").replaceAll("=", "%3D");
    const servers = { "index-servers": `\n${name}` };
    back.expect(pipConfWithKeyring(index), {
        global: {
            [option]: `https://${user}${path}simple/`,
            ...(keyring === "auto" ? {} : { "keyring-provider": keyring }),
        },
    });
    back.expect(pypircWithKeyring(upload), {
        distutils: servers,
        [name]: { repository: `https://${path}` },
    });
    back.expect(pipConfWithKey(index, { keyBase64 }), {
        global: { [option]: `https://_json_key_base64:${encoded}@${path}simple/` },
    });
    back.expect(pypircWithKey(upload, { keyBase64 }), {
        distutils: servers,
        [name]: { repository: `https://${path}`, username: "_json_key_base64", password: keyBase64 },
    });
}

const anyString = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    fc.string({ minLength: 60, maxLength: 400 }),
    // Close to what is valid: a valid value with something in it, in front or behind.
    fc
        .tuple(
            fc.oneof(any.repository, any.project, any.location, any.accountId),
            fc.oneof(
                fc.constantFrom(
                    "\n",
                    "\r",
                    "\r\n[x]\ny = 1",
                    "\u2028",
                    "\x85",
                    "\x1c",
                    " ",
                    "\t",
                    "\0",
                    "/",
                    "@",
                ),
                fc.constantFrom(
                    "]",
                    "[",
                    "#",
                    ";",
                    "=",
                    ":",
                    "%",
                    "\ufeff",
                    "\u0430",
                    "\u212a",
                    "-",
                    "",
                    "\\",
                ),
            ),
            fc.nat(64),
        )
        .map(([valid, odd, at]) => valid.slice(0, at) + odd + valid.slice(at)),
    fc.constantFrom(
        "__proto__",
        "constructor",
        "prototype",
        "toString",
        "distutils",
        "DEFAULT",
        "global",
        "",
    ),
);

/** How a message shows a value: as JSON, cut when long. */
function shown(value: unknown): string {
    const text = JSON.stringify(value);
    return text.length <= 120 ? text : text.slice(0, 116);
}

function getMistakes(parsed: ParsedSettings): readonly string[] {
    return "mistakes" in parsed ? parsed.mistakes : [];
}

/** What any report must be: some mistakes, each of them one line that starts with a key. */
function assertReport(mistakes: readonly string[]): void {
    assert.notEqual(mistakes.length, 0);
    for (const mistake of mistakes) {
        assert.match(mistake, /^(python-registry|gcp):.*: .+\.?/s);
        assert.doesNotMatch(mistake, /[\r\n]/);
        assert.ok(mistake.isWellFormed());
    }
}

/** The e-mail address in which a project's accounts end. */
function getHome(project: string): string {
    return `${project.split(":").reverse().join(".")}.iam.gserviceaccount.com`;
}

describe("any valid configuration", () => {
    it("is accepted, and means what it says", () => {
        fc.assert(
            fc.property(any.values, (values) => {
                const parsed = parseSettings(stackConfig(values));
                const listed = new Set([values.readers, values.writers, values.admins].flat());
                // Only by chance is a listed account one of the stack's own.
                fc.pre(![...listed].some((name) => name?.endsWith(getHome(values["gcp:project"]))));
                assert.ok("settings" in parsed, getMistakes(parsed).join("\n"));
                const { "gcp:project": project, protect = true, ...given } = values;
                const federated = /^principal/;
                const stored = (list: readonly string[] = []) =>
                    list.map((name) =>
                        federated.test(name) ? name : name.replace(/:.*/, (address) => address.toLowerCase()),
                    );
                assert.deepEqual(parsed.settings, {
                    repository: "python",
                    labels: {},
                    access: "authoritative",
                    allowPublic: false,
                    serviceAccounts: { "python-publisher": { access: "writer" } },
                    publicPackages: "pypi",
                    internalPackages: [],
                    keyring: "auto",
                    enableApis: true,
                    skipRegionValidation: false,
                    deletionProtection: protect,
                    ...(["workloads", "pool", "projectNumber"].some((name) => name in given)
                        ? { workloads: {}, pool: {} }
                        : {}),
                    // As Pulumi hands it over: through JSON, so without undefined.
                    ...(JSON.parse(JSON.stringify(given)) as object),
                    ...(values.projectNumber === undefined
                        ? {}
                        : { projectNumber: String(values.projectNumber) }),
                    project,
                    readers: stored(values.readers),
                    writers: stored(values.writers),
                    admins: stored(values.admins),
                });
            }),
        );
    });

    describe("gives files", () => {
        before(needsPython);

        it("that Python reads back to exactly the meant sections, keys and values", () => {
            const back = new ReadBack();
            fc.assert(
                fc.property(any.values, any.keyBytes, (values, key) => {
                    const parsed = parseSettings(stackConfig(values));
                    fc.pre("settings" in parsed);
                    expectFiles(back, parsed.settings, key);
                }),
                { numRuns: 500 },
            );
            assert.ok(back.check() >= 4 * 500);
        });
    });
});

describe("any string whatsoever", () => {
    before(needsPython);

    for (const [what, key] of [
        ["repository id", "python-registry:repository"],
        ["project", "gcp:project"],
        ["location", "python-registry:location"],
        ["region", "gcp:region"],
    ] as const) {
        it(`as ${what} is a mistake that names key and value, or gives files that read back right`, () => {
            const back = new ReadBack();
            const valid = { repository: any.repository, project: any.project, location: any.location };
            const good =
                what === "region"
                    ? valid.location
                    : what === "repository id"
                      ? valid.repository
                      : valid[what];
            fc.assert(
                fc.property(
                    fc.oneof({ weight: 9, arbitrary: anyString }, good),
                    any.keyBytes,
                    (text, bytes) => {
                        const config: Record<string, string> = {
                            "gcp:project": "acme-tools",
                            ...(what === "region" ? {} : { "python-registry:location": "us" }),
                            [key]: text,
                        };
                        const parsed = parseSettings(config);
                        if ("settings" in parsed) {
                            const field =
                                what === "repository id"
                                    ? "repository"
                                    : what === "region"
                                      ? "location"
                                      : what;
                            assert.equal(parsed.settings[field], text);
                            expectFiles(back, parsed.settings, bytes);
                        } else {
                            assertReport(parsed.mistakes);
                            // An empty location means: not set.
                            const said =
                                key === "python-registry:location" && text === ""
                                    ? "is not set"
                                    : shown(text);
                            assert.deepEqual(
                                parsed.mistakes.filter((mistake) => !mistake.startsWith(`${key}: ${said}`)),
                                [],
                            );
                        }
                    },
                ),
                { numRuns: 1000 },
            );
            assert.ok(back.check() > 0, "some were valid");
        });
    }

    it("as account id is a mistake that names it, or makes the address that it should", () => {
        let valid = 0;
        fc.assert(
            fc.property(fc.oneof(anyString, any.accountId), any.project, (id, project) => {
                const accounts = Object.fromEntries([[id, { access: "reader" }]]);
                const parsed = parseSettings(
                    stackConfig({ "gcp:project": project, location: "us", serviceAccounts: accounts }),
                );
                if ("settings" in parsed) {
                    valid++;
                    assert.deepEqual(parsed.settings.serviceAccounts, { [id]: { access: "reader" } });
                    const email = serviceAccountEmail(project, id);
                    assert.equal(email, `${id}@${getHome(project)}`);
                    assert.match(email, /^[a-z0-9-]+@[a-z0-9.-]+$/);
                } else {
                    assertReport(parsed.mistakes);
                    assert.ok(parsed.mistakes.every((m) => m.startsWith("python-registry:serviceAccounts")));
                    assert.ok(parsed.mistakes[0]!.includes(`: ${shown(id)}`), parsed.mistakes[0]);
                }
            }),
            { numRuns: 1000 },
        );
        assert.notEqual(valid, 0);
    });

    it("as key generation is a mistake that names it, or is kept as it is", () => {
        fc.assert(
            fc.property(fc.oneof(anyString, any.generation), (name) => {
                const serviceAccounts = { "ci-reader": { access: "reader", keys: [name] } };
                const parsed = parseSettings(
                    stackConfig({ "gcp:project": "acme-tools", location: "us", serviceAccounts }),
                );
                if ("settings" in parsed) {
                    assert.match(name, /^[A-Za-z0-9._-]+$/);
                    assert.deepEqual(parsed.settings.serviceAccounts, serviceAccounts);
                } else {
                    assertReport(parsed.mistakes);
                    const [mistake, ...more] = parsed.mistakes;
                    const start = `python-registry:serviceAccounts.ci-reader.keys[0]: ${shown(name)}`;
                    assert.ok(mistake!.startsWith(start), mistake);
                    assert.deepEqual(more, []);
                }
            }),
            { numRuns: 1000 },
        );
    });

    it("as principal is a mistake that names it, or has one line and no blanks", () => {
        fc.assert(
            fc.property(
                fc.oneof(
                    anyString,
                    any.principal,
                    fc
                        .tuple(fc.constantFrom("user:", "domain:", "principal://"), anyString)
                        .map((p) => p.join("")),
                    fc
                        .tuple(fc.constantFrom("user:", "group:"), anyString, any.domain)
                        .map(([t, l, d]) => `${t}${l}@${d}`),
                ),
                (principal) => {
                    const parsed = parseSettings(
                        stackConfig({ "gcp:project": "acme-tools", location: "us", admins: [principal] }),
                    );
                    if ("settings" in parsed) {
                        assert.match(
                            principal,
                            /^(user|group|serviceAccount|domain|principal|principalSet):[^\s\p{C}]+$/u,
                        );
                        assert.equal(parsed.settings.admins.length, 1);
                    } else {
                        assertReport(parsed.mistakes);
                        const start = `python-registry:admins[0]: ${shown(principal)}`;
                        assert.ok(parsed.mistakes[0]!.startsWith(start), parsed.mistakes[0]);
                    }
                },
            ),
            { numRuns: 1000 },
        );
    });

    it("in an INI file is refused, or read back as it is", () => {
        const back = new ReadBack();
        const sectionName = fc.oneof(fc.constant("section"), anyString);
        fc.assert(
            fc.property(
                sectionName,
                anyString,
                fc.array(anyString, { maxLength: 3 }),
                (name, value, lines) => {
                    let text: string;
                    try {
                        const entries = [
                            ["list", lines],
                            ["value", value],
                            ["last", "1"],
                        ] as const;
                        text = renderIni([{ name, entries }], value.length % 2 ? " = " : ": ");
                    } catch (error) {
                        assert.ok(error instanceof RangeError);
                        assert.match(
                            error.message,
                            /^this (section|value) cannot be written to an INI file: it has a line break or /,
                        );
                        return;
                    }
                    const list = lines.map((line) => `\n${line}`).join("");
                    back.expect(text, { [name]: { list, value, last: "1" } });
                },
            ),
            { numRuns: 1000 },
        );
        assert.ok(back.check() > 100, "some were accepted");
    });
});

const settingNames = Object.keys(entries);

describe("any JSON", () => {
    const place = { "gcp:project": "acme-tools", location: "us" };

    it("under any key is settings or mistakes, never an exception", () => {
        const json = fc.oneof(
            fc.json(),
            anyString,
            fc.jsonValue().map((value) => JSON.stringify({ "ci-reader": value, constructor: value })),
            fc.jsonValue().map((value) => JSON.stringify({ "ci-reader": { access: "reader", keys: value } })),
            fc.array(fc.jsonValue()).map((value) => JSON.stringify(value)),
        );
        const key = fc.constantFrom(
            "gcp:project",
            "gcp:region",
            ...settingNames,
            "__proto__",
            "toString",
            "",
        );
        fc.assert(
            fc.property(fc.dictionary(key, json), (given) => {
                const parsed = parseSettings(stackConfig({ ...place, ...given }));
                if ("mistakes" in parsed) {
                    assertReport(parsed.mistakes);
                } else {
                    assert.deepEqual(
                        Object.keys(given).filter((name) => name === "toString" || name === ""),
                        [],
                    );
                }
            }),
            { numRuns: 1000 },
        );
    });

    it("where it is secret leaves no trace in the report", () => {
        const secret = "Zq7-secret";
        fc.assert(
            fc.property(
                fc.constantFrom(...settingNames.filter((name) => name !== "description"), "unknown"),
                fc.constantFrom<(text: string) => unknown>(
                    (text) => text,
                    (text) => [text, text],
                    (text) => [`${text}@example.com`, `user:${text}@example.com`, `user:${text}@EXAMPLE.com`],
                    (text) => ({ [text]: text }),
                    (text) => ({ [text]: { access: text, keys: [text, text], [text]: text } }),
                    (text) => ({ "ci-reader": { access: "reader", keys: [`${text}!`], [text]: text } }),
                    (text) => ({ "ci-reader": [text] }),
                ),
                fc.constantFrom("", "a", "user:", "x@"),
                (name, shape, prefix) => {
                    const full = `python-registry:${name}`;
                    const config = stackConfig({ ...place, [name]: shape(prefix + secret) });
                    const parsed = parseSettings(config, new Set([full]));
                    assertReport(getMistakes(parsed));
                    assert.doesNotMatch(getMistakes(parsed).join("\n"), /zq7/i);
                },
            ),
        );
    });
});

describe("a single invalid value in a valid configuration", () => {
    const text = fc.string({ unit: "binary" });
    const unlike = (pattern: RegExp) => text.filter((value) => !pattern.test(value));
    /** Invalid values by the place that the report must name. */
    const invalid: Record<string, fc.Arbitrary<{ key: string; value: unknown; named: unknown }>> = {
        "gcp:project": unlike(/^[a-z0-9:.-]+$/).map((value) => ({ key: "gcp:project", value, named: value })),
        "python-registry:location": unlike(/^[a-z0-9-]*$/).map((value) => ({
            key: "location",
            value,
            named: value,
        })),
        "python-registry:repository": unlike(/^[a-z0-9-]+$/).map((value) => ({
            key: "repository",
            value,
            named: value,
        })),
        "python-registry:publicPackages": unlike(/^(pypi|none)$/).map((value) => ({
            key: "publicPackages",
            value,
            named: value,
        })),
        "python-registry:keyring": unlike(/^(auto|import|subprocess)$/).map((value) => ({
            key: "keyring",
            value,
            named: value,
        })),
        // An empty text is a setting that is left out.
        "python-registry:access": unlike(/^(|authoritative|additive)$/).map((value) => ({
            key: "access",
            value,
            named: value,
        })),
        "python-registry:existing": unlike(/^(|use|adopt)$/).map((value) => ({
            key: "existing",
            value,
            named: value,
        })),
        "python-registry:protect": fc
            .jsonValue()
            .filter((value) => typeof value !== "boolean" && typeof value !== "string")
            .map((value) => ({ key: "protect", value, named: JSON.parse(JSON.stringify(value)) as unknown })),
        "python-registry:readers[0]": unlike(/:|^all/).map((value) => ({
            key: "readers",
            value: [value],
            named: value,
        })),
        "python-registry:writers[0]": fc
            .constantFrom("allUsers", "allAuthenticatedUsers")
            .map((value) => ({ key: "writers", value: [value], named: value })),
        "python-registry:admins": any.principal.map((value) => ({
            key: "admins",
            value: [value, value],
            named: value,
        })),
        "python-registry:labels.key": unlike(/^[\p{Ll}\p{Lo}\p{N}_-]*$/u).map((value) => ({
            key: "labels",
            value: { key: value },
            named: value,
        })),
        "python-registry:serviceAccounts.ci-reader.keys[1]": unlike(/^[A-Za-z0-9._-]+$/).map((value) => ({
            key: "serviceAccounts",
            value: { "ci-reader": { access: "reader", keys: ["first", value] } },
            named: value,
        })),
        "python-registry:serviceAccounts.ci-reader.access": unlike(/^(reader|writer|admin)$/).map(
            (value) => ({
                key: "serviceAccounts",
                value: { "ci-reader": { access: value } },
                named: value,
            }),
        ),
    };
    for (const [where, arbitrary] of Object.entries(invalid)) {
        it(`is the one mistake that is reported: ${where}`, () => {
            fc.assert(
                fc.property(any.values, arbitrary, (values, { key, value, named }) => {
                    fc.pre("settings" in parseSettings(stackConfig(values)));
                    const mistakes = getMistakes(parseSettings(stackConfig({ ...values, [key]: value })));
                    assertReport(mistakes);
                    const start = `${where}: ${shown(named)}`;
                    assert.deepEqual([mistakes.length, mistakes[0]!.slice(0, start.length)], [1, start]);
                }),
            );
        });
    }

    it("is reported when its key is unknown", () => {
        const key = fc.stringMatching(/^[A-Za-z]\w{0,20}$/).filter((name) => !settingNames.includes(name));
        fc.assert(
            fc.property(any.values, key, text, (values, name, value) => {
                fc.pre("settings" in parseSettings(stackConfig(values)));
                const mistakes = getMistakes(parseSettings(stackConfig({ ...values, [name]: value })));
                const start = `python-registry:${name}: "${name}" is an unknown key (its value: ${shown(value)}`;
                assert.deepEqual([mistakes.length, mistakes[0]?.slice(0, start.length)], [1, start]);
            }),
        );
    });
});

describe("the files of every tool", () => {
    it("can be made for any valid configuration, are all on the page, and hold the key only in its own form", () => {
        const key = fc
            .uint8Array({ minLength: 1500, maxLength: 2400 })
            .map((bytes) => Buffer.from(bytes).toString("base64"));
        fc.assert(
            fc.property(any.values, key, (values, keyBase64) => {
                const parsed = parseSettings(stackConfig(values));
                fc.pre("settings" in parsed);
                const { project, location, repository, keyring, publicPackages, internalPackages } =
                    parsed.settings;
                const { indexUrl, uploadUrl } = repositoryUrls({ project, location, repository });
                const index = {
                    name: repository,
                    indexUrl,
                    uploadUrl,
                    keyring,
                    publicPackages,
                    internalPackages,
                };
                const plain = renderClients(index, [{ form: "keyring" }, { form: "token" }]);
                const page = readPage(renderReadme(index, plain));
                const generated = getSteps(plain);
                assert.deepEqual(page.keyring, generated.keyring);
                assert.deepEqual(withoutBlankLines(page.token), withoutBlankLines(generated.token));
                const withKey = renderClients(index, [{ form: "key", keyBase64 }]);
                const start = keyBase64.slice(0, 8).replace(/[+/].*/, "");
                for (const { install, publish } of Object.values(withKey)) {
                    for (const { scope, text } of [...install, ...publish]) {
                        // A project's files are committed.
                        assert.ok(scope !== "project" || !text.includes(start) || start.length < 6, text);
                    }
                }
            }),
            { numRuns: 50 },
        );
    });
});
