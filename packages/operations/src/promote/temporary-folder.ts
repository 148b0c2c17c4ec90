import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onExit } from "signal-exit";

/** A folder that only the user can read. It is removed at the end, also if a signal ends this process first. */
export class TemporaryFolder implements Disposable {
    private readonly stopListening: () => void;

    private constructor(readonly path: string) {
        // Last: execa ends twine, which reads the folder, when this process exits.
        this.stopListening = onExit(
            () => {
                this.#remove();
            },
            { alwaysLast: true },
        );
    }

    static async create(): Promise<TemporaryFolder> {
        // Its mode is 0700.
        return new TemporaryFolder(await mkdtemp(join(tmpdir(), "python-registry-promote-")));
    }

    [Symbol.dispose](): void {
        this.stopListening();
        this.#remove();
    }

    #remove(): void {
        rmSync(this.path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    }
}
