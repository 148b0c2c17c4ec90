import {
    addToList,
    byteOrderMark,
    defaultSection,
    inForce,
    type IniFile,
    lowerCase,
    parseIni,
    removeEntry,
    render,
    setValue,
    words,
} from "./ini";
import { type Merge, NameConflictError, withoutUserInfo } from "./merge";

/**
 * Works a pip.conf or .pypirc that `renderIni` wrote into an existing one. A list gains a line, any other key of
 * ours is set; nothing else of the file changes, not even an odd space. (No maintained npm package edits INI as
 * Python reads it and keeps the rest: `ini` drops comments and quotes values, and none knows continued values.)
 *
 * @throws UnsupportedFileError if pip or twine would refuse the file
 * @throws NameConflictError if a .pypirc's section of our name is for another registry
 */
export const mergeIni: Merge = (existing, ours) => {
    const pypirc = parseIni(ours, lowerCase).sections.has("distutils");
    const { text, notices } = pypirc ? mergePypirc(existing, ours) : mergePipConf(existing, ours);
    return {
        text,
        notices: existing.startsWith(byteOrderMark)
            ? [
                  `${pypirc ? "twine" : "pip"} refuses a file that starts with a byte-order mark, as this one does: save it without`,
                  ...notices,
              ]
            : notices,
    };
};

// pip's commands with an index: a value in a section of theirs stands in for the one in [global].
const pipCommands = ["download", "index", "install", "list", "lock", "wheel"];

const mergePipConf: Merge = (existing, ours) => {
    const notices: string[] = [];
    const mine = parseIni(ours, pipKey);
    const before = parseIni(existing, pipKey);
    let file = before;
    for (const { name, entries } of mine.sections.values()) {
        for (const entry of entries.values()) {
            // pip passes over an empty value.
            const replacing = (name === "global" ? pipCommands : []).filter(
                (command) => (inForce(before, command, entry.key)?.value ?? "") !== "",
            );
            if (entry.key === "extra-index-url") {
                for (const url of words(entry.value)) {
                    for (const section of [name, ...replacing]) {
                        file = addToList(file, section, mine, entry, url, sameUrl);
                    }
                    notices.push(...indexNotices(before, url));
                }
            } else {
                file = setValue(file, name, mine, entry);
                notices.push(
                    ...replacing
                        .filter((command) => inForce(before, command, entry.key)?.value !== entry.value)
                        .map(
                            (command) => `${entry.key} in [${command}] is another one and was left as it is`,
                        ),
                );
            }
        }
    }
    return { text: render(file), notices: [...inherited(before, mine), ...notices] };
};

/** Settings that keep pip from using our index, or make it superfluous. */
function indexNotices(file: IniFile, url: string): string[] {
    return ["global", ...pipCommands].flatMap((section) => {
        const value = (key: string) => inForce(file, section, key)?.value ?? "";
        return [
            ...(/^(?:y|yes|t|true|on|1)$/i.test(value("no-index"))
                ? [`no-index is on in [${section}]: pip asks no registry until that line is taken out`]
                : []),
            ...(sameUrl(value("index-url"), url)
                ? [`index-url in [${section}] is this registry already and was left as it is`]
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
            // A section without a repository is PyPI's, or else one that twine cannot use: not ours.
            const theirs = inForce(before, name, "repository")?.value;
            if (theirs === undefined || !sameUrl(theirs, repository)) {
                throw new NameConflictError(name);
            }
        }
    }
    // Without a list twine goes by one of `pypi` and `testpypi`: what works by that is to work on.
    const assumed =
        inForce(before, "distutils", "index-servers") === undefined
            ? ["pypi", "testpypi"].filter((name) => before.sections.has(name))
            : [];
    for (const { name, entries } of mine.sections.values()) {
        for (const entry of entries.values()) {
            if (name !== "distutils" || entry.key !== "index-servers") {
                file = setValue(file, name, mine, entry);
                continue;
            }
            for (const server of [...words(entry.value), ...assumed]) {
                file = addToList(file, name, mine, entry, server, (a, b) => a === b);
            }
        }
        for (const key of ["username", "password"].filter(
            (key) => entries.has("repository") && !entries.has(key),
        )) {
            const stale = file.sections.get(name)?.entries.get(key);
            if (stale !== undefined) {
                file = removeEntry(file, stale);
                notices.push(`${key} in [${name}] was taken out: twine would use it and not ask the keyring`);
            }
            for (const other of [defaultSection, "server-login"]) {
                if (file.sections.get(other)?.entries.has(key)) {
                    notices.push(
                        `${key} in [${other}] holds for ${name} too: twine uses it and does not ask the keyring`,
                    );
                }
            }
        }
    }
    return { text: render(file), notices: [...inherited(before, mine), ...notices] };
};

/** A new section comes to have what DEFAULT says, which may be a surprise. */
function inherited({ sections }: IniFile, mine: IniFile): string[] {
    return (sections.get(defaultSection)?.entries.size ?? 0) === 0
        ? []
        : [...mine.sections.keys()]
              .filter((name) => !sections.has(name))
              .map((name) => `what [${defaultSection}] says holds for the new section [${name}] too`);
}

function sameUrl(a: string, b: string): boolean {
    return withoutUserInfo(a) === withoutUserInfo(b);
}

/** pip takes `extra_index_url` and `--extra-index-url` for `extra-index-url`. */
function pipKey(written: string): string {
    return written.toLowerCase().replaceAll("_", "-").replace(/^--/, "");
}
