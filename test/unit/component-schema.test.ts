import { strict as assert } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Analyzer } from "@pulumi/pulumi/provider/experimental/analyzer";
import { registrySchemas } from "../../packages/registry/src/components/parse-registry";
import { getSystem, workloadTypes } from "../../packages/registry/src/systems/systems";
import { generateSchema } from "@pulumi/pulumi/provider/experimental/schema";

// What the SDK's analyzer makes of the components' types: the schema from which SDKs for other languages are generated.

const directory = join(__dirname, "component-schema");
const folder = join(__dirname, "..", "..", "packages", "registry");
const committed = join(folder, "schema.json");
const components = ["Registry"];

const { version, description } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Readonly<
    Record<"version" | "description", string>
>;

interface Schema {
    readonly resources: Readonly<Record<string, Component>>;
    readonly types: Readonly<Record<string, { readonly properties?: Properties }>>;
}
interface Component {
    readonly properties: Properties;
    readonly inputProperties: Properties;
}
type Properties = Record<string, { readonly description?: string; secret?: boolean }>;

describe("the component", () => {
    const manifest = { name: "python-registry", main: "../../../packages/registry/src/index.ts" };
    let analyzer: Analyzer;
    before(() => {
        analyzer = new Analyzer(directory, manifest.name, manifest, new Set(components));
    });

    it("has the schema that is committed", () => {
        const found = analyzer.analyze();
        const schema = generateSchema(
            manifest.name,
            version,
            description,
            found.components,
            found.typeDefinitions,
            found.dependencies,
        );
        // The analyzer cannot see which outputs are secret.
        const registry = (schema as unknown as Schema).resources["python-registry:index:Registry"];
        assert.ok(registry?.properties["credentials"]);
        registry.properties["credentials"].secret = true;
        const text = `${JSON.stringify(schema, null, 4)}\n`;
        if (process.env["WRITE_DOCS"] !== undefined) writeFileSync(committed, text);
        assert.equal(text, readFileSync(committed, "utf8"), "npm run docs updates it");
    });

    it("has every argument that it accepts, and the keys of every type of workload, and no others", () => {
        const { types, resources } = JSON.parse(readFileSync(committed, "utf8")) as Schema;
        assert.deepEqual(
            Object.keys(resources["python-registry:index:Registry"]?.inputProperties ?? {}).sort(),
            Object.keys(registrySchemas).sort(),
        );
        const documented = Object.keys(types["python-registry:index:WorkloadConfig"]?.properties ?? {});
        const keys = workloadTypes.flatMap((type) => Object.keys(getSystem(type).keys));
        assert.deepEqual(documented.sort(), [...new Set(["type", ...keys])].sort());
    });

    it("documents every property, and has nothing internal", () => {
        const schema = JSON.parse(readFileSync(committed, "utf8")) as Schema;
        assert.deepEqual(Object.keys(schema.resources), ["python-registry:index:Registry"]);
        const types = [
            ...Object.values(schema.types).map(({ properties = {} }) => properties),
            ...Object.values(schema.resources).flatMap(({ properties, inputProperties }) => [
                properties,
                inputProperties,
            ]),
        ];
        for (const properties of types) {
            for (const [name, { description = "" }] of Object.entries(properties)) {
                assert.match(description, /^.{10,}[.`]$/s, name);
                assert.notEqual(name, "createdBy");
            }
        }
    });
});
