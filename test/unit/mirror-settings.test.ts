import assert from "node:assert/strict";
import { downloadRules } from "../../packages/registry/src/components/mirror";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { parseSettings } from "../../src/settings";

const place = { "gcp:project": "acme-tools", location: "europe-west1" };

function parse(values: Record<string, unknown>) {
    return parseSettings(stackConfig({ ...place, ...values }));
}

function mirrorWith(mirror: Record<string, unknown>, more: Record<string, unknown> = {}) {
    const parsed = parse({ publicPackages: "mirror", mirror, ...more });
    assert.ok("settings" in parsed, JSON.stringify(parsed));
    return parsed.settings.mirror;
}

function mistakes(values: Record<string, unknown>): readonly string[] {
    const parsed = parse(values);
    return "mistakes" in parsed ? parsed.mistakes : [];
}

const upstreams =
    "Allowed: pypi, the https URL of an index without a login, or projects/PROJECT/locations/LOCATION/repositories/REPOSITORY.";

describe("settings: mirror", () => {
    it("needs no key", () => {
        for (const mirror of [undefined, {}]) {
            assert.deepEqual(mirrorWith(mirror as Record<string, unknown>), {
                upstream: "pypi",
                repository: "python-public",
                virtualRepository: "python-all",
            });
        }
    });

    it("takes an index with a login, or a repository", () => {
        assert.deepEqual(
            mirrorWith({
                upstream: "https://packages.acme.example/simple",
                username: "mirror",
                passwordSecret: "projects/acme-tools/secrets/index-password/versions/3",
                allow: ["Requests", "ruamel.yaml"],
                repository: "outside",
                virtualRepository: "everything",
            }),
            {
                upstream: "https://packages.acme.example/simple",
                login: {
                    username: "mirror",
                    passwordSecret: "projects/acme-tools/secrets/index-password/versions/3",
                },
                allow: ["requests", "ruamel-yaml"],
                repository: "outside",
                virtualRepository: "everything",
            },
        );
        const upstream = "projects/example.com:central/locations/us/repositories/pypi";
        assert.equal(mirrorWith({ upstream })?.upstream, upstream);
    });

    it("is absent with the defaults of Pulumi.yaml, and refused with other public packages", () => {
        assert.deepEqual(mistakes({ publicPackages: "pypi", mirror: {} }), []);
        for (const publicPackages of ["pypi", "none"]) {
            assert.deepEqual(mistakes({ publicPackages, mirror: { allow: ["requests"] } }), [
                "python-registry:mirror: has no effect. Allowed: only with publicPackages: mirror.",
            ]);
        }
    });

    it("has all its mistakes reported at once", () => {
        assert.deepEqual(
            mistakes({
                publicPackages: "mirror",
                internalPackages: ["acme-core", "acme-*"],
                mirror: {
                    upstream: "http://pypi.org",
                    username: "mirror",
                    password: "hunter2",
                    allowed: [],
                    repository: "python",
                },
            }),
            [
                "python-registry:mirror.password: would be in plain text in the state. Allowed: passwordSecret, which names a secret in Secret Manager. Replace the password if others have seen this configuration.",
                'python-registry:mirror.allowed: "allowed" is an unknown key of mirror (its value: []). Allowed: upstream, username, passwordSecret, allow, repository, virtualRepository, existing, existingRules. Did you mean "allow"?',
                `python-registry:mirror.upstream: "http://pypi.org" is not valid. ${upstreams}`,
                'python-registry:internalPackages[1]: "acme-*" is a prefix, and a download rule takes only exact names: the mirror would pass on public packages with this prefix. Allowed with publicPackages: mirror: exact names; or list in mirror.allow the public packages that may come in.',
                "python-registry:mirror.passwordSecret: is not set. Allowed: username and passwordSecret together.",
                'python-registry:mirror.repository: "python" is the id of another repository of this registry. Allowed: three different ids.',
            ],
        );
    });

    it("never takes a login in the address, which would be in plain text in the state", () => {
        for (const upstream of ["https://u:p@pypi.acme.example/", "https://u@pypi.acme.example/simple/"]) {
            assert.deepEqual(mistakes({ publicPackages: "mirror", mirror: { upstream } }), [
                `python-registry:mirror.upstream: is not valid. ${upstreams} A login belongs in username and passwordSecret: an address appears in plain text in the state.`,
            ]);
        }
    });

    it("never shows a password, under any key and in an address", () => {
        for (const mirror of [
            { password: "hunter2" },
            { passWord: "hunter2" },
            { token: "hunter2" },
            { username: "me", passwordSecret: "hunter2" },
            { upstream: "https://me:hunter2@packages.example/" },
            { upstream: "https://packages.example/?token=hunter2" },
        ]) {
            for (const publicPackages of ["mirror", "pypi"]) {
                const found = mistakes({ publicPackages, mirror }).join("\n");
                assert.notEqual(found, "");
                assert.doesNotMatch(found, /hunter2/);
            }
        }
    });

    it("has rules for names of at most 248 characters, because the id of a rule has at most 256", () => {
        const [longest, tooLong] = ["a".repeat(248), "a".repeat(249)];
        assert.deepEqual(mistakes({ publicPackages: "mirror", internalPackages: [longest] }), []);
        for (const values of [{ internalPackages: [tooLong] }, { mirror: { allow: [tooLong] } }]) {
            const [found = "", ...others] = mistakes({ publicPackages: "mirror", ...values });
            assert.deepEqual(others, []);
            assert.match(
                found,
                /is too long for a download rule\. Allowed: names of at most 248 characters\.$/,
            );
        }
    });

    it("of another type is one mistake", () => {
        for (const mirror of ["pypi", [1], null])
            assert.equal(mistakes({ publicPackages: "mirror", mirror }).length, 1);
    });

    it("never shows a secret", () => {
        const values = {
            publicPackages: "mirror",
            repository: "classified",
            mirror: {
                upstream: "https://hidden.example",
                username: "topsecret",
                repository: "classified",
                unknown: "topsecret",
            },
        };
        const all = ["mirror", "repository"].map((name) => `python-registry:${name}`);
        const parsed = parseSettings(stackConfig({ ...place, ...values }), new Set(all));
        assert.ok("mistakes" in parsed);
        assert.equal(parsed.mistakes.length, 3);
        assert.doesNotMatch(parsed.mistakes.join("\n"), /classified|hidden|topsecret/);
    });

    it("takes a login only for the URL of an index", () => {
        const login = { username: "mirror", passwordSecret: "projects/p-acme/secrets/s/versions/latest" };
        for (const upstream of ["pypi", "projects/acme/locations/us/repositories/pypi"]) {
            assert.deepEqual(mistakes({ publicPackages: "mirror", mirror: { upstream, ...login } }), [
                "python-registry:mirror.username: is set, but the upstream takes no login. Allowed: only with the https URL of an index.",
            ]);
        }
    });

    it("says what is meant by an address of PyPI", () => {
        for (const upstream of ["https://pypi.org/simple", "PyPI", "pypi.org"]) {
            if (upstream.startsWith("https:")) {
                // An index like any other.
                assert.equal(mirrorWith({ upstream })?.upstream, upstream);
                continue;
            }
            assert.deepEqual(mistakes({ publicPackages: "mirror", mirror: { upstream } }), [
                `python-registry:mirror.upstream: ${JSON.stringify(upstream)} is not valid. ${upstreams} Did you mean "pypi"?`,
            ]);
        }
    });

    it("allows only exact names that are not internal, each once, and at least one", () => {
        const withAllow = (allow: unknown, internalPackages: string[] = []) =>
            mistakes({ publicPackages: "mirror", internalPackages, mirror: { allow } });
        assert.deepEqual(withAllow([]), [
            "python-registry:mirror.allow: [] lists no package. Allowed: at least one; set publicPackages: none if no public package may come in.",
        ]);
        assert.deepEqual(withAllow(["django-*"]), [
            'python-registry:mirror.allow[0]: "django-*" is not valid. Allowed: exact names of packages: a download rule takes no prefixes.',
        ]);
        assert.deepEqual(withAllow(["Acme.Core", "acme-tools", "numpy", "NumPy"], ["acme-core", "acme-*"]), [
            'python-registry:mirror.allow[0]: "Acme.Core" is an internal package. Allowed: names that are not in internalPackages.',
            'python-registry:mirror.allow[1]: "acme-tools" is an internal package. Allowed: names that are not in internalPackages.',
            'python-registry:mirror.allow[3]: "NumPy" is listed twice. Allowed: each package once.',
        ]);
    });

    it("accepts prefixes of internal packages if only listed packages come in", () => {
        assert.deepEqual(mirrorWith({ allow: ["requests"] }, { internalPackages: ["acme-*"] })?.allow, [
            "requests",
        ]);
    });

    describe("with repositories that exist already", () => {
        const withExisting = (mirror: object, more: object = { access: "additive" }) =>
            mistakes({ publicPackages: "mirror", internalPackages: ["acme-core"], mirror, ...more });

        it("takes the ids of their rules, by normalized names", () => {
            const existingRules = { Acme_Core: "block-core", "*": "block-others", constructor: "theirs" };
            const allow = ["constructor"];
            const more = { access: "additive", internalPackages: ["acme-core"] };
            const parsed = mirrorWith({ existing: "adopt", existingRules, allow }, more);
            assert.equal(parsed?.existing, "adopt");
            assert.deepEqual(
                downloadRules(parsed, ["acme-core", "acme-*"]).map(({ id, exists }) => [id, exists]),
                [
                    ["block-others", true],
                    ["package-constructor", false],
                    ["block-core", true],
                ],
            );
        });

        it("needs access, because authoritative access removes their other readers", () => {
            for (const existing of ["use", "adopt"]) {
                assert.deepEqual(withExisting({ existing }, {}), [
                    "python-registry:access: is not set. Allowed with mirror.existing: authoritative (the stack removes all other members of the roles that it grants; the preview lists them), additive (the stack only adds its own members).",
                ]);
            }
        });

        it("leaves what the owner manages to the owner", () => {
            const passwordSecret = "projects/p-acme/secrets/s/versions/1";
            const login = { upstream: "https://pypi.acme.example", username: "mirror", passwordSecret };
            const managed =
                "cannot be set with existing: use, because the owner manages the resource. Allowed: remove it, or set existing: adopt.";
            assert.deepEqual(withExisting({ existing: "use", ...login, allow: ["requests"] }), [
                `python-registry:mirror.username: ${managed}`,
                `python-registry:mirror.passwordSecret: ${managed}`,
                `python-registry:mirror.allow: ${managed}`,
            ]);
            assert.deepEqual(withExisting({ existing: "adopt", ...login, allow: ["requests"] }), []);
        });

        it("has rules only for packages that have one", () => {
            assert.deepEqual(
                withExisting({
                    existing: "use",
                    existingRules: { "acme-core": "a", acme_core: "b", "*": "c", requests: "d", "x-*": "e" },
                }),
                [
                    'python-registry:mirror.existingRules["x-*"]: "x-*" is not valid. Allowed: exact names of packages, and "*" for the rule of the whole repository.',
                    'python-registry:mirror.existingRules["*"]: is not a rule of this mirror. Allowed: only with mirror.allow.',
                    "python-registry:mirror.existingRules.requests: is not a package with a rule of this mirror. Allowed: names in internalPackages and mirror.allow.",
                    "python-registry:mirror.existingRules.acme_core: is listed twice. Allowed: each package once.",
                ],
            );
            assert.deepEqual(withExisting({ existing: "adopt", existingRules: { "acme-core": "a/b" } }), [
                'python-registry:mirror.existingRules.acme-core: "a/b" is not valid. Allowed: the id of a rule, which this command prints: gcloud artifacts rules list --repository=REPOSITORY.',
            ]);
            assert.deepEqual(withExisting({ existingRules: { "acme-core": "a" } }, {}), [
                "python-registry:mirror.existingRules: has no effect. Allowed: only with mirror.existing.",
            ]);
        });
    });

    it("has ids of its own, which fit", () => {
        const repository = "r".repeat(60);
        assert.deepEqual(mistakes({ publicPackages: "mirror", repository }), [
            "python-registry:mirror.repository: is not set, and the id of the repository with -public is too long. Allowed: an id of at most 63 characters.",
            "python-registry:mirror.virtualRepository: is not set, and the id of the repository with -all is too long. Allowed: an id of at most 63 characters.",
        ]);
        assert.deepEqual(
            mistakes({ publicPackages: "mirror", mirror: { repository: "same", virtualRepository: "same" } }),
            [
                'python-registry:mirror.virtualRepository: "same" is the id of another repository of this registry. Allowed: three different ids.',
            ],
        );
        for (const id of ["python", "python-public", "python-all"]) {
            for (const upstream of [
                `projects/acme-tools/locations/europe-west1/repositories/${id}`,
                `https://europe-west1-python.pkg.dev/acme-tools/${id}`,
                `https://europe-west1-python.pkg.dev/acme-tools/${id}/simple/`,
            ]) {
                assert.deepEqual(mistakes({ publicPackages: "mirror", mirror: { upstream } }), [
                    `python-registry:mirror.upstream: ${JSON.stringify(upstream)} is a repository of this registry itself. Allowed: another repository.`,
                ]);
            }
        }
        const upstream = "https://europe-west1-python.pkg.dev/acme-tools/python-shared/simple/";
        assert.equal(mirrorWith({ upstream })?.upstream, upstream);
    });
});
