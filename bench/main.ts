import { Command } from "commander";
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { type ProgramOptions, runProgram } from "../sandbox/engines/in-process-engine";
import { stackConfig } from "../sandbox/engines/stack-config";
import { leaveNothingBehind } from "../sandbox/lifetime";
import { startSandbox } from "../sandbox/sandbox";

// npm run bench: where people wait. Everything runs in process, in a fresh process each time, so that no Pulumi CLI is
// needed; figures of one run can be compared with each other, not with those of another machine or day.

interface Options {
    readonly quick: boolean;
    readonly json: string;
}

/** Seconds, and MiB, of several runs. */
interface Figures {
    readonly runs: number;
    readonly minSeconds: number;
    readonly medianSeconds: number;
    readonly maxSeconds: number;
    readonly peakMiB: number;
}

const root = join(__dirname, "..");
const project = "sandbox-project";
const configuration = (readers: number) => ({
    "gcp:project": project,
    ...stackConfig({
        location: "europe-west1",
        readers: Array.from({ length: readers }, (_, n) => `user:reader-${n}@example.com`),
    }),
});

async function timed(config: Record<string, string>, options: ProgramOptions) {
    const begun = performance.now();
    const { peakMiB } = await runProgram({ stack: "bench", config }, options);
    return { seconds: (performance.now() - begun) / 1000, peakMiB };
}

/** Runs the programs in turn (A B A B …), so that a machine that slows down slows both. */
async function start(runs: number): Promise<{ program: Figures; empty: Figures; ratio: number }> {
    const empty = { preview: true, program: join(__dirname, "empty-program") };
    const samples: Record<"program" | "empty", Awaited<ReturnType<typeof timed>>[]> = {
        program: [],
        empty: [],
    };
    for (let run = -1; run < runs; run += 1) {
        const pair = {
            program: await timed(configuration(1), { preview: true }),
            empty: await timed(configuration(1), empty),
        };
        // The first pair warms the caches.
        if (run >= 0) {
            samples.program.push(pair.program);
            samples.empty.push(pair.empty);
        }
    }
    const program = figures(samples.program);
    const floor = figures(samples.empty);
    return { program, empty: floor, ratio: program.medianSeconds / floor.medianSeconds };
}

/** One deployment from nothing. */
async function deployment(readers: number) {
    await using sandbox = await startSandbox({ project });
    const { seconds, peakMiB } = await timed({ ...configuration(readers), ...sandbox.providerConfig }, {});
    return { readers, calls: sandbox.requests.length, seconds, peakMiB };
}

function figures(samples: readonly { seconds: number; peakMiB: number }[]): Figures {
    const seconds = samples.map((sample) => sample.seconds).sort((a, b) => a - b);
    const at = (share: number) => seconds[Math.floor((seconds.length - 1) * share)] ?? NaN;
    return {
        runs: samples.length,
        minSeconds: at(0),
        medianSeconds: at(0.5),
        maxSeconds: at(1),
        peakMiB: Math.max(...samples.map(({ peakMiB }) => peakMiB)),
    };
}

async function main({ quick, json }: Options): Promise<void> {
    const started = await start(quick ? 1 : 9);
    console.log("Start of the program to its outputs, against an empty program");
    console.table({
        "this program": rounded(started.program),
        "empty program": rounded(started.empty),
        ratio: { medianSeconds: round(started.ratio, 2) },
    });

    const deployments = [];
    for (const readers of quick ? [1, 10] : [1, 10, 100, 1000]) {
        deployments.push(await deployment(readers));
    }
    console.log("Deployment from nothing, the API with no latency");
    console.table(deployments.map(rounded));

    const result = {
        date: new Date().toISOString(),
        machine: { processors: cpus().length, model: cpus()[0]?.model, node: process.version },
        start: started,
        deployments,
    };
    await mkdir(dirname(json), { recursive: true });
    await writeFile(json, `${JSON.stringify(result, null, 2)}\n`);
    console.log(`Written to ${json}`);
}

function rounded(row: object): Record<string, unknown> {
    return Object.fromEntries(
        Object.entries(row).map(([name, value]: [string, unknown]) => [
            name,
            typeof value === "number" ? round(value, 3) : value,
        ]),
    );
}

function round(value: number, digits: number): number {
    return Number(value.toFixed(digits));
}

leaveNothingBehind();
const command = new Command("npm run bench --")
    .description("Measures the start of the program, and calls, time and memory by the number of readers.")
    .option("--quick", "only see that it runs: one run each, few readers", false)
    .option("--json <file>", "where to write the figures", join(root, ".sandbox", "bench.json"))
    .action(async (options: Options) => {
        await main(options);
    });
void command.parseAsync();
