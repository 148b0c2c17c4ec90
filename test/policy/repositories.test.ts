import assert from "node:assert/strict";
import { messages, type Registration, unknown } from "./analyze";

// The rules on repositories themselves.

function repository(props: object = {}, more: Partial<Registration> = {}): Registration {
    return {
        type: "gcp:artifactregistry/repository:Repository",
        props: { repositoryId: "python", location: "europe-west1", deletionPolicy: "PREVENT", ...props },
        stack: "prod",
        opts: { protect: true },
        ...more,
    };
}

const unprotected = { deletionPolicy: "DELETE" };

describe("policy production-protection", () => {
    const findings = (props: object, more: Partial<Registration> = {}, parameters = {}) =>
        messages("production-protection", repository(props, more), parameters);

    it("refuses a repository for production without both protections, and names what is missing", async () => {
        assert.deepEqual(await findings({}), []);
        assert.deepEqual(await findings(unprotected, { opts: {} }), [
            'The repository python is for production, and can be deleted with all its packages. Set the resource option protect: true and the argument deletionPolicy: "PREVENT".',
        ]);
        assert.match(
            (await findings(unprotected)).join(),
            /\. Set the argument deletionPolicy: "PREVENT"\.$/,
        );
        assert.match(
            (await findings({}, { opts: {} })).join(),
            /\. Set the resource option protect: true\.$/,
        );
        assert.equal((await findings({ deletionPolicy: undefined })).length, 1);
        assert.equal((await findings({ deletionPolicy: "ABANDON" })).length, 1);
    });

    it("accepts one of them where the parameter requires one", async () => {
        assert.deepEqual(await findings(unprotected, {}, { require: ["protect"] }), []);
        assert.deepEqual(await findings({}, { opts: {} }, { require: ["deletionPolicy"] }), []);
        assert.equal((await findings({}, { opts: {} }, { require: ["protect"] })).length, 1);
    });

    it("recognizes production by the stack's name or a label", async () => {
        const at = (stack: string, labels: object = {}, parameters = {}) =>
            findings({ ...unprotected, labels }, { stack }, parameters);
        assert.deepEqual(await at("dev"), []);
        assert.deepEqual(await at("dev", { environment: "staging" }), []);
        assert.equal((await at("europe", { environment: "prod" })).length, 1);
        assert.equal((await at("acme-production")).length, 1);
        assert.deepEqual(await at("nonprod", { environment: "non-prod" }), []);
        assert.equal((await at("europe", { tier: "live" }, { production: "^live$" })).length, 1);
        assert.deepEqual(await at("prod", {}, { production: "^live$" }), []);
    });

    it("accepts other resources", async () => {
        const bucket = repository(unprotected, { type: "gcp:storage/bucket:Bucket" });
        assert.deepEqual(await messages("production-protection", bucket), []);
    });

    it("says in a preview that it needs the labels, unless the stack's name decides", async () => {
        const notKnown = /can't be known/;
        assert.match((await findings({ ...unprotected, labels: unknown }, { stack: "eu" })).join(), notKnown);
        assert.match(
            (await findings({ ...unprotected, labels: { a: unknown } }, { stack: "eu" })).join(),
            notKnown,
        );
        assert.match(
            (await findings({ ...unprotected, labels: unknown, repositoryId: unknown })).join(),
            /^The repository is/,
        );
    });
});

