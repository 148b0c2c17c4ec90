import { type LineSyntax, type Merge, UnsupportedFileError } from "./merge";

/**
 * Works a generated .netrc entry into an existing file: at its end, or before a `default` entry, past which some
 * readers do not look. An entry that the host has already, with the same login, gets the new password and stays as it
 * is otherwise.
 *
 * The file is read as Python (3.11 and newer) reads it, oddities included: what Python refuses, pip silently does
 * without, and an entry of ours in it would be of no use.
 *
 * @throws UnsupportedFileError if Python would refuse the file, if it ends in the middle of something, or if the host's entry
 *   has another login: most readers know one a host, and that one is the user's
 * @see https://docs.python.org/3/library/netrc.html
 */
export const mergeNetrc: Merge = (existing, ours) => {
    const mark = existing.startsWith(byteOrderMark) ? byteOrderMark : "";
    const body = existing.slice(mark.length);
    const [mine] = parse(ours);
    const login = mine && valueOf(mine, "login");
    const password = mine && valueOf(mine, "password");
    if (mine?.host === undefined || login === undefined || password === undefined) {
        throw new RangeError("there is no entry to work in");
    }
    const entries = parse(body);
    const same = entries.filter(({ host }) => host === mine.host);
    for (const entry of same) {
        if (valueOf(entry, "login")?.text !== login.text) {
            throw new UnsupportedFileError(
                lineOf(body, entry.start),
                "this entry for the registry's host has another login, and a host can have only one",
            );
        }
    }
    const text =
        same.length > 0
            ? replaced(body, same, password.text)
            : inserted(
                  body,
                  ours.trim(),
                  entries.find(({ host }) => host === undefined),
              );
    return {
        text: mark + text,
        notices:
            mark === ""
                ? []
                : [
                      "Python refuses a .netrc that starts with a byte-order mark, as this one does, and pip does without it: save it without",
                  ],
    };
};

