import type { Nodes, Root } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { gfm } from "micromark-extension-gfm";

/** Parses GitHub Flavored Markdown. */
export function parseMarkdown(text: string): Root {
    return fromMarkdown(text, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });
}

/** Every node below this one. */
export function getNodes(node: Nodes): Nodes[] {
    return [node, ...("children" in node ? node.children.flatMap(getNodes) : [])];
}

/** The texts in code, inline and in blocks. */
export function codeTexts(node: Nodes): string[] {
    return getNodes(node).flatMap((each) =>
        each.type === "inlineCode" || each.type === "code" ? [each.value] : [],
    );
}

/** Everything that is not code: texts, HTML, and the targets of links. */
export function plainTexts(node: Nodes): string[] {
    return getNodes(node).flatMap((each) =>
        each.type === "inlineCode" || each.type === "code"
            ? []
            : [
                  ...("value" in each ? [each.value] : []),
                  ...("url" in each ? [each.url] : []),
                  ...("alt" in each ? [each.alt ?? ""] : []),
              ],
    );
}
