import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LoggedRequest } from "../../packages/sandbox/src/sandbox";
import { type EngineStack, openForEachTest } from "./engine-stack";

// How many calls the real engine makes, compared with the tables in docs/many-stacks.md.

const page = readFileSync(join(__dirname, "..", "..", "docs", "many-stacks.md"), "utf8");

/** The rows of the table in a section of the page, without its header. */
function tableIn(heading: string): string[][] {
    const [, section = ""] = page.split(`\n## ${heading}\n`);
    return [...(section.split("\n## ")[0] ?? "").matchAll(/^\|(.*)\|$/gm)]
        .slice(2)
        .map(([, row = ""]) => row.split("|").map((cell) => cell.trim()));
}

/** What the quotas count, as the page names it. */
function getQuota({ method, path }: LoggedRequest): string {
    const kind = method === "GET" ? "read" : "write";
    if (path.startsWith("/serviceusage/")) return `Service Usage, ${kind}`;
    if (path.startsWith("/cloudresourcemanager/")) return `Resource Manager, ${kind}`;
    if (path.startsWith("/artifactregistry/")) return "Artifact Registry, all";
    if (path.includes("/workloadIdentityPools")) return `workload identity federation, ${kind}`;
    if (path.startsWith("/iam/")) return `IAM, ${kind}`;
    return path;
}

const release = { type: "gitlabCi", access: "writer", projectId: 7 };

describe("the calls of the real engine", () => {
    let stack: EngineStack;
    openForEachTest((opened) => (stack = opened));

    /** The calls of each operation, in the order of the page. */
    async function operations(settings: object): Promise<LoggedRequest[][]> {
        await stack.init({ ...settings });
        const calls: LoggedRequest[][] = [];
        const measure = async (operation: Promise<unknown>) => {
            const before = stack.sandbox.requests.length;
            await operation;
            calls.push(stack.sandbox.requests.slice(before));
        };
        await measure(stack.up());
        await measure(stack.pulumi("preview"));
        await measure(stack.pulumi("preview", "--refresh"));
        await measure(stack.up());
        await stack.configure({ ...settings, readers: ["group:developers@example.com"] });
        await measure(stack.up());
        return calls;
    }

    const counts = (column: number) => tableIn("Calls").map((row) => Number(row[column]));

    it("are as many as the page says for a repository and an account", async () => {
        const calls = await operations({});
        assert.deepEqual(
            calls.map(({ length }) => length),
            counts(1),
        );
    });

    it("are as many as the page says with a CI system, for each quota", async () => {
        const calls = await operations({ workloads: { release } });
        assert.deepEqual(
            calls.map(({ length }) => length),
            counts(2),
        );
        const [first = [], , drift = []] = calls;
        const number = (text = "") => Number(text.replaceAll(",", ""));
        for (const [name = "", quota, ofFirst, firsts, ofDrift, drifts] of tableIn("Quotas")) {
            for (const [requests, used, perMinute] of [
                [first, ofFirst, firsts],
                [drift, ofDrift, drifts],
            ] as const) {
                const made = requests.filter((request) => getQuota(request) === name).length;
                assert.equal(made, number(used), name);
                assert.equal(perMinute, made === 0 ? "" : perMinute, name);
                if (made > 0) assert.equal(Math.floor(number(quota) / made), number(perMinute), name);
            }
        }
    });
});
