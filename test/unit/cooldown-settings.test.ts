import assert from "node:assert/strict";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { parseSettings } from "../../src/settings";

const place = { "gcp:project": "acme-tools", location: "europe-west1" };

function mistakes(values: Record<string, unknown>): readonly string[] {
    const parsed = parseSettings(stackConfig({ ...place, ...values }));
    return "mistakes" in parsed ? parsed.mistakes : [];
}

describe("settings: cooldown", () => {
    it("is a number of days, with PyPI, and none by default", () => {
        for (const [cooldown, expected] of [
            [{ days: 1 }, { days: 1 }],
            [{ days: 365 }, { days: 365 }],
            // The default in Pulumi.yaml
            [{}, undefined],
            [undefined, undefined],
        ]) {
            for (const publicPackages of ["pypi", undefined]) {
                const parsed = parseSettings(stackConfig({ ...place, cooldown, publicPackages }));
                assert.ok("settings" in parsed, JSON.stringify(parsed));
                assert.deepEqual(parsed.settings.cooldown, expected);
            }
        }
    });

    const days = "Allowed: a whole number of days, 1 to 365.";
    const map = "Allowed: {days: N}, with a whole number of days, 1 to 365.";
    for (const [cooldown, ...expected] of [
        [{ days: "7" }, `.days: "7" is a string, not a number. ${days} Did you mean 7?`],
        [{ days: "P7D" }, `.days: "P7D" is a string, not a number. ${days} Did you mean 7?`],
        [{ days: "7 days" }, `.days: "7 days" is a string, not a number. ${days} Did you mean 7?`],
        [{ days: "2 weeks" }, `.days: "2 weeks" is a string, not a number. ${days} Did you mean 14?`],
        [{ days: "P1M" }, `.days: "P1M" is a string, not a number. ${days}`],
        [{ days: "999" }, `.days: "999" is a string, not a number. ${days}`],
        [{ days: 0 }, `.days: 0 is not valid. ${days} For no cooldown, remove the whole setting.`],
        [{ days: -1 }, `.days: -1 is not valid. ${days}`],
        [{ days: 7.5 }, `.days: 7.5 is not valid. ${days}`],
        [{ days: 366 }, `.days: 366 is not valid. ${days}`],
        [{ days: null }, `.days: null is an empty value, not a number. ${days}`],
        [
            { day: 7 },
            '.day: "day" is an unknown key of cooldown (its value: 7). Allowed: days. Did you mean "days"?',
            `.days: is not set. ${days}`,
        ],
        [
            { days: 7, hours: 12 },
            '.hours: "hours" is an unknown key of cooldown (its value: 12). Allowed: days.',
        ],
        [7, `: 7 is a number, not a map. ${map} Did you mean {"days":7}?`],
        ["7", `: 7 is a number, not a map. ${map} Did you mean {"days":7}?`],
        ["P7D", `: "P7D" is a string, not a map. ${map} Did you mean {"days":7}?`],
        ["soon", `: "soon" is a string, not a map. ${map}`],
        [0, `: 0 is a number, not a map. ${map}`],
        [true, `: true is a boolean, not a map. ${map}`],
        [[{ days: 7 }], `: [{"days":7}] is a list, not a map. ${map}`],
    ] as const) {
        it(`refuses ${JSON.stringify(cooldown)}`, () => {
            assert.deepEqual(
                mistakes({ cooldown }),
                expected.map((message) => `python-registry:cooldown${message}`),
            );
        });
    }

    it("is refused where it does not work, with the reason, together with all other mistakes", () => {
        assert.deepEqual(mistakes({ cooldown: { days: 0 }, publicPackages: "mirror" }), [
            `python-registry:cooldown.days: 0 is not valid. ${days} For no cooldown, remove the whole setting.`,
            "python-registry:cooldown: cannot be set with publicPackages: mirror, because the registry does not say when a public package was uploaded: uv and PDM would refuse all of them, and Poetry and Pipenv would take all of them. Allowed: only with publicPackages: pypi.",
        ]);
        assert.deepEqual(mistakes({ cooldown: { days: 7 }, publicPackages: "none" }), [
            "python-registry:cooldown: has no effect with publicPackages: none, because no public package comes in. Allowed: only with publicPackages: pypi.",
        ]);
    });
});
