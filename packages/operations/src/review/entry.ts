import type { Sentence } from "./sentence";

/** One change that the comment shows. */
export type Entry =
    | { readonly kind: "line"; readonly text: Sentence }
    | { readonly kind: "quote"; readonly text: Sentence; readonly quoted: string }
    | { readonly kind: "diff"; readonly text: Sentence; readonly hunks: string };

/** An entry of one line. */
export function line(text: Sentence): Entry {
    return { kind: "line", text };
}

/** An entry with a text that keeps its lines, such as a message. */
export function quote(text: Sentence, quoted: string): Entry {
    return { kind: "quote", text, quoted };
}
