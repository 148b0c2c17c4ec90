import { isDeepStrictEqual } from "node:util";
import {
    endLike,
    extendedNotice,
    ignoreByteOrderMark,
    keepByteOrderMark,
    UnsupportedFileError,
} from "./merge";

/**
 * Adds a generated .netrc entry to an existing file: at its end, or before a `default` entry, because some readers stop
 * there. An existing entry for the host with the same login gets the new password and does not change otherwise.
 *
 * The file is parsed exactly as Python (3.11 and newer) parses it. pip silently ignores a file that Python refuses, so
 * that our entry in it would have no effect.
 *
 * @throws UnsupportedFileError if Python would refuse the file, if it ends within an entry, or if the host's entry has a
 *   different login: most readers use only one entry for a host, and this one is the user's
 * @see https://docs.python.org/3/library/netrc.html
 */
export const mergeNetrc = keepByteOrderMark(
    (existing, ours) => ({ text: mergeEntry(existing, ours), notices: [] }),
    () =>
        "Python does not accept this .netrc, because it starts with a byte-order mark, and pip ignores it. Save it without the mark",
);

function mergeEntry(body: string, ours: string): string {
    const [mine] = parse(ours);
    const login = mine && findValue(mine, "login");
    const password = mine && findValue(mine, "password");
    if (mine?.host === undefined || login === undefined || password === undefined) {
        throw new RangeError("there is no entry to add");
    }
    const entries = parse(body);
    const same = entries.filter(({ host }) => host === mine.host);
    for (const entry of same) {
        if (findValue(entry, "login")?.text !== login.text) {
            throw new UnsupportedFileError(
                getLine(body, entry.start),
                "this entry for the registry's host has a different login, and a host can have only one",
            );
        }
    }
    if (same.length > 0) return withPassword(body, same, password.text);
    const fallback = entries.find(({ host }) => host === undefined);
    return withEntry(body, ours.trim(), fallback);
}

/**
 * Removes from a .netrc what `mergeNetrc` added. All registries of a location share a host, and often a login. So only the
 * password shows whose entry it is.
 */
export const revertNetrc = ignoreByteOrderMark((current, { before, after, ours }) => {
    const notices: string[] = [];
    const text = ours
        .flatMap(parse)
        .reduce<string | undefined>(
            (found, mine) => revertEntry(found ?? current, before, after, mine, notices) ?? found,
            undefined,
        );
    return text === undefined ? undefined : { text, notices };
});

function revertEntry(current: string, before: string, after: string, mine: Entry, notices: string[]) {
    const getEntries = (text: string) => parse(text).filter(({ host }) => host === mine.host);
    const isOurs = (entry: Entry) =>
        (["login", "password"] as const).every(
            (kind) => findValue(entry, kind)?.text === findValue(mine, kind)?.text,
        );
    const added = getEntries(after).filter(isOurs);
    const found = getEntries(current).filter(isOurs).slice(0, added.length);
    if (found.length === 0) return undefined;
    const former = getEntries(before);
    const edits = found.map((entry, index): Edit => {
        const old = former[index];
        const oldPassword = old && findValue(old, "password");
        const { start, end } = findValue(entry, "password") ?? entry;
        if (oldPassword !== undefined)
            return { start, end, text: before.slice(oldPassword.start, oldPassword.end) };
        if (old === undefined) {
            if (entry.values.length === mine.values.length) return wholeLine(current, entry);
            notices.push(...extendedNotice([`the entry for ${entry.host ?? ""}`]));
        }
        const word = /[ \t\r\n]*password[ \t\r\n]*$/.exec(current.slice(0, start))?.[0] ?? "";
        return { start: start - word.length, end, text: "" };
    });
    // After an empty line, Python reads some comments as an entry. It must not read one that followed ours like that.
    const withoutGap = edits.map((edit) => {
        const gap = /(?:[ \t]*(?:\r\n|\r|\n))*$/.exec(current.slice(0, edit.start))?.[0] ?? "";
        const end = /^(?:\r\n|\r|\n)/.exec(gap)?.[0] ?? "";
        return edit.text === "" ? { ...edit, start: edit.start - gap.length + end.length } : edit;
    });
    const others = (text: string) =>
        parse(text).flatMap(({ host, values }) =>
            host === mine.host ? [] : [host, ...values.map(({ kind, text }) => [kind, text])],
        );
    const text = [edits, withoutGap]
        .map((each) => withEdits(current, each))
        .find((each) => {
            try {
                return isDeepStrictEqual(others(each), others(current));
            } catch {
                return false;
            }
        });
    if (text === undefined) {
        throw new UnsupportedFileError(
            getLine(current, edits[0]?.start ?? 0),
            "without this entry, Python would read the lines below it differently. Remove it by hand",
        );
    }
    return edits.some(({ end }) => end === current.length) ? endLike(text, before || "\n") : text;
}

