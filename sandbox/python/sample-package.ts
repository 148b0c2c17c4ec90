import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Workstation } from "./tool-environment";

/** A tiny package: what it is called and what importing it gives away. */
export interface SamplePackage {
    /** Distribution name; the module is called the same with underscores. */
    readonly name: string;
    readonly version: string;
    /** What it depends on, as in `other>=1`. */
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
 * @param directory where the sources and `dist/` go; made if need be
 * @returns the paths of both files
 */
export async function buildPackage(
    workstation: Workstation,
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
    const built = await workstation.run("python", "-c", build, directory, dist);
    if (built.exitCode !== 0) {
        throw new Error(`building a package failed:\n${built.output}`);
    }
    return (await readdir(dist)).sort().map((file) => join(dist, file));
}
