import { join } from "node:path";
import type { ClientFileOutputs } from "./client-files";
import type { PythonTools } from "./python-tools";
import { buildPackage } from "./sample-package";
import type { Sandbox } from "./sandbox";
import { type ToolResult, Workstation, type WorkstationOptions } from "./workstation";

/** What was shown, or what went wrong instead. */
export interface Proof {
    readonly claim: string;
    /** What the tools printed instead of what they should have; undefined if the claim holds. */
    readonly failure?: string;
}

/** Who plays which part: ids of service accounts that have keys, and the repository's name in `.pypirc`. */
export interface Cast {
    readonly repository: string;
    readonly writer: string;
    readonly reader: string;
}

/**
 * Proves the generated files, unmodified, with the real tools against the sandbox: the writer uploads, the reader
 * installs, the reader cannot upload, a stranger cannot install. Yields each proof as soon as it is there.
 */
export async function* proveClientFiles(
    sandbox: Sandbox,
    tools: PythonTools,
    outputs: ClientFileOutputs,
    cast: Cast,
): AsyncGenerator<Proof> {
    const at = (options: Partial<WorkstationOptions>) =>
        Workstation.open({ path: [tools.bin], environment: sandbox.clientEnvironment, ...options });
    const keyOf = (id: string) => outputs.credentials[id]?.keyFile ?? "";
    const passwordForm = (id: string) => outputs.credentials[id];
    const sample = { name: "sandbox-sample", version: "1.0.0" };
    const install = (workstation: Workstation) =>
        workstation.run("pip", "install", "--target", join(workstation.home, "site"), sample.name);
    const upload = (workstation: Workstation, files: readonly string[]) =>
        workstation.run(
            "twine",
            "upload",
            "--non-interactive",
            "--disable-progress-bar",
            "-r",
            cast.repository,
            ...files,
        );

    await using builder = await at({ environment: {} });
    const files = await buildPackage(builder, join(builder.home, "sample"), sample);

    await using writer = await at({ pypirc: outputs.pypirc, keyFile: keyOf(cast.writer) });
    yield proof(
        `${cast.writer} uploads a wheel and an sdist with twine (.pypirc, keyring)`,
        await upload(writer, files),
        ({ exitCode }) => exitCode === 0,
    );

    await using reader = await at({ pipConf: outputs.pipConf, keyFile: keyOf(cast.reader) });
    yield proof(
        `${cast.reader} installs it with pip (pip.conf, keyring)`,
        await install(reader),
        ({ exitCode, output }) =>
            exitCode === 0 && output.includes(`Successfully installed ${sample.name}-${sample.version}`),
    );

    await using withPassword = await at({ pipConf: passwordForm(cast.reader)?.pipConf ?? "" });
    yield proof(
        `${cast.reader} installs it with pip (pip.conf, key as the password)`,
        await install(withPassword),
        ({ exitCode, output }) =>
            exitCode === 0 && output.includes(`Successfully installed ${sample.name}-${sample.version}`),
    );

    await using readerUploads = await at({ pypirc: passwordForm(cast.reader)?.pypirc ?? "" });
    const other = await buildPackage(builder, join(builder.home, "other"), { ...sample, version: "1.0.1" });
    yield proof(
        `${cast.reader} cannot upload (403)`,
        await upload(readerUploads, other),
        ({ exitCode, output }) => exitCode !== 0 && output.includes("403"),
    );

    await using stranger = await at({ pipConf: outputs.pipConf });
    yield proof(
        "a stranger cannot install (401)",
        await install(stranger),
        ({ exitCode }) =>
            exitCode !== 0 && sandbox.requests.findLast(({ plane }) => plane === "data")?.status === 401,
    );
}

function proof(claim: string, result: ToolResult, holds: (result: ToolResult) => boolean): Proof {
    return holds(result) ? { claim } : { claim, failure: `exit code ${result.exitCode}\n${result.output}` };
}
