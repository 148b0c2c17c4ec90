import assert from "node:assert/strict";
import { parseCel, type CelInput, type CelVariable } from "../../packages/sandbox/src/google/cel";

// Attribute mappings and conditions, as Google evaluates them.

const assertion = {
    sub: "repo/sc/connection",
    repository_id: "12",
    iat: 5,
    ref_protected: "true",
    groups: ["admins", "developers"],
    nothing: null,
    "oidc.circleci.com/project-id": "project",
    pull: { request: true },
};
const all: CelVariable[] = ["assertion", "google", "attribute"];
const variables = { assertion, google: { subject: "subject" }, attribute: { repository: "12" } };

describe("an expression of an attribute mapping or condition", () => {
    const values: [string, CelInput | bigint][] = [
        ["assertion.repository_id == '12'", true],
        ["assertion.repository_id == 12", false],
        ["assertion.iat == 5", true],
        ['"github:" + assertion.repository_id', "github:12"],
        ["assertion.repository_id in ['11', '12']", true],
        ["'admins' in assertion.groups", true],
        ["'sub' in assertion", true],
        ["has(assertion.environment) ? assertion.environment : ''", ""],
        ["has(assertion.sub) ? 'yes' : 'no'", "yes"],
        ["has(assertion.constructor)", false],
        ["assertion['oidc.circleci.com/project-id']", "project"],
        ["assertion.sub.split('/sc/')[1]", "connection"],
        ["assertion.sub.extract('repo/{part}/connection')", "sc"],
        ["assertion.sub.extract('repo/{part}')", "sc/connection"],
        ["assertion.sub.extract('fork/{part}/')", ""],
        ["assertion.sub.extract('/sc/{part}/')", ""],
        ["assertion.sub.startsWith('repo/')", true],
        ["assertion.sub.matches('^repo/.*n$')", true],
        ["assertion.sub.lowerAscii().contains('sc') && !(assertion.ref_protected != 'true')", true],
        ["assertion.pull.request && assertion.nothing == null", true],
        ["assertion.groups.exists(group, group.startsWith('dev'))", true],
        ["assertion.groups.filter(group, group != 'admins')", ["developers"]],
        ["type(assertion.sub) == string", true],
        ["size(assertion.groups)", 2n],
        ["google.subject + attribute.repository", "subject12"],
        ["google.protobuf.Timestamp == type(timestamp('2026-01-01T00:00:00Z'))", true],
        ["{'a': assertion.sub}.a", "repo/sc/connection"],
        // An error is no error where the other operand decides.
        ["assertion.missing == 'x' || true", true],
        ["false && assertion.missing == 'x'", false],
    ];
    for (const [source, value] of values) {
        it(`has a value: ${source}`, () => {
            assert.deepEqual(parseCel(source, all).evaluate(variables), value);
        });
    }

    it("gives a map as a Map", () => {
        assert.deepEqual(parseCel("{'a': ['b']}", []).evaluate({}), new Map([["a", ["b"]]]));
    });

    for (const source of [
        "assertion.missing",
        "assertion.sub.split('/nowhere/')[1]",
        "'id' + assertion.iat",
        "assertion.missing == 'x' && true",
        "assertion.missing.deeper == 'x' ? 'a' : 'b'",
    ]) {
        it(`has no value: ${source}`, () => {
            const expression = parseCel(source, all);
            assert.throws(() => expression.evaluate(variables), Error);
        });
    }

    const invalid: [string, RegExp][] = [
        ["", /found end of input/],
        ["assertion.", /1:10/],
        ["assertion.sub = 'x'", /1:15/],
        ["repository == 'x'", /undeclared reference to 'repository'/],
        ["assertion.groups.exists(group, other == 'x')", /undeclared reference to 'other'/],
        ["equals(assertion.sub, 'x')", /undeclared reference to 'equals'/],
        ["assertion.sub.startsWith('a', 'b')", /undeclared reference to 'startsWith'/],
        ["has(assertion['sub'])", /undeclared reference to 'has'/],
        ["[assertion.sub, {'k': nothing}]", /undeclared reference to 'nothing'/],
    ];
    for (const [source, message] of invalid) {
        it(`is refused: ${source}`, () => {
            assert.throws(() => parseCel(source, all), message);
        });
    }

    it("may name only the given variables", () => {
        assert.throws(() => parseCel("google.subject", ["assertion"]), /undeclared reference to 'google'/);
    });

    it("says which fields it reads", () => {
        const read = (source: string) =>
            [...parseCel(source, all).fields].map(([variable, fields]) => [variable, ...fields]);
        assert.deepEqual(read("true"), []);
        assert.deepEqual(read("'assertion.sub' == google.subject"), [["google", "subject"]]);
        assert.deepEqual(
            read("assertion['a/b'] == 'x' || 'c' in assertion || has(assertion.d) || assertion.e.f"),
            [["assertion", "a/b", "c", "d", "e"]],
        );
    });
});