export const netrcSyntax: LineSyntax = {
    isInsignificant: (line) => /^\s*(#|$)/.test(line),
    isHeader: (line) => /^(machine\s|default\s*$)/.test(line),
    isList: () => false,
    normalized: (line) => line,
};

const byteOrderMark = "\ufeff";

/** An entry as it stands in the text. */
interface Entry {
    /** Undefined for `default`. */
    readonly host: string | undefined;
    /** Where `machine` or `default` stands. */
    readonly start: number;
    /** What is said of the host, in the order in which it is written: for Python, the last of a kind counts. */
    readonly values: readonly Value[];
}

interface Value extends Word {
    readonly kind: "login" | "account" | "password";
}

/** A word of the text, without its quotes and backslashes, and where it stands with them. */
interface Word {
    readonly text: string;
    readonly start: number;
    readonly end: number;
}

function valueOf({ values }: Entry, kind: Value["kind"]): Value | undefined {
    return values.findLast((value) => value.kind === kind);
}

function replaced(body: string, entries: readonly Entry[], password: string): string {
    // Quotation marks stay: whether Python sees a comment after a line break depends on them.
    const like = ({ start }: Word) => (body[start] === '"' ? `"${password}"` : password);
    const edits = entries.flatMap((entry) => {
        const old = entry.values.filter(({ kind }) => kind === "password");
        const login = valueOf(entry, "login");
        return old.length > 0 || login === undefined
            ? old.map((value) => ({ start: value.start, end: value.end, text: like(value) }))
            : [{ start: login.end, end: login.end, text: ` password ${like(login)}` }];
    });
    return edits
        .toSorted((a, b) => b.start - a.start)
        .reduce((text, edit) => text.slice(0, edit.start) + edit.text + text.slice(edit.end), body);
}

function inserted(body: string, line: string, before: Entry | undefined): string {
    const end = /\r\n|\r|\n/.exec(body)?.[0] ?? "\n";
    let at = before?.start ?? body.length;
    const indent = /[ \t]*$/.exec(body.slice(0, at))?.[0] ?? "";
    if (before !== undefined && /(?:^|[\r\n])$/.test(body.slice(0, at - indent.length))) {
        at -= indent.length;
    }
    const above = body.slice(0, at);
    const open = (before === undefined ? /[^\r\n]$/ : /[^ \t\r\n]$/).test(above) ? end : "";
    // Python 3.10 passes over the line after a number sign that is alone.
    const gap = /(?:^|\s)#(?:\r\n|\r|\n)?$/.test(above) ? end : "";
    return above + open + gap + line + end + body.slice(at);
}

/** The entries that Python sees. */
function parse(text: string): Entry[] {
    const words = new Words(text);
    const entries: Entry[] = [];
    let word = words.next();
    while (word !== undefined) {
        if (word.text.startsWith("#")) {
            // Not in an entry: Python passes over the first word only, unless that is the number sign alone.
            if (word.text === "#") words.skipComment();
            word = words.next();
        } else if (word.text === "macdef") {
            const macro = word;
            words.need(macro);
            words.skipMacro(macro);
            word = words.next();
        } else if (word.text === "machine" || word.text === "default") {
            const host = word.text === "machine" ? words.need(word).text : undefined;
            const values: Value[] = [];
            entries.push({ host, start: word.start, values });
            for (word = words.next(); word !== undefined; word = words.next()) {
                if (word.text.startsWith("#")) {
                    words.skipComment();
                    continue;
                }
                const kind = kinds.get(word.text);
                if (kind === undefined) break;
                values.push({ kind, ...words.need(word) });
            }
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

/** Takes words from a text, one after another, just as Python's `netrc` does. */
class Words {
    #at = 0;
    /** Where the search for the word began that was found last. */
    #from = 0;

    constructor(private readonly text: string) {}

    next(): Word | undefined {
        this.#from = this.#at;
        while (isSpace(this.text[this.#at])) this.#at++;
        const start = this.#at;
        if (start === this.text.length) return undefined;
        const quoted = this.text[start] === '"';
        if (quoted) this.#at++;
        let word = "";
        for (;;) {
            let character = this.text[this.#at];
            if (quoted ? character === '"' : isSpace(character) || character === undefined) break;
            if (character === "\\") {
                this.#at += this.text.startsWith("\r\n", this.#at + 1) ? 2 : 1;
                character = this.text[this.#at];
            }
            if (character === undefined) {
                // Python reads it, but whatever comes after would belong to the word.
                throw this.#error(
                    start,
                    quoted ? "a quotation mark is not closed" : "the file ends in a backslash",
                );
            }
            word += character;
            this.#at++;
        }
        if (quoted) this.#at++;
        const end = this.#at;
        // The blank after a word is read with it: a line break counts as one character.
        if (!quoted) this.#at += this.text.startsWith("\r\n", end) ? 2 : end < this.text.length ? 1 : 0;
        return { text: word, start, end };
    }

    /** The word that must follow a keyword. */
    need(keyword: Word): Word {
        const word = this.next();
        if (word === undefined || (keyword.text === "machine" && word.text === "")) {
            throw this.#error(keyword.start, "something is missing after the last word of this line");
        }
        return word;
    }

    /** A comment's rest. Python takes it for words if it comes after an empty line, or if a line ends after its sign. */
    skipComment(): void {
        if (/[\r\n]/.test(this.text.slice(this.#from, this.#at))) return;
        this.#takeLine();
    }

    skipMacro(keyword: Word): void {
        for (;;) {
            const line = this.#takeLine();
            if (line === "") throw this.#error(keyword.start, "this macro is not ended by an empty line");
            if (/^[\r\n]/.test(line)) return;
        }
    }

    unexpected({ text, start }: Word): UnsupportedFileError {
        const line =
            this.text
                .slice(0, start)
                .split(/\r\n|\r|\n/)
                .at(-1) ?? "";
        return this.#error(
            start,
            /(?:^|[ \t])#/.test(line)
                ? "Python, and so pip, takes the words of this comment for an entry: no empty line may be before it, and a blank must follow the number sign"
                : text === ""
                  ? "there are empty quotation marks where an entry should begin"
                  : "Python, and so pip, expects an entry here, or a comment",
        );
    }

    #takeLine(): string {
        const line = /^[^\r\n]*(?:\r\n|\r|\n|$)/.exec(this.text.slice(this.#at))?.[0] ?? "";
        this.#at += line.length;
        return line;
    }

    #error(at: number, reason: string): UnsupportedFileError {
        return new UnsupportedFileError(lineOf(this.text, at), reason);
    }
}

function isSpace(character: string | undefined): boolean {
    return character !== undefined && " \t\r\n".includes(character);
}

function lineOf(text: string, at: number): number {
    return text.slice(0, at).split(/\r\n|\r|\n/).length;
}
