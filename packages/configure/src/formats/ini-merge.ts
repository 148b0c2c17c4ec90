import {
    addToList,
    defaultSection,
    effectiveEntry,
    type IniFile,
    lowerCase,
    parseIni,
    removeEntry,
    render,
    setValue,
    words,
} from "./ini";
import { keepByteOrderMark, type Merge, NameConflictError, withoutUserInfo } from "./merge";

/**
 * Adds a pip.conf or .pypirc that `renderIni` wrote to an existing one. A list gets another line, any other key of ours
 * is set, pip's only index in each section that has one; nothing else in the file changes, not even white space. (No maintained npm package edits INI as Python reads
 * it and keeps the rest: `ini` drops comments and quotes values, and none supports continued values.)
 *
 * @throws UnsupportedFileError if pip or twine would refuse the file
 * @throws NameConflictError if a .pypirc's section with our name is for another registry
 */
export const mergeIni = keepByteOrderMark(
    (existing, ours) => (isPypirc(ours) ? mergePypirc : mergePipConf)(existing, ours),
    (ours) =>
        `${isPypirc(ours) ? "twine" : "pip"} does not accept this file, because it starts with a byte-order mark. Save it without the mark`,
);

export function isPypirc(ours: string): boolean {
    return parseIni(ours, lowerCase).sections.has("distutils");
}

// pip's commands that use an index. A value in such a command's section overrides the one in [global].
const pipCommands = ["download", "index", "install", "list", "lock", "wheel"];

const mergePipConf: Merge = (existing, ours) => {
    const notices: string[] = [];
    const mine = parseIni(ours, pipKey);
    const before = parseIni(existing, pipKey);
    let file = before;
    for (const { name, entries } of mine.sections.values()) {
        for (const entry of entries.values()) {
            // pip ignores an empty value.
            const replacing = (name === "global" ? pipCommands : []).filter(
                (command) => (effectiveEntry(before, command, entry.key)?.value ?? "") !== "",
            );
            if (entry.key === "extra-index-url") {
                for (const url of words(entry.value)) {
                    for (const section of [name, ...replacing]) {
                        file = addToList(file, section, entry, url, sameUrl);
                    }
                    notices.push(...indexNotices(before, url));
                }
            } else if (entry.key === "index-url") {
                for (const section of [name, ...replacing]) {
                    const old = effectiveEntry(before, section, entry.key)?.value ?? "";
                    file = setValue(file, section, entry);
                    if (old !== "" && !sameUrl(old, entry.value)) {
                        notices.push(
                            `index-url in [${section}] was a different index; it is now this registry`,
                        );
                    }
                }
                notices.push(...onlyIndexNotices(before, entry.value));
            } else {
                file = setValue(file, name, entry);
                notices.push(
                    ...replacing
                        .filter(
                            (command) => effectiveEntry(before, command, entry.key)?.value !== entry.value,
                        )
                        .map(
                            (command) => `${entry.key} in [${command}] has a different value, which was kept`,
                        ),
                );
            }
        }
    }
    return { text: render(file), notices: [...inheritanceNotices(before, mine), ...notices] };
};

function noIndexNotices(file: IniFile): string[] {
    return ["global", ...pipCommands]
        .filter((section) =>
            /^(?:y|yes|t|true|on|1)$/i.test(effectiveEntry(file, section, "no-index")?.value ?? ""),
        )
        .map((section) => `no-index is on in [${section}]: pip uses no registry until you remove that line`);
}

/** Settings with which pip asks other indexes than our only one. */
function onlyIndexNotices(file: IniFile, url: string): string[] {
    const sections = ["global", ...pipCommands].filter((section) =>
        words(effectiveEntry(file, section, "extra-index-url")?.value ?? "").some(
            (each) => !sameUrl(each, url),
        ),
    );
    return [
        ...noIndexNotices(file),
        ...sections.map(
            (section) =>
                `extra-index-url in [${section}] was kept: pip takes the highest version of these indexes and this registry. Remove it`,
        ),
    ];
}

/** Settings that prevent pip from using our index, or make it redundant. */
function indexNotices(file: IniFile, url: string): string[] {
    const noIndex = noIndexNotices(file);
    return ["global", ...pipCommands].flatMap((section) => {
        const value = (key: string) => effectiveEntry(file, section, key)?.value ?? "";
        return [
            ...noIndex.filter((notice) => notice.includes(`[${section}]`)),
            ...(sameUrl(value("index-url"), url)
                ? [`index-url in [${section}] is already this registry and was kept`]
                : []),
        ];
    });
}

const mergePypirc: Merge = (existing, ours) => {
    const notices: string[] = [];
    const mine = parseIni(ours, lowerCase);
    const before = parseIni(existing, lowerCase);
    let file = before;
    for (const { name, entries } of mine.sections.values()) {
        const repository = entries.get("repository")?.value;
        if (repository !== undefined && (before.sections.get(name)?.entries.size ?? 0) > 0) {
            // A section without a repository is for PyPI, or unusable for twine. It is not ours.
            const theirs = effectiveEntry(before, name, "repository")?.value;
            if (theirs === undefined || !sameUrl(theirs, repository)) {
                throw new NameConflictError(name);
            }
        }
    }
    // Without a list, twine uses the sections `pypi` and `testpypi`. They must keep working.
    const assumed =
        effectiveEntry(before, "distutils", "index-servers") === undefined
            ? ["pypi", "testpypi"].filter((name) => before.sections.has(name))
            : [];
    for (const { name, entries } of mine.sections.values()) {
        for (const entry of entries.values()) {
            if (name !== "distutils" || entry.key !== "index-servers") {
                file = setValue(file, name, entry);
                continue;
            }
            for (const server of [...words(entry.value), ...assumed]) {
                file = addToList(file, name, entry, server, (a, b) => a === b);
            }
        }
        for (const key of ["username", "password"].filter(
            (key) => entries.has("repository") && !entries.has(key),
        )) {
            const stale = file.sections.get(name)?.entries.get(key);
            if (stale !== undefined) {
                file = removeEntry(file, stale);
                notices.push(`${key} in [${name}] was removed: with it, twine would not ask the keyring`);
            }
            for (const other of [defaultSection, "server-login"]) {
                if (file.sections.get(other)?.entries.has(key)) {
                    notices.push(
                        `${key} in [${other}] also applies to ${name}: twine uses it and does not ask the keyring`,
                    );
                }
            }
        }
    }
    return { text: render(file), notices: [...inheritanceNotices(before, mine), ...notices] };
};

/** A new section inherits the values of DEFAULT, which may be unexpected. */
function inheritanceNotices({ sections }: IniFile, mine: IniFile): string[] {
    return (sections.get(defaultSection)?.entries.size ?? 0) === 0
        ? []
        : [...mine.sections.keys()]
              .filter((name) => !sections.has(name))
              .map((name) => `the values in [${defaultSection}] also apply to the new section [${name}]`);
}

export function sameUrl(a: string, b: string): boolean {
    return withoutUserInfo(a) === withoutUserInfo(b);
}

/** pip reads `extra_index_url` and `--extra-index-url` as `extra-index-url`. */
export function pipKey(written: string): string {
    return written.toLowerCase().replaceAll("_", "-").replace(/^--/, "");
}
