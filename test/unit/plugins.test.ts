import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

// Before each preview, Pulumi searches all folders below the program for packages that have a plugin, and downloads the plugins:
// https://github.com/pulumi/pulumi/blob/master/sdk/nodejs/cmd/pulumi-language-nodejs/main.go (GetRequiredPackages)

const root = join(__dirname, "..", "..");

interface Manifest {
    readonly name?: string;
    readonly pulumi?: { readonly resource?: boolean };
}

describe("the installed packages", () => {
    it("need the plugin of the Google provider, and no other", () => {
        const manifests = readdirSync(join(root, "node_modules"), { recursive: true, encoding: "utf8" })
            .filter((path) => path.endsWith("/package.json"))
            .map((path) => JSON.parse(readFileSync(join(root, "node_modules", path), "utf8")) as Manifest);
        assert.ok(manifests.length > 500);
        assert.deepEqual(
            manifests.filter(({ pulumi }) => pulumi?.resource).map(({ name }) => name),
            ["@pulumi/gcp"],
        );
    });
});
