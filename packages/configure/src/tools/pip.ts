import { join } from "node:path";
import * as v from "valibot";
import { isOnlyIndex, type PythonIndex } from "python-registry/clients/client";
import { indexOption } from "python-registry/clients/pip";
import { type System, variable } from "../machine/system";
import type { Probe, ProbeRequest, ToolDescriptor } from "./descriptor";
import { skippedSources } from "./probe-project";
import { otherIndexes, type PipSettings, pipSettings, userFiles } from "./pip-settings";

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
    keyring: { install: "either" },
    keyringSwitches:
        "keyring-provider and no-input in `pip config list`. With no-input, only the providers import and subprocess work, and pip before 26.2 asks a keyring command only with subprocess: set the stack's keyring to one of these",
    probe: probePip,
    noticesAfter: overrideNotices,
};

/** https://pip.pypa.io/en/stable/reference/installation-report/ */
const reportSchema = v.pipe(
    v.string(),
    v.parseJson(),
    v.object({
        install: v.array(
            v.object({
                metadata: v.object({ name: v.string(), version: v.string() }),
                download_info: v.object({ url: v.string() }),
            }),
        ),
    }),
);

export function probePip({ packageName, others, directory }: ProbeRequest): Probe {
    return {
        // Only wheels: to read the metadata of other files, pip would run their code.
        args: [
            ...["install", "--dry-run", "--ignore-installed", "--no-deps", "--only-binary", ":all:"],
            ...["--no-cache-dir", "--disable-pip-version-check", "--quiet", "--log", join(directory, "log")],
            ...["--report", join(directory, "report.json"), packageName, ...others],
        ],
        read: (_, fileText) => [
            ...v
                .parse(reportSchema, fileText("report.json"))
                .install.map(({ metadata, download_info: { url } }) => ({ ...metadata, url })),
            ...skippedSources(fileText("log"), /No sources permitted for \S+: (\S+)/g),
        ],
    };
}

/**
 * Which of pip's files no longer have an effect, or that this one has none: only the last extra-index-url or index-url counts. And
 * where other indexes are, if the registry is the only one.
 */
async function overrideNotices(path: string, index: PythonIndex, system: System): Promise<string[]> {
    const settings = await pipSettings(system, variable(system, "VIRTUAL_ENV"));
    const key = indexOption(index);
    // The run that edited this file has told of its own.
    const others = isOnlyIndex(index)
        ? otherIndexes(settings, index).filter(({ found }) => found.file !== path)
        : [];
    return [
        ...overrides(settings, key, path),
        ...others.map(
            ({ found: { from } }) =>
                `extra-index-url from ${from} adds other indexes: pip takes the highest version of these and this registry. Remove it`,
        ),
    ];
}

function overrides(settings: PipSettings, key: string, path: string): string[] {
    const effective = settings.value(key);
    if (effective === undefined) {
        return [];
    }
    if (effective.file !== path) {
        return [`pip ignores ${key} in ${path}, because ${effective.from} overrides it`];
    }
    const urls = effective.value.split(/\s+/);
    return settings
        .everywhere(key)
        .filter(({ file, value }) => file !== path && value.split(/\s+/).some((url) => !urls.includes(url)))
        .map(
            ({ from }) =>
                `pip now ignores ${key} in ${from}, because ${path} overrides it.` +
                (key === "extra-index-url" ? ` Copy the URLs you need to ${path}` : ""),
        );
}
