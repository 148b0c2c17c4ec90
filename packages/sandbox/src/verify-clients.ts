import { join } from "node:path";
import type { ClientFileOutputs } from "./client-files";
import type { PythonTools } from "./python/python-tools";
import { buildPackage } from "./python/sample-package";
import type { Sandbox } from "./sandbox";
import { type ToolResult, ToolEnvironment, type ToolEnvironmentOptions } from "./python/tool-environment";

/** One check of the client files. */
export interface Check {
    readonly claim: string;
    /** The exit code and the output of the tool; undefined if the check passes. */
    readonly failure?: string;
}

/** Ids of service accounts with keys, by what they may do. */
export interface Accounts {
    readonly writer: string;
    readonly reader: string;
}

const sample = { name: "sandbox-sample", version: "1.0.0" };

/** The packages that the checks upload. */
export interface SamplePackages extends AsyncDisposable {
    /** Files of the version that the writer uploads. */
    readonly first: readonly string[];
    /** Files of an older version, which the reader tries to upload. Pip would not install it. */
    readonly second: readonly string[];
}

/** Builds the packages. This needs no sandbox, so it can run while one starts. */
export async function buildSamples(tools: PythonTools): Promise<SamplePackages> {
    const builder = await ToolEnvironment.open({ path: [tools.bin] });
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

/** What to verify, and with what. */
export interface VerifyOptions {
    readonly sandbox: Sandbox;
    readonly tools: PythonTools;
    readonly outputs: ClientFileOutputs;
    readonly accounts: Accounts;
    readonly samples: SamplePackages;
}

/**
 * Verifies the generated files, unmodified, with the real tools against the sandbox: the writer uploads, the reader
 * installs, the reader cannot upload, a stranger cannot install. The checks run at the same time, except that installing
 * waits for the upload. Yields them in this order, each as soon as its result is known.
 */
export async function* verifyClients({
    sandbox,
    tools,
    outputs,
    accounts: { writer, reader },
    samples,
}: VerifyOptions): AsyncGenerator<Check> {
    const getKey = (id: string) => outputs.credentials[id]?.keyFile ?? "";
    const passwordForm = (id: string) => outputs.credentials[id];
    const at = async (
        options: Partial<ToolEnvironmentOptions>,
        work: (toolEnvironment: ToolEnvironment) => Promise<ToolResult>,
    ): Promise<ToolResult> => {
        const environment = sandbox.clientEnvironment;
        await using toolEnvironment = await ToolEnvironment.open({
            path: [tools.bin],
            environment,
            ...options,
        });
        return await work(toolEnvironment);
    };
    const install = (toolEnvironment: ToolEnvironment) =>
        toolEnvironment.run("pip", "install", "--target", join(toolEnvironment.home, "site"), sample.name);
    const upload = (files: readonly string[]) => (toolEnvironment: ToolEnvironment) =>
        toolEnvironment.run(
            "twine",
            "upload",
            "--non-interactive",
            "--disable-progress-bar",
            "-r",
            "python",
            ...files,
        );
    const installed = ({ exitCode, output }: ToolResult) =>
        exitCode === 0 && output.includes(`Successfully installed ${sample.name}-${sample.version}`);

    const uploaded = at({ pypirc: outputs.pypirc, keyFile: getKey(writer) }, upload(samples.first));
    const afterUpload = (options: Partial<ToolEnvironmentOptions>) =>
        uploaded.then(() => at(options, install));
    const checks = [
        check(
            `${writer} uploads a wheel and an sdist with twine (.pypirc, keyring)`,
            uploaded,
            ({ exitCode }) => exitCode === 0,
        ),
        check(
            `${reader} installs the package with pip (pip.conf, keyring)`,
            afterUpload({ pipConf: outputs.pipConf, keyFile: getKey(reader) }),
            installed,
        ),
        check(
            `${reader} installs the package with pip (pip.conf, key as the password)`,
            afterUpload({ pipConf: passwordForm(reader)?.pipConf ?? "" }),
            installed,
        ),
        check(
            `${reader} cannot upload (403)`,
            at({ pypirc: passwordForm(reader)?.pypirc ?? "" }, upload(samples.second)),
            ({ exitCode, output }) => exitCode !== 0 && output.includes("403"),
        ),
        check(
            "a stranger cannot install (401)",
            at({ pipConf: outputs.pipConf }, install),
            // pip asks for a user name only if the index answers 401.
            ({ exitCode, output }) => exitCode !== 0 && /User for \S+-python\.pkg\.dev/.test(output),
        ),
    ];
    // A check that throws while another is awaited is reported in its turn.
    for (const each of checks) {
        each.catch(() => undefined);
    }
    for (const each of checks) {
        yield await each;
    }
}

async function check(
    claim: string,
    running: Promise<ToolResult>,
    passes: (result: ToolResult) => boolean,
): Promise<Check> {
    const result = await running;
    return passes(result) ? { claim } : { claim, failure: `exit code ${result.exitCode}\n${result.output}` };
}
