import { strict as assert } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Analyzer } from "@pulumi/pulumi/provider/experimental/analyzer";
import { generateSchema } from "@pulumi/pulumi/provider/experimental/schema";
import ts from "typescript";

// What the SDK's analyzer makes of the components' types: the schema from which SDKs for other languages are generated.

const directory = join(__dirname, "component-schema");
const committed = join(directory, "schema.json");
const components = ["Registry", "RepositoryAccess", "ServiceAccount"];

describe("the components", () => {
    const manifest = { name: "python-registry", main: "../../../packages/registry/src/index.ts" };
    let analyzer: Analyzer;
    before(() => {
        analyzer = new Analyzer(directory, manifest.name, manifest, new Set(components));
    });

    it("have the schema that is committed", () => {
        const found = analyzer.analyze();
        const schema = generateSchema(
            manifest.name,
            "0.0.0",
            "",
            found.components,
            found.typeDefinitions,
            // The Google provider, in the version that package.json says.
            [],
        );
        const text = `${JSON.stringify(schema, null, 4).replace(/\/gcp\/v[\d.]+\//g, "/gcp/VERSION/")}\n`;
        if (process.env["WRITE_DOCS"] !== undefined) writeFileSync(committed, text);
        assert.equal(text, readFileSync(committed, "utf8"), "npm run docs updates it");
    });

    it("compile with the libraries of ES2020, for which the SDK compiles them for other languages", () => {
        const { program } = analyzer as unknown as { program: ts.Program };
        const found = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
            return `${file?.fileName ?? ""}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
        });
        assert.deepEqual(found, []);
    });
});
