import { isRegionForm, locations } from "python-registry/names/locations";
import { UsageError } from "../usage-error";

/** What the command line says. */
export interface TrialArguments {
    readonly project: string;
    readonly location: string;
    /** Whether not to ask. */
    readonly yes: boolean;
}

/** As commander reads the options: true for one without a value. */
export interface GivenOptions {
    readonly project?: string | true;
    readonly location?: string | true;
    readonly yes?: true;
}

/**
 * Reads the command line.
 *
 * @param rest what is no option
 * @param isTerminal whether a person can answer a question
 * @throws UsageError that names every mistake
 */
export function parseArguments(
    { project, location, yes }: GivenOptions,
    rest: readonly string[],
    isTerminal: boolean,
): TrialArguments {
    const mistakes = [
        ...(typeof project !== "string"
            ? ["--project is missing: the id of the project in which to try it"]
            : /^[a-z0-9](?:[a-z0-9.:-]*[a-z0-9])?$/.test(project)
              ? []
              : [`--project ${JSON.stringify(project)} is not the id of a project`]),
        ...(typeof location !== "string"
            ? [
                  "--location is missing, as in europe-west1: the location of the stack that is to have a mirror",
              ]
            : locations.includes(location) || isRegionForm(location)
              ? []
              : [`--location ${JSON.stringify(location)} is not a location of Artifact Registry`]),
        ...(yes === true || isTerminal
            ? []
            : ["--yes is missing: there is no terminal to ask whether to create resources"]),
        ...rest.map((each) => `${JSON.stringify(each)} is not an option of this command`),
    ];
    if (typeof project !== "string" || typeof location !== "string" || mistakes.length > 0) {
        throw new UsageError(mistakes.join("\n"));
    }
    return { project, location, yes: yes === true };
}
