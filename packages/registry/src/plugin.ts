import * as pulumi from "@pulumi/pulumi";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Registry } from "./components/registry";
import type { RegistryArgs } from "./components/registry-args";

/** What the plugin reads of the schema, whose other parts are for the languages. */
interface Schema {
    readonly name: string;
    readonly version: string;
    readonly resources: Readonly<Record<string, { readonly properties: Readonly<Record<string, unknown>> }>>;
}

/**
 * Serves the component `Registry` to programs in other languages.
 *
 * @see https://www.pulumi.com/docs/iac/using-pulumi/extending-pulumi/build-a-component/
 */
class RegistryProvider implements pulumi.provider.Provider {
    readonly #text = readFileSync(join(__dirname, "..", "schema.json"), "utf8");
    readonly #schema = JSON.parse(this.#text) as Schema;
    readonly name = this.#schema.name;
    readonly version = this.#schema.version;

    getSchema(): Promise<string> {
        return Promise.resolve(this.#text);
    }

    construct(
        name: string,
        type: string,
        inputs: pulumi.Inputs,
        options: pulumi.ComponentResourceOptions,
    ): Promise<pulumi.provider.ConstructResult> {
        const resource = this.#schema.resources[type];
        if (resource === undefined) throw new Error(`${this.name} has no component ${type}`);
        const registry = new Registry(name, inputs as RegistryArgs, options);
        return Promise.resolve({
            urn: registry.urn,
            state: Object.fromEntries(Object.entries(registry).filter(([key]) => key in resource.properties)),
        });
    }
}

/** Starts the plugin; Pulumi passes the address of its engine. */
export function serve(): Promise<void> {
    return pulumi.provider.main(new RegistryProvider(), process.argv.slice(2));
}
