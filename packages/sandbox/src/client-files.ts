import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A generated file: its path in a directory, its text, and whether it contains a credential. */
export interface OutputFile {
    readonly path: string;
    readonly text: string;
    readonly secret: boolean;
}

/** The outputs of the program that contain client files. */
export interface ClientFileOutputs {
    readonly pipConf: string;
    readonly pypirc: string;
    readonly credentials: Readonly<Record<string, { pipConf: string; pypirc: string; keyFile: string }>>;
}

/** The outputs as files: the keyring form at the top, the password form in a folder for each account. */
export function outputFiles({ pipConf, pypirc, credentials }: ClientFileOutputs): OutputFile[] {
    return [
        { path: "pip.conf", text: pipConf, secret: false },
        { path: ".pypirc", text: pypirc, secret: false },
        ...Object.entries(credentials).flatMap(([id, credential]) => [
            { path: join(id, "pip.conf"), text: credential.pipConf, secret: true },
            { path: join(id, ".pypirc"), text: credential.pypirc, secret: true },
            { path: join(id, "key.json"), text: credential.keyFile, secret: true },
        ]),
    ];
}

/** Writes files into a directory; only the owner can read those that contain a credential. */
export async function writeFiles(directory: string, files: readonly OutputFile[]): Promise<void> {
    for (const { path, text, secret } of files) {
        const file = join(directory, path);
        const mode = secret ? 0o600 : 0o644;
        await mkdir(dirname(file), { recursive: true, mode: 0o700 });
        await writeFile(file, text, { mode });
        // The mode above does not apply to an existing file.
        await chmod(file, mode);
    }
}
