import { isOnlyIndex, type PythonIndex } from "python-registry/clients/client";
import { variable } from "../machine/system";
import { isYes, otherIndexes, type PipSettings, pipSettings, type PipValue } from "../tools/pip-settings";
import { describeIndexOverride, findIndexOverrides } from "../tools/requirements";
import { type PresentFile, registryAddress } from "./client-files";
import { type Finding, problem, warning } from "./findings";
import type { ProbeCache } from "./probe-cache";
import type { PythonEnvironment } from "../machine/python-environment";

const addressKeys = ["extra-index-url", "index-url"];

/** pip's settings as far as they are about one registry. pip merges its files: only the setting in force has an entry. */
export async function readPip(
    environment: PythonEnvironment | undefined,
    { system, registry }: ProbeCache,
): Promise<{ readonly files: readonly PresentFile[]; readonly problems: readonly Finding[] }> {
    const settings = await pipSettings(system, environment?.prefix ?? variable(system, "VIRTUAL_ENV"));
    const entriesIn = ({ value }: PipValue) =>
        value
            .split(/\s+/)
            .flatMap((url) => registryAddress(url, registry.index) ?? [])
            .map((address) => ({ name: undefined, ...address }));
    const everywhere = addressKeys.flatMap((key) =>
        settings.everywhere(key).map((value) => ({ key, value, entries: entriesIn(value) })),
    );
    const inForce = addressKeys
        .flatMap((key) => settings.value(key) ?? [])
        .find((value) => entriesIn(value).length > 0);
    const overridden = everywhere.find(({ entries }) => entries.length > 0);
    const noIndex = settings.value("no-index");
    const problems = [
        ...findIndexOverrides(system, registry.index).map((override) => {
            const { message, fix } = describeIndexOverride(override, registry.index);
            return warning("configuration", message, fix);
        }),
        ...(inForce === undefined && overridden !== undefined
            ? [
                  problem(
                      "configuration",
                      `The index is in ${overridden.value.from}, but ${overridden.key} from ${settings.value(overridden.key)?.from ?? "elsewhere"} overrides it`,
                      "Add the index there too, or remove that setting: pip does not combine its files",
                  ),
              ]
            : []),
        ...(isOnlyIndex(registry.index) && inForce !== undefined
            ? otherIndexFindings(settings, registry.index)
            : []),
        ...(isYes(noIndex)
            ? [
                  problem(
                      "configuration",
                      `no-index from ${noIndex?.from ?? ""} stops pip from using any index`,
                      "Remove no-index",
                  ),
              ]
            : []),
    ];
    const none = { entries: [], logins: new Map<string, never>() };
    return {
        problems,
        files: [
            ...settings.errors.map(({ file, reason }) => ({ ...none, path: file, error: reason })),
            ...(inForce === undefined
                ? []
                : [
                      {
                          ...none,
                          path: inForce.from,
                          isVariable: inForce.file === undefined,
                          entries: entriesIn(inForce),
                      },
                  ]),
            // Files that pip ignores may contain a password too.
            ...everywhere.flatMap(({ value: { file }, entries }) =>
                file === undefined || file === inForce?.file || entries.length === 0
                    ? []
                    : [{ ...none, path: file, ignored: entries }],
            ),
        ],
    };
}

/** Where pip asks other indexes, although the registry is to be the only one. */
function otherIndexFindings(settings: PipSettings, index: PythonIndex): Finding[] {
    const configure = "run python-registry-configure --tool pip";
    const others = otherIndexes(settings, index).map(({ key, found: { from } }) =>
        warning(
            "configuration",
            `${key} from ${from} names another index: pip takes the highest version of it and this registry`,
            `Remove it, or ${configure}`,
        ),
    );
    return settings.value("index-url") === undefined
        ? [
              ...others,
              warning(
                  "configuration",
                  "pip asks PyPI too, because no file sets index-url to this registry",
                  `R${configure.slice(1)}`,
              ),
          ]
        : others;
}
