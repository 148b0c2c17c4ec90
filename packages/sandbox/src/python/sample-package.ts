import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ToolEnvironment } from "./tool-environment";

/** A small package with one module. */
export interface SamplePackage {
    /** Name of the distribution; the module has the same name with underscores. */
    readonly name: string;
    readonly version: string;
    /** Its dependencies, such as `other>=1`. */
    readonly dependencies?: readonly string[];
}

/** Calls the build backend's hooks, as every front end does. https://peps.python.org/pep-0517/#build-backend-interface */
const build = `
import os, sys
from flit_core import buildapi
directory, dist = sys.argv[1:]
os.makedirs(dist, exist_ok=True)
os.chdir(directory)
buildapi.build_sdist(dist)
buildapi.build_wheel(dist)
`;

/**
 * Builds a wheel and an sdist with the real build backend.
 *
 * @param directory for the sources and `dist/`; created if it does not exist
 * @returns the paths of both files
 */
export async function buildPackage(
    toolEnvironment: ToolEnvironment,
    directory: string,
    { name, version, dependencies = [] }: SamplePackage,
): Promise<string[]> {
    const module = name.replaceAll("-", "_");
    await mkdir(directory, { recursive: true });
    await writeFile(
        join(directory, "pyproject.toml"),
        [
            "[build-system]",
            'requires = ["flit_core"]',
            'build-backend = "flit_core.buildapi"',
            "[project]",
            `name = "${name}"`,
            `version = "${version}"`,
            'description = "A sample"',
            `dependencies = ${JSON.stringify(dependencies)}`,
            "[tool.flit.module]",
            `name = "${module}"`,
            "",
        ].join("\n"),
    );
    await writeFile(join(directory, `${module}.py`), `"""A sample."""\n\nversion = "${version}"\n`);
    const dist = join(directory, "dist");
    const built = await toolEnvironment.run("python", "-c", build, directory, dist);
    if (built.exitCode !== 0) {
        throw new Error(`building a package failed:\n${built.output}`);
    }
    return (await readdir(dist)).sort().map((file) => join(dist, file));
}
