import { type System, variable } from "../machine/system";
import type { ToolDescriptor } from "./descriptor";
import { pipSettings, userFiles } from "./pip-settings";

/** pip. Its settings and its keyrings are special: see pip-settings.ts and check/pip-check.ts. */
export const pip: ToolDescriptor = {
    commands: ["pip", "pip3"],
    readsNetrc: true,
    asksKeyringAfterNetrc: true,
    locations: {
        "~/.config/pip/pip.conf": {
            variable: { name: "PIP_CONFIG_FILE", names: "file" },
            path: (system) => {
                const [former, current] = userFiles(system);
                return !system.exists(current) && system.exists(former) ? former : current;
            },
        },
    },
    noticesAfter: overrideNotices,
};

/** Which of pip's files no longer have an effect, or that this one has none: only the last extra-index-url counts. */
async function overrideNotices(path: string, system: System): Promise<string[]> {
    const settings = await pipSettings(system, variable(system, "VIRTUAL_ENV"));
    const effective = settings.value("extra-index-url");
    if (effective === undefined) {
        return [];
    }
    if (effective.file !== path) {
        return [`pip ignores extra-index-url in ${path}, because ${effective.from} overrides it`];
    }
    const urls = effective.value.split(/\s+/);
    return settings
        .everywhere("extra-index-url")
        .filter(({ file, value }) => file !== path && value.split(/\s+/).some((url) => !urls.includes(url)))
        .map(
            ({ from }) =>
                `pip now ignores extra-index-url in ${from}, because ${path} overrides it. Copy the URLs you need to ${path}`,
        );
}
