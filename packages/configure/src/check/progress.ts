/** On a terminal, says what a user is waiting for: one line on standard error, which is removed in the end. */
export class Progress implements Disposable {
    readonly #running = new Set<string>();

    async during<T>(what: string, work: Promise<T>): Promise<T> {
        this.#running.add(what);
        this.#show();
        try {
            return await work;
        } finally {
            this.#running.delete(what);
            this.#show();
        }
    }

    [Symbol.dispose](): void {
        this.#running.clear();
        this.#show();
    }

    #show(): void {
        if (!process.stderr.isTTY) return;
        const text = this.#running.size === 0 ? "" : `Asking ${[...this.#running].join(", ")}…`;
        process.stderr.write(`\r\u001b[K${text.slice(0, process.stderr.columns - 1)}`);
    }
}
