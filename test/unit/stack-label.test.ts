import { strict as assert } from "node:assert";
import fc from "fast-check";
import { stackDescription, stackLabelValue } from "../../packages/registry/src/names/stack-label";

const part = fc.stringMatching(/^[A-Za-z0-9._-]{1,100}$/);
const stackName = fc.record({ organization: part, project: part, stack: part });

describe("what a stack writes on the resources that it creates", () => {
    it("is its name, where a label can hold it", () => {
        const name = { organization: "acme", project: "python-registry", stack: "prod" };
        assert.equal(stackLabelValue(name), "acme_python-registry_prod");
        assert.equal(stackDescription(name), "Created by Pulumi stack acme/python-registry/prod");
    });

    it("ends in a hash, where the name had to be changed", () => {
        const name = { organization: "Acme", project: "python_registry", stack: "prod.eu" };
        assert.match(stackLabelValue(name), /^-cme_python_registry_prod-eu-[0-9a-f]{10}$/);
    });

    it("fits, whatever the name", () => {
        fc.assert(
            fc.property(stackName, (name) => {
                assert.match(stackLabelValue(name), /^[a-z0-9_-]{1,63}$/);
                assert.ok(Buffer.byteLength(stackDescription(name)) <= 256);
            }),
        );
    });

    it("tells two stacks apart", () => {
        fc.assert(
            fc.property(stackName, stackName, (one, other) => {
                fc.pre(JSON.stringify(one) !== JSON.stringify(other));
                assert.notEqual(stackLabelValue(one), stackLabelValue(other));
            }),
        );
        const [one, other] = ["a_b", "a"].map((organization) => ({
            organization,
            project: organization === "a" ? "b_c" : "c",
            stack: "d",
        }));
        assert.notEqual(stackLabelValue(one!), stackLabelValue(other!));
    });
});
