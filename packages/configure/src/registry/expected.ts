import { repositoryName } from "python-registry/names/urls";
import { readIni } from "../formats/ini";
import { type Format, UnsupportedFileError } from "../formats/merge";
import { readToml, textsIn } from "../formats/toml";
import type { RegistryOutputs } from "./outputs";

// Is a file of outputs for the registry that the user means? Everyone who can write to the place it comes from can replace it.

const parts = ["project", "location", "repository"] as const;

/** What the command line says about the registry. */
export type ExpectedRegistry = Readonly<Partial<Record<(typeof parts)[number], string>>>;

/** @param name the registry's full resource name */
function getParts(name: string): Required<ExpectedRegistry> {
    const [, project = "", , location = "", , repository = ""] = name.split("/");
    return { project, location, repository };
}

/** The parts that are not as expected. */
function unexpectedParts(name: string, expected: ExpectedRegistry) {
    const actual = getParts(name);
    return parts.filter((part) => expected[part] !== undefined && expected[part] !== actual[part]);
}

/** @throws Error if the registry is not the expected one */
export function assertExpected({ name, from }: RegistryOutputs, expected: ExpectedRegistry): void {
    const wrong = unexpectedParts(name, expected).map((part) => `--${part} expects ${expected[part] ?? ""}`);
    if (wrong.length > 0) {
        throw new Error(`${from} is for ${name}, but ${wrong.join(" and ")}. Nothing was changed`);
    }
}

/** A registry that is new on a machine which has others. */
export interface NewRegistry {
    /** What differs, for a message. */
    readonly text: string;
    /** The options that say that it is meant. */
    readonly options: string;
}

/**
 * Compares a registry with those that a machine has already.
 *
 * @param known the full resource names of those
 * @returns undefined if it is one of them, or there are none, or what is expected excludes them all
 */
export function compareWithKnown(
    { name, from }: RegistryOutputs,
    expected: ExpectedRegistry,
    known: readonly string[],
): NewRegistry | undefined {
    const possible = known.filter((other) => unexpectedParts(other, expected).length === 0);
    if (possible.length === 0 || known.includes(name)) return undefined;
    const actual = getParts(name);
    const differing = parts.filter((part) =>
        possible.some((other) => getParts(other)[part] !== actual[part]),
    );
    return {
        text: `${from} is for ${name}, but this machine has ${possible.join(" and ")}`,
        options: differing.map((part) => `--${part} ${actual[part]}`).join(" "),
    };
}

/** The address of a Python repository, with anything behind it. */
const address = /(?<![\w.-])([a-z0-9-]+)-python\.pkg\.dev(?::\d+)?\/([a-z0-9.:-]+)\/([a-z0-9-]+)/g;

/** The full resource names of the registries whose addresses are values in a file; none in a file that tools cannot read. */
export function registriesIn(text: string, format: Format): string[] {
    return valuesIn(text, format).flatMap((value) =>
        [...value.toLowerCase().replaceAll("%3a", ":").matchAll(address)].map(
            ([, location = "", project = "", repositoryId = ""]) =>
                repositoryName({ project, location, repositoryId }),
        ),
    );
}

function valuesIn(text: string, format: Format): string[] {
    try {
        switch (format) {
            case "ini":
                return [...readIni(text).values()].flatMap((section) => [...section.values()]);
            case "toml":
                return textsIn(readToml(text));
            case "netrc":
                // It has hosts, and no registries.
                return [];
        }
    } catch (error) {
        if (error instanceof UnsupportedFileError) return [];
        throw error;
    }
}