/** The range of an entry, with its line if nothing else is on it. */
function wholeLine(text: string, { start, end }: Entry): Edit {
    const before = /[ \t]*$/.exec(text.slice(0, start))?.[0] ?? "";
    const after = /^[ \t]*(?:\r\n|\r|\n|$)/.exec(text.slice(end))?.[0];
    const isAlone = after !== undefined && /(?:^|[\r\n])$/.test(text.slice(0, start - before.length));
    return isAlone
        ? { start: start - before.length, end: end + after.length, text: "" }
        : { start, end, text: "" };
}

/** What a .netrc says about one host. An empty text is a value that the entry does not have. */
export interface NetrcLogin {
    readonly login: string;
    readonly account: string;
    readonly password: string;
}

/**
 * The logins in a .netrc by host, as Python (3.11 and newer) reads them: the last entry of a host counts, and `default`
 * is the login for every host without an entry.
 *
 * @throws UnsupportedFileError if Python would refuse the file, or if it ends within an entry
 */
export function readNetrc(text: string): ReadonlyMap<string, NetrcLogin> {
    return new Map(
        // Python sees one kind of line break, in values too.
        parse(text.replace(/\r\n?/g, "\n")).map((entry) => {
            const text = (kind: Value["kind"]) => findValue(entry, kind)?.text ?? "";
            const login = { login: text("login"), account: text("account"), password: text("password") };
            return [entry.host ?? "default", login];
        }),
    );
}

interface Entry {
    /** Undefined for `default`. */
    readonly host: string | undefined;
    /** The offset of `machine` or `default`. */
    readonly start: number;
    /** The offset after its last word. */
    readonly end: number;
    /** The host's values in the order of the file. Python uses the last one of a kind. */
    readonly values: readonly Value[];
}

interface Value extends Token {
    readonly kind: "login" | "account" | "password";
}

/** A word of the text without its quotes and backslashes, and its range, which includes them. */
interface Token {
    readonly text: string;
    readonly start: number;
    readonly end: number;
}

function findValue({ values }: Entry, kind: Value["kind"]): Value | undefined {
    return values.findLast((value) => value.kind === kind);
}

function withPassword(body: string, entries: readonly Entry[], password: string): string {
    // Keep quotation marks: they decide whether Python reads a comment after a line break.
    const like = ({ start }: Token) => (body[start] === '"' ? `"${password}"` : password);
    const edits = entries.flatMap((entry) => {
        const old = entry.values.filter(({ kind }) => kind === "password");
        const login = findValue(entry, "login");
        return old.length > 0 || login === undefined
            ? old.map((value) => ({ start: value.start, end: value.end, text: like(value) }))
            : [{ start: login.end, end: login.end, text: ` password ${like(login)}` }];
    });
    return withEdits(body, edits);
}

interface Edit {
    readonly start: number;
    readonly end: number;
    readonly text: string;
}

function withEdits(body: string, edits: readonly Edit[]): string {
    return edits
        .toSorted((a, b) => b.start - a.start)
        .reduce((text, edit) => text.slice(0, edit.start) + edit.text + text.slice(edit.end), body);
}

function withEntry(body: string, line: string, before: Entry | undefined): string {
    const end = /\r\n|\r|\n/.exec(body)?.[0] ?? "\n";
    let at = before?.start ?? body.length;
    const indent = /[ \t]*$/.exec(body.slice(0, at))?.[0] ?? "";
    if (before !== undefined && /(?:^|[\r\n])$/.test(body.slice(0, at - indent.length))) {
        at -= indent.length;
    }
    const above = body.slice(0, at);
    const open = (before === undefined ? /[^\r\n]$/ : /[^ \t\r\n]$/).test(above) ? end : "";
    // Python 3.10 skips the line after a number sign without text.
    const gap = /(?:^|\s)#(?:\r\n|\r|\n)?$/.test(above) ? end : "";
    return above + open + gap + line + end + body.slice(at);
}