describe("policy mirror-rules", () => {
    const mirror = (props: object = {}, more: Partial<Registration> = {}) =>
        repository({ repositoryId: "pypi", format: "PYTHON", mode: "REMOTE_REPOSITORY", ...props }, more);
    const rule = (props: object = {}, more: Partial<Registration> = {}): Registration => ({
        type: "gcp:artifactregistry/rule:Rule",
        props: {
            repositoryId: "pypi",
            location: "europe-west1",
            action: "DENY",
            packageId: "acme-core",
            ...props,
        },
        ...more,
    });
    const findings = (resources: Registration[], parameters = {}) =>
        messages("mirror-rules", resources, parameters);

    it("refuses a mirror of Python packages without a rule that denies some", async () => {
        assert.match(
            (await findings([mirror()])).join(),
            /^The repository pypi passes on every package of its upstream, .* exceptRepositories of mirror-rules\.$/,
        );
        assert.deepEqual(await findings([mirror(), rule()]), []);
        assert.deepEqual(await findings([mirror(), rule({ packageId: undefined })]), []);
    });

    it("accepts neither a rule that allows nor one of another repository", async () => {
        for (const props of [
            { action: "ALLOW" },
            { repositoryId: "other" },
            { location: "us" },
            { action: unknown },
        ]) {
            assert.equal((await findings([mirror(), rule(props)])).length, 1, JSON.stringify(props));
        }
    });

    it("knows a rule of a repository whose id a preview does not know", async () => {
        const id = { repositoryId: unknown };
        assert.match((await findings([mirror(id)])).join(), /^The repository passes on/);
        const named = mirror(id, { name: "mirror" });
        const depending = rule(id, { propertyDependencies: { repositoryId: ["mirror"] } });
        assert.deepEqual(await findings([named, depending]), []);
    });

    it("accepts other repositories, and those of the parameter", async () => {
        assert.deepEqual(await findings([repository(), mirror({ format: "DOCKER" })]), []);
        assert.deepEqual(await findings([mirror()], { exceptRepositories: ["pypi"] }), []);
        assert.equal((await findings([mirror()], { exceptRepositories: ["python"] })).length, 1);
    });
});

describe("policy allowed-locations", () => {
    const findings = (props: object, locations: readonly string[], provider?: object) =>
        messages("allowed-locations", repository(props, provider ? { provider: { ...provider } } : {}), {
            locations,
        });

    it("refuses other locations, if it has a list", async () => {
        assert.deepEqual(await findings({}, []), []);
        assert.deepEqual(await findings({}, ["europe", "europe-west1"]), []);
        assert.deepEqual(await findings({ location: "Europe-West1" }, ["europe-west1"]), []);
        assert.deepEqual(await findings({ location: "us" }, ["europe", "europe-west1"]), [
            "The repository python is in us. Allowed: europe, europe-west1. Create it there; a repository cannot move.",
        ]);
        assert.deepEqual(
            await messages(
                "allowed-locations",
                repository({ location: "us" }, { type: "gcp:storage/bucket:Bucket" }),
                {
                    locations: ["europe"],
                },
            ),
            [],
        );
    });

    it("reads the region of the provider for a repository without a location", async () => {
        assert.deepEqual(await findings({ location: undefined }, ["us"], { region: "us" }), []);
        assert.equal((await findings({ location: undefined }, ["us"], { region: "asia" })).length, 1);
        assert.match((await findings({ location: undefined }, ["us"])).join(), /in no location that is set/);
        assert.match((await findings({ location: unknown }, ["us"])).join(), /can't be known/);
    });
});

describe("policy required-labels", () => {
    const findings = (labels: unknown, required: readonly string[], provider?: object) =>
        messages("required-labels", repository({ labels }, provider ? { provider: { ...provider } } : {}), {
            labels: required,
        });

    it("refuses a repository without one of the labels", async () => {
        assert.deepEqual(await findings({}, []), []);
        assert.deepEqual(await findings({ team: "a", stage: "b" }, ["team"]), []);
        assert.deepEqual(await findings({ team: "a" }, ["team", "stage"]), [
            "The repository python does not have the label stage. Add it to labels.",
        ]);
        assert.deepEqual(await findings(undefined, ["team", "stage"]), [
            "The repository python does not have the labels team, stage. Add them to labels.",
        ]);
        const bucket = repository({}, { type: "gcp:storage/bucket:Bucket" });
        assert.deepEqual(await messages("required-labels", bucket, { labels: ["team"] }), []);
    });

    it("counts the labels that the provider adds", async () => {
        for (const defaultLabels of [{ team: "a" }, '{"team":"a"}']) {
            assert.deepEqual(await findings({}, ["team"], { defaultLabels }), []);
            assert.equal((await findings({}, ["stage"], { defaultLabels })).length, 1);
        }
    });

    it("needs no value that a preview does not know", async () => {
        assert.deepEqual(await findings({ team: unknown }, ["team"]), []);
        assert.match((await findings(unknown, ["team"])).join(), /can't be known/);
    });
});
