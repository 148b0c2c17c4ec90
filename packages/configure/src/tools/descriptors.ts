import type { ToolDescriptor } from "./descriptor";
import { hatch } from "./hatch";
import { netrc } from "./netrc";
import { pdm } from "./pdm";
import { pip } from "./pip";
import { pipenv } from "./pipenv";
import { poetry } from "./poetry";
import { twine } from "./twine";
import { uv } from "./uv";

/** The tools that have files of their own to put in place, in the order in which they are reported. */
const byTool = { pip, twine, uv, poetry, pdm, hatch, pipenv, netrc };

export type ConfigurableTool = keyof typeof byTool;
export const descriptors: Readonly<Record<ConfigurableTool, ToolDescriptor>> = byTool;
export const configurable = Object.keys(byTool) as readonly ConfigurableTool[];