/** The entries that Python reads. */
function parse(text: string): Entry[] {
    const words = new Tokenizer(text);
    const entries: Entry[] = [];
    let word = words.next();
    while (word !== undefined) {
        if (word.text.startsWith("#")) {
            // Outside an entry, Python skips only the first word of a comment, unless it is just the number sign.
            if (word.text === "#") words.skipComment();
            word = words.next();
        } else if (word.text === "macdef") {
            const macro = word;
            words.expect(macro);
            words.skipMacro(macro);
            word = words.next();
        } else if (word.text === "machine" || word.text === "default") {
            const name = word.text === "machine" ? words.expect(word) : undefined;
            const values: Value[] = [];
            const { start } = word;
            const end = name?.end ?? word.end;
            for (word = words.next(); word !== undefined; word = words.next()) {
                if (word.text.startsWith("#")) {
                    words.skipComment();
                    continue;
                }
                const kind = kinds.get(word.text);
                if (kind === undefined) break;
                values.push({ kind, ...words.expect(word) });
            }
            entries.push({ host: name?.text, start, end: values.at(-1)?.end ?? end, values });
            if (word !== undefined && !["machine", "default", "macdef"].includes(word.text)) {
                throw words.unexpected(word);
            }
        } else {
            throw words.unexpected(word);
        }
    }
    return entries;
}

const kinds = new Map<string, Value["kind"]>([
    ["login", "login"],
    ["user", "login"],
    ["account", "account"],
    ["password", "password"],
]);

/** Splits a text into words exactly as Python's `netrc` does. */
class Tokenizer {
    #at = 0;
    /** The offset at which the search for the last word started. */
    #from = 0;

    constructor(private readonly text: string) {}

    next(): Token | undefined {
        this.#from = this.#at;
        this.#at += matchAt(/[ \t\r\n]*/y, this.text, this.#at)?.length ?? 0;
        const start = this.#at;
        if (start === this.text.length) return undefined;
        const quoted = this.text[start] === '"';
        const written = matchAt(quoted ? quotedWord : plainWord, this.text, start);
        if (written === undefined) {
            // Python accepts it, but text added after it would become part of the word.
            throw this.#error(
                start,
                quoted ? "a quotation mark is not closed" : "the file ends in a backslash",
            );
        }
        const end = start + written.length;
        // The white space after a word without quotes belongs to it: one character, or a line break.
        this.#at = end + (quoted ? 0 : (matchAt(/\r\n|[^]?/y, this.text, end)?.length ?? 0));
        const content = quoted ? written.slice(1, -1) : written;
        return { text: content.replace(/\\(?:\r(?=\n))?([^])/g, "$1"), start, end };
    }

    /** The word that must follow a keyword. */
    expect(keyword: Token): Token {
        const word = this.next();
        if (word === undefined || (keyword.text === "machine" && word.text === "")) {
            throw this.#error(keyword.start, "something is missing after the last word of this line");
        }
        return word;
    }

    /** Skips a comment's rest. Python reads it as words after an empty line, or if the line ends after the number sign. */
    skipComment(): void {
        if (/[\r\n]/.test(this.text.slice(this.#from, this.#at))) return;
        this.#takeLine();
    }

    skipMacro(keyword: Token): void {
        for (;;) {
            const line = this.#takeLine();
            if (line === "") throw this.#error(keyword.start, "this macro does not end with an empty line");
            if (/^[\r\n]/.test(line)) return;
        }
    }

    unexpected({ text, start }: Token): UnsupportedFileError {
        const line =
            this.text
                .slice(0, start)
                .split(/\r\n|\r|\n/)
                .at(-1) ?? "";
        return this.#error(
            start,
            /(?:^|[ \t])#/.test(line)
                ? "Python and pip read the words of this comment as an entry. Remove the empty line before it, and put a space after the number sign"
                : text === ""
                  ? "there are empty quotation marks where an entry should start"
                  : "Python and pip expect an entry or a comment here",
        );
    }

    #takeLine(): string {
        const line = /^[^\r\n]*(?:\r\n|\r|\n|$)/.exec(this.text.slice(this.#at))?.[0] ?? "";
        this.#at += line.length;
        return line;
    }

    #error(at: number, reason: string): UnsupportedFileError {
        return new UnsupportedFileError(getLine(this.text, at), reason);
    }
}

// A backslash takes the character after it, or the line break, into the word.
const quotedWord = /"(?:\\(?:\r\n|[^])|[^"\\])*"/y;
const plainWord = /(?:\\(?:\r\n|\r(?!\n)|[^\r])|[^\\ \t\r\n])+(?![^ \t\r\n])/y;

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
}

function getLine(text: string, at: number): number {
    return text.slice(0, at).split(/\r\n|\r|\n/).length;
}
