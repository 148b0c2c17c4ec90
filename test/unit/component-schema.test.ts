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

describe("the components", function () {
    // Two programs are compiled.
    this.timeout(60_000);

    it("have the schema that is committed", () => {
        const manifest = { name: "python-registry", main: "../../../src/registry/index.ts" };
        const found = new Analyzer(directory, manifest.name, manifest, new Set(components)).analyze();
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
        assert.equal(text, readFileSync(committed, "utf8"), "npm run docs writes it anew");
    });

    it("compile where the SDK runs them for another language: for ES2020, and not strictly", () => {
        const { config } = ts.readConfigFile(join(directory, "tsconfig.json"), (path) =>
            ts.sys.readFile(path),
        ) as {
            config: unknown;
        };
        const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, directory);
        const program = ts.createProgram(fileNames, options);
        const found = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
            return `${file?.fileName ?? ""}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
        });
        assert.deepEqual(found, []);
    });
});
