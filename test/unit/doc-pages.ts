import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** The README, the other pages beside it, and those in docs/ of a project. */
export class DocPages {
    readonly names: readonly string[];

    constructor(private readonly root: string) {
        this.names = [
            ...readdirSync(root).filter((name) => name.endsWith(".md")),
            ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`),
        ];
    }

    read(path: string): string {
        return readFileSync(join(this.root, path), "utf8");
    }

    /** A page's text without its code. */
    prose(page: string): string {
        return this.read(page)
            .replaceAll(/^ *```[^]*?^ *```$/gm, "")
            .replaceAll(/`[^`]*`/g, (code) => code.replaceAll(/[[\]()]/g, ""));
    }

    /** What is wrong with the relative links of all pages. */
    brokenLinks(): string[] {
        return this.names.flatMap((page) =>
            [...this.prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
                .map(([, target = ""]) => target)
                .filter((target) => !/^[a-z]+:/.test(target))
                .filter((target) => {
                    const [path = "", anchor] = target.split("#");
                    const linked =
                        path === "" ? page : relative(this.root, join(this.root, dirname(page), path));
                    return (
                        !this.#exists(linked) ||
                        (anchor !== undefined && !this.#anchors(linked).includes(anchor))
                    );
                })
                .map((target) => `${page}: ${target}`),
        );
    }

    #exists(path: string): boolean {
        return statSync(join(this.root, path), { throwIfNoEntry: false }) !== undefined;
    }

    /** The anchors that GitHub gives a page's headings. */
    #anchors(page: string): string[] {
        const used = new Map<string, number>();
        return [...this.prose(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => {
            const anchor = heading
                .toLowerCase()
                .replaceAll(/[^\p{L}\p{M}\p{N}_ -]/gu, "")
                .replaceAll(" ", "-");
            const earlier = used.get(anchor) ?? 0;
            used.set(anchor, earlier + 1);
            return earlier === 0 ? anchor : `${anchor}-${earlier}`;
        });
    }
}
