import { RunError } from "@pulumi/pulumi";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { stacksIn } from "../../packages/operations/src/deploy/changes";

/** A stack of the registry. */
export interface Stack {
    readonly name: string;
    /** Id of the Google project that it deploys to. */
    readonly googleProject: string;
}

/** The registry's Pulumi project. */
export interface Project {
    readonly name: string;
    readonly stacks: readonly Stack[];
    /** The names of all stack files, also of `npm start`. */
    readonly stackFiles: readonly string[];
}

/** Reads a project from `Pulumi.yaml` and its stack files. */
export function readProject(directory: string): Project {
    const stackFiles = readdirSync(directory).filter((file) => /^Pulumi\..+\.ya?ml$/.test(file));
    const read = (file: string) => parse(readFileSync(join(directory, file), "utf8")) as unknown;
    const { name } = read("Pulumi.yaml") as { name: string };
    const stacks = stacksIn(stackFiles).map((stack) => {
        const file = stackFiles.find((each) => isFileOf(stack, each)) ?? "";
        const content = read(file) as { config?: Record<string, unknown> } | null;
        const googleProject = content?.config?.["gcp:project"];
        if (typeof googleProject !== "string") {
            throw new RunError(`${file} does not set gcp:project. Set it to the id of a Google project.`);
        }
        return { name: stack, googleProject };
    });
    return { name, stacks, stackFiles };
}

/** Whether a file is the stack file of a stack. */
export function isFileOf(stack: string, file: string): boolean {
    return file === `Pulumi.${stack}.yaml` || file === `Pulumi.${stack}.yml`;
}

/** The address of a service account. The project `example.com:tools` has accounts at `tools.example.com`. */
export function accountEmail(id: string, googleProject: string): string {
    return `${id}@${googleProject.split(":").reverse().join(".")}.iam.gserviceaccount.com`;
}
