import { join } from "node:path";
import type { ClientFileOutputs } from "./client-files";
import type { PythonTools } from "./python/python-tools";
import { buildPackage } from "./python/sample-package";
import type { Sandbox } from "./sandbox";
import { type ToolResult, Workstation, type WorkstationOptions } from "./python/tool-environment";

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

const sample = { name: "sandbox-sample", version: "1.0.0" };

/** The packages that the proofs upload. */
export interface SamplePackages extends AsyncDisposable {
    /** Files of the version that the writer uploads. */
    readonly first: readonly string[];
    /** Files of an older version, which pip would not install, that the reader tries to upload. */
    readonly second: readonly string[];
}

/** Builds the packages, which takes no sandbox: it can go on while that starts. */
export async function buildSamples(tools: PythonTools): Promise<SamplePackages> {
    const builder = await Workstation.open({ path: [tools.bin] });
    const [first, second] = await Promise.all(
        [sample.version, "0.9.0"].map((version) =>
            buildPackage(builder, join(builder.home, version), { ...sample, version }),
        ),
    );
    return {
        first: first ?? [],
        second: second ?? [],
        [Symbol.asyncDispose]: () => builder[Symbol.asyncDispose](),
    };
}

/**
 * Proves the generated files, unmodified, with the real tools against the sandbox: the writer uploads, the reader
 * installs, the reader cannot upload, a stranger cannot install. All at once, but for what the upload comes before; yields
 * the proofs in this order, each as soon as it is there.
 */
export async function* proveClientFiles(
    sandbox: Sandbox,
    tools: PythonTools,
    outputs: ClientFileOutputs,
    cast: Cast,
    samples: SamplePackages,
): AsyncGenerator<Proof> {
    const keyOf = (id: string) => outputs.credentials[id]?.keyFile ?? "";
    const passwordForm = (id: string) => outputs.credentials[id];
    const at = async (
        options: Partial<WorkstationOptions>,
        work: (workstation: Workstation) => Promise<ToolResult>,
    ): Promise<ToolResult> => {
        const environment = sandbox.clientEnvironment;
        await using workstation = await Workstation.open({ path: [tools.bin], environment, ...options });
        return await work(workstation);
    };
    const install = (workstation: Workstation) =>
        workstation.run("pip", "install", "--target", join(workstation.home, "site"), sample.name);
    const upload = (files: readonly string[]) => (workstation: Workstation) =>
        workstation.run(
            "twine",
            "upload",
            "--non-interactive",
            "--disable-progress-bar",
            "-r",
            cast.repository,
            ...files,
        );
    const installed = ({ exitCode, output }: ToolResult) =>
        exitCode === 0 && output.includes(`Successfully installed ${sample.name}-${sample.version}`);

    const uploaded = at({ pypirc: outputs.pypirc, keyFile: keyOf(cast.writer) }, upload(samples.first));
    const afterUpload = (options: Partial<WorkstationOptions>) => uploaded.then(() => at(options, install));
    const proofs = [
        proof(
            `${cast.writer} uploads a wheel and an sdist with twine (.pypirc, keyring)`,
            uploaded,
            ({ exitCode }) => exitCode === 0,
        ),
        proof(
            `${cast.reader} installs it with pip (pip.conf, keyring)`,
            afterUpload({ pipConf: outputs.pipConf, keyFile: keyOf(cast.reader) }),
            installed,
        ),
        proof(
            `${cast.reader} installs it with pip (pip.conf, key as the password)`,
            afterUpload({ pipConf: passwordForm(cast.reader)?.pipConf ?? "" }),
            installed,
        ),
        proof(
            `${cast.reader} cannot upload (403)`,
            at({ pypirc: passwordForm(cast.reader)?.pypirc ?? "" }, upload(samples.second)),
            ({ exitCode, output }) => exitCode !== 0 && output.includes("403"),
        ),
        proof(
            "a stranger cannot install (401)",
            at({ pipConf: outputs.pipConf }, install),
            // pip asks for a user name where the index answers 401, and nowhere else.
            ({ exitCode, output }) => exitCode !== 0 && /User for \S+-python\.pkg\.dev/.test(output),
        ),
    ];
    // One that fails while another is waited for is reported in its turn.
    for (const each of proofs) {
        each.catch(() => undefined);
    }
    for (const each of proofs) {
        yield await each;
    }
}

async function proof(
    claim: string,
    running: Promise<ToolResult>,
    holds: (result: ToolResult) => boolean,
): Promise<Proof> {
    const result = await running;
    return holds(result) ? { claim } : { claim, failure: `exit code ${result.exitCode}\n${result.output}` };
}
