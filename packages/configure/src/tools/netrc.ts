import { expandPath } from "../machine/paths";
import type { ToolDescriptor } from "./descriptor";

/** The user's .netrc, from which pip, uv, pipenv and others take a host's login. */
export const netrc: ToolDescriptor = {
    commands: [],
    probe: () => ({ notTried: "the tools that read it are tried" }),
    locations: {
        "~/.netrc": {
            variable: { name: "NETRC", names: "file" },
            path: (system) => {
                if (system.kind !== "windows") return expandPath("~/.netrc", system);
                // pip and curl look for this name first; git and others know only `_netrc`.
                const dotted = expandPath("%USERPROFILE%\\.netrc", system);
                return system.exists(dotted) ? dotted : expandPath("%USERPROFILE%\\_netrc", system);
            },
        },
    },
};
