import type { Tool } from "python-registry/clients/tools";

// Apart from the descriptors, so that --help does not load them.

/** The tools that have files of their own to put in place, in the order in which they are reported. */
export const configurable = [
    "pip",
    "twine",
    "uv",
    "poetry",
    "pdm",
    "hatch",
    "pipenv",
    "netrc",
] as const satisfies readonly Tool[];
export type ConfigurableTool = (typeof configurable)[number];
