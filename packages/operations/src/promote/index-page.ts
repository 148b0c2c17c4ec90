import { Parser } from "htmlparser2";
import { isPlainName, parseFilename } from "./distribution";

/** A wheel or an sdist in a simple index. */
export interface IndexFile {
    readonly filename: string;
    readonly version: string;
    /** Where to download it. It is below the repository's own address. */
    readonly url: string;
    /** Lowercase hexadecimal; undefined if the index has none. */
    readonly sha256: string | undefined;
}

/**
 * Reads the page of a package in a simple index.
 *
 * @param pageUrl where the page is; links are relative to it
 * @param base the repository's address, `https://HOST/PROJECT/REPOSITORY/`: all files are below it
 * @param name the normalized name of the package
 * @throws Error for a link to a file at a different address or with an unsafe name: a credential would go there
 * @see https://packaging.python.org/en/latest/specifications/simple-repository-api/
 */
export function parseIndexPage(html: string, pageUrl: string, base: string, name: string): IndexFile[] {
    const files = new Map<string, IndexFile>();
    for (const link of linksIn(html)) {
        const file = parseLink(link, pageUrl, base);
        const distribution = file && parseFilename(file.filename);
        if (file === undefined || distribution?.name !== name) continue;
        const earlier = files.get(file.filename);
        if (earlier !== undefined && earlier.sha256 !== file.sha256) {
            throw new Error(`The index has ${file.filename} twice, with different hashes`);
        }
        files.set(file.filename, { ...file, version: distribution.version });
    }
    return [...files.values()];
}

function linksIn(html: string): string[] {
    const links: string[] = [];
    const parser = new Parser({
        onopentag: (tag, { href }) => {
            if (tag === "a" && href !== undefined) links.push(href);
        },
    });
    parser.end(html);
    return links;
}

/** The file to which a link leads; undefined if it leads to no file, as a link to a different page does. */
function parseLink(link: string, pageUrl: string, base: string): Omit<IndexFile, "version"> | undefined {
    const refuse = (why: string): never => {
        throw new Error(
            `The index has a link ${JSON.stringify(link.slice(0, 200))}, which ${why}. Nothing was downloaded from it. Find out who wrote the index`,
        );
    };
    if (!URL.canParse(link, pageUrl)) return refuse("is not a valid address");
    const url = new URL(link, pageUrl);
    const own = new URL(base);
    if (url.origin !== own.origin || url.username !== "" || url.password !== "") {
        return refuse(`leads away from ${own.host}`);
    }
    // The parser of URLs has resolved every `..`, but not one that is encoded.
    const path = decode(url.pathname) ?? refuse("is not a valid address");
    if (/(?:^|\/)\.{1,2}(?:\/|$)|\\|%/.test(path)) return refuse("leads to a different folder");
    if (!path.startsWith(own.pathname)) return refuse(`leads away from ${own.href}`);
    const encodedName = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
    const filename = decode(encodedName) ?? "";
    if (filename === "") return undefined;
    if (!isPlainName(filename)) return refuse("has no plain file name");
    const [, sha256] = /^#(?:.*&)?sha256=([0-9a-f]{64})(?:&|$)/i.exec(url.hash) ?? [];
    url.hash = "";
    return { filename, url: url.href, sha256: sha256?.toLowerCase() };
}

function decode(text: string): string | undefined {
    try {
        return decodeURIComponent(text);
    } catch {
        return undefined;
    }
}
