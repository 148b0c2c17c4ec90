import { strict as assert } from "node:assert";
import fc from "fast-check";
import * as ini from "ini";
import type { PythonIndex } from "../../packages/registry/src/clients/client";
import type { Credential } from "../../packages/registry/src/clients/credential";
import { renderIni } from "../../packages/registry/src/clients/ini";
import { pipClient } from "../../packages/registry/src/clients/pip";
import { twineClient } from "../../packages/registry/src/clients/twine";
import { repositoryUrls } from "../../packages/registry/src/names/urls";
import * as any from "./arbitraries";
import { needsPython, readIni, type Sections } from "./python";

// pip and twine read their files with Python's RawConfigParser, and the files are written for it. A Node program, in CI
// for example, reads INI with the npm package ini, which has other rules. These tests say which of our files both read
// alike, and what exactly ini makes of the others.

/** What ini reads, as plain objects. */
function parsed(text: string): unknown {
    return JSON.parse(JSON.stringify(ini.parse(text)));
}

const index = fc
    .record({
        project: any.project,
        location: any.location,
        repository: any.repository,
        keyring: any.keyring,
        publicPackages: any.publicPackages,
    })
    .map(({ keyring, publicPackages, ...coordinates }): PythonIndex => ({
        name: coordinates.repository,
        ...repositoryUrls(coordinates),
        keyring,
        publicPackages,
        internalPackages: [],
    }));
const token = fc.stringMatching(/^[\w.~+/=-]{20,120}$/);
/** Every form in which pip.conf and .pypirc are made, with whatever credential. */
const forms: Record<string, fc.Arbitrary<Credential>> = {
    keyring: fc.constant({ form: "keyring" }),
    "token without the token": fc.constant({ form: "token" }),
    token: token.map((each) => ({ form: "token", token: each })),
    // Depending on the length, base64 ends with no =, with one or with two.
    key: any.keyBytes.map((bytes) => ({ form: "key", keyBase64: bytes.toString("base64") })),
};

/** Two hundred of a tool's files in one form, each with what Python reads from it. */
function samples(
    textOf: (index: PythonIndex, credential: Credential) => string,
    form: fc.Arbitrary<Credential>,
): { text: string; python: Sections; name: string }[] {
    const cases = fc.sample(fc.tuple(index, form), 200);
    const texts = cases.map(([each, credential]) => textOf(each, credential));
    const read = readIni(texts);
    return cases.map(([{ name }], at) => ({ text: texts[at]!, python: read[at]!, name }));
}
const pipConf = (each: PythonIndex, credential: Credential) => pipClient(each, credential).install[0]!.text;
const pypirc = (each: PythonIndex, credential: Credential) => twineClient(each, credential).publish[0]!.text;

describe("the npm package ini", () => {
    before(needsPython);

    describe("reads pip.conf as Python does, whatever the keyring provider:", () => {
        for (const [form, credential] of Object.entries(forms)) {
            it(form, () => {
                for (const { text, python } of samples(pipConf, credential)) {
                    // One line a value, set off with =, and none of = ; # in a value: in a URL they are percent-encoded.
                    assert.deepEqual(parsed(text), python, text);
                }
            });
        }
    });

    describe("reads .pypirc with its sections, but not its keys and values:", () => {
        for (const [form, credential] of Object.entries(forms)) {
            it(form, () => {
                for (const { text, python, name } of samples(pypirc, credential)) {
                    assert.deepEqual(python["distutils"], { "index-servers": `\n${name}` });
                    const lines = Object.entries(python[name]!).map(([key, value]) => `${key}: ${value}`);
                    assert.deepEqual(
                        parsed(text),
                        {
                            // It does not support continued values: the name of the list is a key of its own.
                            distutils: { "index-servers": "", [name]: true },
                            // It does not support the colon: a whole line is a key, up to a = in the password.
                            [name]: Object.fromEntries(
                                lines.map((line) => {
                                    const [key = "", ...rest] = line.split("=");
                                    return [key.trim(), rest.length === 0 ? true : rest.join("=")];
                                }),
                            ),
                        },
                        text,
                    );
                }
            });
        }
    });

    it("reads .pypirc with a padded key like this", () => {
        const urls = repositoryUrls({ project: "acme-tools", location: "us", repository: "python" });
        const given: PythonIndex = {
            name: "python",
            ...urls,
            keyring: "auto",
            publicPackages: "pypi",
            internalPackages: [],
        };
        assert.deepEqual(parsed(pypirc(given, { form: "key", keyBase64: "e30K+w==" })), {
            distutils: { "index-servers": "", python: true },
            python: {
                "repository: https://us-python.pkg.dev/acme-tools/python/": true,
                "username: _json_key_base64": true,
                // The password is in the key, and one = of its padding is lost.
                "password: e30K+w": "=",
            },
        });
    });

    // The renderer accepts these values and Python reads them unchanged. No generated pip.conf has such a value.
    for (const [what, section, value, read] of [
        ["takes a semicolon for the start of a comment", "s", "a;b", { s: { key: "a" } }],
        ["takes a number sign for the start of a comment", "s", "a#b", { s: { key: "a" } }],
        ["takes quotes off", "s", '"a"', { s: { key: "a" } }],
        ["takes a backslash off in front of a semicolon", "s", "a\\;b", { s: { key: "a;b" } }],
        ["makes true a boolean", "s", "true", { s: { key: true } }],
        ["makes null nothing", "s", "null", { s: { key: null } }],
        ["nests a section with a dot in its name", "a.b", "c", { a: { b: { key: "c" } } }],
    ] as const) {
        it(`${what}, which Python does not`, () => {
            const text = renderIni([{ name: section, entries: [["key", value]] }], " = ");
            assert.deepEqual(readIni([text]), [{ [section]: { key: value } }]);
            assert.deepEqual(parsed(text), read);
        });
    }

    it("keeps a = in a value that is set off with =, as Python does", () => {
        const text = renderIni([{ name: "s", entries: [["key", "a=b=="]] }], " = ");
        assert.deepEqual(readIni([text]), [{ s: { key: "a=b==" } }]);
        assert.deepEqual(parsed(text), { s: { key: "a=b==" } });
    });

    describe("does not write what Python should read, so that packages/registry/src/clients/ini.ts writes the files:", () => {
        for (const [what, value, python] of [
            ["quotes around a value with =", "e30K+w==", { s: { key: '"e30K+w=="' } }],
            ["a backslash in front of a semicolon", "a;b", { s: { key: "a\\;b" } }],
            ["a key for each line of a list", ["a"], { s: { "key[]": "a" } }],
            ["the same key twice for a longer list", ["a", "b"], { error: "DuplicateOptionError" }],
        ] as const) {
            it(what, () => {
                const written = ini.stringify({ s: { key: value } }, { platform: "linux" });
                assert.deepEqual(readIni([written]), [python]);
                const ours = renderIni([{ name: "s", entries: [["key", value]] }], " = ");
                const meant = typeof value === "string" ? value : value.map((line) => `\n${line}`).join("");
                assert.deepEqual(readIni([ours]), [{ s: { key: meant } }]);
            });
        }
    });
});
