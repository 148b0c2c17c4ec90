import type { ConfigurableTool } from "./configurable";
import type { ToolDescriptor } from "./descriptor";
import { hatch } from "./hatch";
import { netrc } from "./netrc";
import { pdm } from "./pdm";
import { pip } from "./pip";
import { pipenv } from "./pipenv";
import { poetry } from "./poetry";
import { twine } from "./twine";
import { uv } from "./uv";

/** What `configure` knows about each tool. */
export const descriptors: Readonly<Record<ConfigurableTool, ToolDescriptor>> = {
    pip,
    twine,
    uv,
    poetry,
    pdm,
    hatch,
    pipenv,
    netrc,
};
