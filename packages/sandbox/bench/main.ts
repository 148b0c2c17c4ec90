import { Command } from "commander";
import { execa } from "execa";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type ProgramOptions, runProgram } from "../src/engines/in-process-engine";
import { stackConfig } from "../src/engines/stack-config";
import { leaveNothingBehind } from "../src/lifetime";
import { startSandbox } from "../src/sandbox";

// npm run bench: measures how long users wait. Each program runs in a new process, Pulumi programs with the in-process engine, so this
// needs no Pulumi CLI. Compare only figures of the same run, not of different machines or days.

interface Options {
    readonly quick: boolean;
    readonly json: string;
}

/** The duration and the memory of several runs. */
interface Figures {
    readonly runs: number;
    readonly minSeconds: number;
    readonly medianSeconds: number;
    readonly maxSeconds: number;
    /** Only of a program that runs with the engine. */
    readonly peakMiB?: number;
}

interface Sample {
    readonly seconds: number;
    readonly peakMiB?: number;
}

const root = join(__dirname, "..", "..", "..");
const project = "sandbox-project";
const configuration = (readers: number, workloads = 0) => ({
    "gcp:project": project,
    ...stackConfig({
        location: "europe-west1",
        readers: Array.from({ length: readers }, (_, n) => `user:reader-${n}@example.com`),
        workloads: Object.fromEntries(
            Array.from({ length: workloads }, (_, n) => [
                `workload-${n}`,
                {
                    type: "githubActions",
                    access: "writer",
                    owner: "example",
                    repository: `package-${n}`,
                    ownerId: 1,
                    repositoryId: n + 1,
                    ref: "refs/heads/main",
                },
            ]),
        ),
    }),
});

async function timed(config: Record<string, string>, options: ProgramOptions): Promise<Required<Sample>> {
    const begun = performance.now();
    const { peakMiB } = await runProgram({ stack: "bench", config }, { ...options, ownProcess: true });
    return { seconds: (performance.now() - begun) / 1000, peakMiB };
}

/** Alternates between the programs (A B A B …), so that a machine that slows down affects all of them. */
async function alternate<Name extends string>(
    runs: number,
    programs: Record<Name, () => Promise<Sample>>,
): Promise<Record<Name, Figures>> {
    const names = Object.keys(programs) as Name[];
    const rounds: Record<Name, Sample>[] = [];
    for (let run = -1; run < runs; run += 1) {
        const round = {} as Record<Name, Sample>;
        for (const name of names) round[name] = await programs[name]();
        // The first round fills the caches.
        if (run >= 0) rounds.push(round);
    }
    return Object.fromEntries(
        names.map((name) => [name, figures(rounds.map((round) => round[name]))]),
    ) as Record<Name, Figures>;
}

/** The start of the program, compared with an empty program. */
async function start(runs: number) {
    const found = await alternate(runs, {
        program: () => timed(configuration(1), { preview: true }),
        empty: () => timed(configuration(1), { preview: true, program: join(__dirname, "empty-program") }),
    });
    return { ...found, ratio: found.program.medianSeconds / found.empty.medianSeconds };
}

/** The command `configure`, compared with a start of Node.js that does nothing. */
async function configure(runs: number) {
    const { outputs } = await runProgram({ stack: "bench", config: configuration(1) }, { preview: true });
    const values = Object.entries(outputs).map(([name, { value }]) => [name, value]);
    const folder = await mkdtemp(join(tmpdir(), "configure-"));
    const file = join(folder, "outputs.json");
    await writeFile(file, JSON.stringify({ ...Object.fromEntries(values), credentials: "[secret]" }));
    const packageFolder = join(root, "packages", "configure");
    await execa(process.execPath, [join(packageFolder, "build.cjs")]);
    const command = join(packageFolder, "dist", "python-registry-configure.cjs");
    const run = async (...args: string[]): Promise<Sample> => {
        const env = { HOME: await mkdtemp(join(folder, "home-")) };
        const begun = performance.now();
        await execa(process.execPath, args, { env, extendEnv: false });
        return { seconds: (performance.now() - begun) / 1000 };
    };
    const found = await alternate(runs, {
        node: () => run("-e", "0"),
        help: () => run(command, "--help"),
        files: () => run(command, "--outputs", file, "--tool", "pip,twine,uv,pdm,hatch"),
    });
    const node = found.node.medianSeconds;
    return {
        ...found,
        helpRatio: found.help.medianSeconds / node,
        filesRatio: found.files.medianSeconds / node,
    };
}

/** A deployment of a new stack. */
async function deployment(readers: number, workloads: number) {
    await using sandbox = await startSandbox({ project });
    const config = { ...configuration(readers, workloads), ...sandbox.providerConfig };
    const { seconds, peakMiB } = await timed(config, {});
    return { readers, workloads, calls: sandbox.requests.length, seconds, peakMiB };
}

function figures(samples: readonly Sample[]): Figures {
    const seconds = samples.map((sample) => sample.seconds).sort((a, b) => a - b);
    const at = (share: number) => seconds[Math.floor((seconds.length - 1) * share)] ?? NaN;
    return {
        runs: samples.length,
        minSeconds: at(0),
        medianSeconds: at(0.5),
        maxSeconds: at(1),
        ...(samples[0]?.peakMiB !== undefined && {
            peakMiB: Math.max(...samples.map(({ peakMiB = 0 }) => peakMiB)),
        }),
    };
}

async function main({ quick, json }: Options): Promise<void> {
    const started = await start(quick ? 1 : 9);
    console.log("From the start of the program to its outputs, compared with an empty program");
    console.table({
        "this program": rounded(started.program),
        "empty program": rounded(started.empty),
        ratio: { medianSeconds: round(started.ratio, 2) },
    });

    const configured = await configure(quick ? 1 : 9);
    console.log("The command configure, compared with a start of Node.js that does nothing");
    console.table({
        "configure --help": { ...rounded(configured.help), ratio: round(configured.helpRatio, 2) },
        "configure of five tools": { ...rounded(configured.files), ratio: round(configured.filesRatio, 2) },
        "node -e 0": rounded(configured.node),
    });

    const deployments = [];
    for (const readers of quick ? [1, 10] : [1, 10, 100, 1000]) {
        deployments.push(await deployment(readers, 0));
    }
    for (const workloads of quick ? [1] : [1, 50]) {
        deployments.push(await deployment(1, workloads));
    }
    console.log("Deployment of a new stack, with an API that has no latency");
    console.table(deployments.map(rounded));

    const result = {
        date: new Date().toISOString(),
        machine: { processors: cpus().length, model: cpus()[0]?.model, node: process.version },
        start: started,
        configure: configured,
        deployments,
    };
    await mkdir(dirname(json), { recursive: true });
    await writeFile(json, `${JSON.stringify(result, null, 2)}\n`);
    console.log(`Wrote ${json}`);
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
    .description(
        "Measures how long the program and the command `configure` take to start, and the calls, time and memory of a deployment by the number of readers and workloads.",
    )
    .option("--quick", "only check that it works: one run each, few readers", false)
    .option("--json <file>", "file for the figures", join(root, ".sandbox", "bench.json"))
    .action(async (options: Options) => {
        await main(options);
    });
void command.parseAsync();
