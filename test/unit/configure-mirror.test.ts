import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { thisSystem } from "../../packages/configure/src/machine/system";
import { namedRegistries } from "../../packages/configure/src/tools/named-registries";
import { warnIfUnrestricted } from "../../packages/configure/src/report";
import type { Plan } from "../../packages/configure/src/journal/journal";
import { PublicPackages } from "../../packages/registry/src/clients/client";
import { tools } from "../../packages/registry/src/clients/tools";
import { repositoryUrls } from "../../packages/registry/src/names/urls";
import { indexNamed } from "./client-samples";

// What `configure` says if the outputs name another repository in front of the registry.

const place = { project: "acme-tools", location: "europe-west1", repository: "python" };
const registry = "projects/acme-tools/locations/europe-west1/repositories/python";

/** What it says about pip.conf if the repository that tools ask changes; undefined is the registry itself. */
function warnings(from: string | undefined, to: string | undefined): string[] {
    const [before, after] = [from, to].map((indexRepository) => {
        const { indexUrl, uploadUrl } = repositoryUrls({ ...place, indexRepository });
        const publicPackages = indexRepository === undefined ? PublicPackages.none : PublicPackages.mirror;
        const index = { ...indexNamed("python"), indexUrl, uploadUrl, publicPackages };
        const { text } = tools.pip.client(index, { form: "keyring" }).install[0]!;
        return { owner: { registry, tool: "pip", scope: "user" }, format: "ini", text };
    });
    const printed: string[] = [];
    const { error } = console;
    console.error = (text: string) => printed.push(text);
    try {
        warnIfUnrestricted({ path: "pip.conf", previousEdits: [before], edits: [after] } as unknown as Plan);
    } finally {
        console.error = error;
    }
    return printed;
}

describe("configure: the repository in front of a registry", () => {
    it("is a warning if it changes: the author of the outputs chooses it", () => {
        for (const [from, to] of [
            ["python-all", "other"],
            [undefined, "other"],
        ] as const) {
            assert.match(
                warnings(from, to).join(),
                /pip with pip\.conf takes packages from projects\/acme-tools\/locations\/europe-west1\/repositories\/other\. .*check .*indexRepository in the outputs/,
            );
        }
        assert.deepEqual(warnings("python-all", "python-all"), []);
        assert.deepEqual(warnings("python-all", undefined), []);
    });

    it("is no other registry in a file that was made by hand", async () => {
        const home = await mkdtemp(join(tmpdir(), "python-registry-mirror-"));
        try {
            await mkdir(join(home, ".config", "pip"), { recursive: true });
            const { indexUrl, uploadUrl } = repositoryUrls({ ...place, indexRepository: "python-all" });
            const index = { ...indexNamed("python"), indexUrl, uploadUrl };
            const system = { ...thisSystem(), kind: "linux", environment: {}, home } as const;
            const named = async (address: string) => {
                await writeFile(
                    join(home, ".config", "pip", "pip.conf"),
                    `[global]\nindex-url = ${address}\n`,
                );
                return namedRegistries({
                    registry: {
                        name: registry,
                        from: "",
                        index,
                        accounts: {},
                        keyFiles: undefined,
                        principals: [],
                    },
                    tools: ["pip"],
                    scope: "user",
                    form: "keyring",
                    system,
                });
            };
            assert.deepEqual(await named(indexUrl), [registry]);
            assert.deepEqual(await named(indexUrl.replace("python-all", "other")), [
                registry.replace(/python$/, "other"),
            ]);
        } finally {
            await rm(home, { recursive: true });
        }
    });
});
