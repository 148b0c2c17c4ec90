import assert from "node:assert/strict";
import type { EngineOutput } from "../../packages/sandbox/src/engines/engine";
import { runProgram } from "../../packages/sandbox/src/engines/in-process-engine";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { startSandbox } from "../../packages/sandbox/src/sandbox";

// The length of the outputs that the CLI prints on the first preview and on every update. The tests with the real engine
// count the lines that it really prints.

const cut = { lines: 3, characters: 150 };

/** A value as the CLI prints it: a shortened line for each text, and brackets around lists and maps. */
function printed(value: unknown, indent = ""): string {
    if (typeof value === "string") {
        const lines = value.split("\n");
        const shown = lines.slice(0, cut.lines).map((line) => line.slice(0, cut.characters));
        return JSON.stringify(shown.join("\n") + (lines.length > cut.lines ? "\n..." : ""));
    }
    if (typeof value !== "object" || value === null) return String(value);
    const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
    const parts = Object.entries(value as Record<string, unknown>);
    if (parts.length === 0) return `${open}${close}`;
    const inner = `${indent}    `;
    const width = Math.max(...parts.map(([name]) => name.length));
    const lines = parts.map(([name, part]) => `${inner}${name.padEnd(width)}: ${printed(part, inner)}`);
    return [open, ...lines, `${indent}${close}`].join("\n");
}

function outputsText(outputs: Readonly<Record<string, EngineOutput>>): string {
    const shown = Object.entries(outputs).map(([name, { value, secret }]) => [
        name,
        secret ? "[secret]" : value,
    ]);
    return printed(Object.fromEntries(shown));
}

describe("what the outputs print", () => {
    it("is under 60 lines for the least configuration, and little more with accounts and names", async () => {
        await using sandbox = await startSandbox({ project: "sandbox-project" });
        const preview = async (own: Readonly<Record<string, unknown>>) => {
            const config = {
                "gcp:project": "sandbox-project",
                ...sandbox.providerConfig,
                ...stackConfig({ location: "europe-west1", ...own }),
            };
            const { outputs } = await runProgram({ stack: "test", config }, { preview: true });
            return outputsText(outputs);
        };
        const least = await preview({});
        assert.ok(least.split("\n").length < 60, least);
        assert.ok(Buffer.byteLength(least) < 5000, least);

        const more = await preview({
            readers: ["group:a@example.com", "group:b@example.com"],
            internalPackages: ["acme-core", "acme-*"],
            serviceAccounts: {
                "python-publisher": { access: "writer" },
                "python-installer": { access: "reader" },
            },
        });
        // A principal is a line, an account is five in serviceAccounts and one in access, and lists have brackets.
        assert.ok(more.split("\n").length - least.split("\n").length <= 2 + 6 + 3 + 4, more);
    });
});
