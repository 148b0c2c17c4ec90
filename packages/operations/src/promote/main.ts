import { Command, CommanderError } from "commander";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { styleText } from "node:util";
import { GoogleClient } from "../google/client";
import { openNetwork } from "../google/network";
import { printable } from "../output";
import { UsageError } from "../usage-error";
import { registryTokens } from "./credentials";
import { parsePackages } from "./packages";
import { type FileEvent, type Progress, promote, type Result } from "./promote";
import { findRegistry, type Registry } from "./registry";
import { RegistryClient } from "./registry-client";
import { TemporaryFolder } from "./temporary-folder";
import { findTwine, missingTwine, Uploader } from "./twine";

// npm run promote: the files of a package's version, from one registry to another.

interface Options {
    readonly from: string;
    readonly to: string;
    readonly fromCredentials?: string;
    readonly toCredentials?: string;
    readonly dryRun?: true;
}

/** How the command ends. */
const exitCodes = { promoted: 0, failed: 1, usage: 2 } as const;

const command = new Command("npm run promote --")
    .description(
        "Copies every wheel and sdist of packages from one registry to another: downloads each file, compares it with the hash in the " +
            "source's index, uploads it with twine, and compares the hash in the target's index. A file that is there already stays as it is. " +
            "If one differs, nothing is uploaded.",
    )
    .argument("<packages...>", "the packages with their versions: acme-core==1.2.3")
    .requiredOption(
        "--from <registry>",
        "the source: a stack, a file of outputs (.json), or projects/P/locations/L/repositories/R",
    )
    .requiredOption("--to <registry>", "the target, in the same forms")
    .option(
        "--from-credentials <file>",
        "Google credentials for the source, such as a credential configuration file, instead of your own",
    )
    .option("--to-credentials <file>", "Google credentials for the target")
    .option("--dry-run", "compare, and show what would be uploaded")
    .exitOverride()
    .addHelpText(
        "after",
        "\nAccess tokens come from CLOUDSDK_AUTH_ACCESS_TOKEN or GOOGLE_OAUTH_ACCESS_TOKEN, the Google keyring (Application Default " +
            "Credentials), or gcloud. twine must be on PATH.\n" +
            "\nExamples:\n" +
            "  npm run promote -- --from dev --to prod acme-core==1.2.3 acme-http==2.0\n" +
            "  npm run promote -- --from outputs/dev.json --to projects/acme-prod/locations/europe-west1/repositories/python acme-core==1.2.3 --dry-run\n" +
            "\nExit codes:\n" +
            `  ${exitCodes.promoted}  the target has every file, with the hash of the source\n` +
            `  ${exitCodes.failed}  something failed. The message says what; run the command again, it continues where it stopped\n` +
            `  ${exitCodes.usage}  the command line is wrong`,
    );

const line = (text: string) => {
    console.log(printable(text));
};

/** Colors are only for a terminal. */
function color(format: "green" | "dim" | "red", text: string, stream: NodeJS.WriteStream): string {
    return styleText(format, text, { stream });
}

const progress: Progress = {
    note: (text) => {
        line(`note: ${text}`);
    },
    file: ({ file }, [position, total], event) => {
        const done = event.kind === "uploaded" || event.kind === "there";
        const text = color(done ? "green" : "dim", describe(event), process.stdout);
        console.log(`[${position}/${total}] ${file.filename}: ${text}`);
    },
};

function describe(event: FileEvent): string {
    switch (event.kind) {
        case "there":
            return "already there, with the same hash";
        case "would upload":
            return "would be uploaded";
        case "downloading":
            return "downloading";
        case "verified":
            return `verified (${event.size} bytes)`;
        case "uploading":
            return "uploading";
        case "uploaded":
            return "uploaded, and the hash read back";
    }
}

async function main(args: readonly string[], options: Options): Promise<Result> {
    const mistakes: Error[] = [];
    const collect = async <T>(work: () => T | Promise<T>): Promise<T | undefined> => {
        try {
            return await work();
        } catch (error) {
            mistakes.push(error as Error);
            return undefined;
        }
    };
    const packages = await collect(() => parsePackages(args));
    const from = await collect(() => findRegistry(options.from, line));
    const to = await collect(() => findRegistry(options.to, line));
    const twine = findTwine();
    if (twine === undefined && !options.dryRun) mistakes.push(new Error(missingTwine));
    for (const option of ["fromCredentials", "toCredentials"] as const) {
        await collect(() => requireFile(options[option], credentialOptions[option]));
    }
    if (from !== undefined && from.name === to?.name) {
        mistakes.push(new UsageError(`The source and the target are the same repository, ${from.name}`));
    }
    if (packages === undefined || from === undefined || to === undefined || mistakes.length > 0) {
        const message = mistakes.map((mistake) => mistake.message).join("\n");
        throw mistakes.some((mistake) => mistake instanceof UsageError)
            ? new UsageError(message)
            : new Error(message);
    }

    line(`From ${describeRegistry(from)}`);
    line(`To   ${describeRegistry(to)}`);
    const network = await openNetwork();
    const tokensFor = (registry: Registry, option: keyof typeof credentialOptions) =>
        registryTokens(registry, { option: credentialOptions[option], file: options[option], twine });
    const targetTokens = tokensFor(to, "toCredentials");
    using folder = await TemporaryFolder.create();
    try {
        return await promote({
            packages,
            source: new RegistryClient(
                "source",
                from,
                new GoogleClient(tokensFor(from, "fromCredentials"), network),
            ),
            target: new RegistryClient("target", to, new GoogleClient(targetTokens, network)),
            folder: folder.path,
            uploader:
                twine === undefined || options.dryRun
                    ? undefined
                    : await Uploader.open(twine, to, targetTokens, folder.path),
            progress,
        });
    } finally {
        await network.destroy();
    }
}

const credentialOptions = {
    fromCredentials: "--from-credentials",
    toCredentials: "--to-credentials",
} as const;

async function requireFile(file: string | undefined, option: string): Promise<void> {
    if (file === undefined) return;
    await access(file, constants.R_OK).catch(() => {
        throw new UsageError(`${option} names ${file}, which cannot be read`);
    });
}

function describeRegistry({ from, name }: Registry): string {
    return from === name ? name : `${name} (${from})`;
}

command.action(async (args: readonly string[], options: Options) => {
    try {
        const { uploaded, there } = await main(args, options);
        const count = (files: number) => `${files} file${files === 1 ? "" : "s"}`;
        line(
            options.dryRun
                ? `Would upload ${count(uploaded)}; ${there} already there. Nothing was changed`
                : `Done: ${count(uploaded)} uploaded, ${there} already there`,
        );
    } catch (error) {
        const { message } = error as Error;
        for (const each of printable(message).split("\n")) {
            console.error(each.startsWith("  ") ? each : `${color("red", "error:", process.stderr)} ${each}`);
        }
        process.exitCode = error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
    }
});
command.parseAsync().catch((error: unknown) => {
    if (!(error instanceof CommanderError)) throw error;
    // It has printed the message, or the help.
    process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage;
});
