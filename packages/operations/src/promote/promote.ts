import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { PackageVersion } from "./packages";
import { type Plan, type PlannedFile, planPromotion } from "./plan";
import type { RegistryClient } from "./registry-client";
import type { Uploader, UploadResult } from "./twine";

/** What happens to a file. */
export type FileEvent =
    | { readonly kind: "there" | "would upload" | "downloading" | "uploading" | "uploaded" }
    | { readonly kind: "verified"; readonly size: number };

/** Shows the progress. */
export interface Progress {
    note(text: string): void;
    /** @param position of the file, from 1 on, and how many there are */
    file(file: PlannedFile, position: readonly [number, number], event: FileEvent): void;
}

/** What to promote, from where to where. */
export interface Promotion {
    readonly packages: readonly PackageVersion[];
    readonly source: RegistryClient;
    readonly target: RegistryClient;
    /** For the files that are downloaded. */
    readonly folder: string;
    /** Undefined: only show what would be uploaded. */
    readonly uploader: Uploader | undefined;
    readonly progress: Progress;
    /** How long an uploaded file may take to appear in the target's index. */
    readonly appearsWithinSeconds?: number;
}

/** How many files a promotion uploaded, or would upload, and how many were at the target. */
export interface Result {
    readonly uploaded: number;
    readonly there: number;
}

/**
 * Promotes packages: every file is compared, then every file is downloaded and verified, and only then the first one is
 * uploaded. Can be interrupted and run again.
 *
 * @throws Error that says what happened and what to do
 */
export async function promote(promotion: Promotion): Promise<Result> {
    const { packages, source, target, progress, uploader } = promotion;
    const { files, notes }: Plan = await planPromotion(packages, source, target);
    for (const note of notes) progress.note(note);
    const numbered = files.map((file, index) => ({
        file,
        report: (event: FileEvent) => {
            progress.file(file, [index + 1, files.length], event);
        },
    }));
    for (const { report } of numbered.filter(({ file }) => file.isThere)) report({ kind: "there" });
    const missing = numbered.filter(({ file }) => !file.isThere);
    if (uploader === undefined) {
        for (const { report } of missing) report({ kind: "would upload" });
    } else {
        for (const { file, report } of missing) await download(file, promotion, report);
        for (const [index, { file, report }] of missing.entries()) {
            report({ kind: "uploading" });
            try {
                const result = await uploader.upload(join(promotion.folder, file.file.filename));
                await readBack(file, promotion, result);
            } catch (error) {
                throw withFilesToDo(error as Error, missing.slice(index + 1));
            }
            report({ kind: "uploaded" });
        }
    }
    return { uploaded: missing.length, there: files.length - missing.length };
}

/** An error after which other files are not uploaded. It names them. */
function withFilesToDo(error: Error, rest: readonly { readonly file: PlannedFile }[]): Error {
    if (rest.length === 0) return error;
    const names = rest.map(({ file }) => file.file.filename).join(", ");
    return new Error(`${error.message}\nNot uploaded: ${names}`, { cause: error });
}

async function download(
    { file }: PlannedFile,
    { source, folder }: Promotion,
    report: (event: FileEvent) => void,
): Promise<void> {
    report({ kind: "downloading" });
    const { size, sha256 } = await source.download(file, join(folder, file.filename));
    if (sha256 !== file.sha256) {
        throw new Error(
            `${file.filename}: its sha256 is ${sha256}, but the index of the ${source.describe()} says ${file.sha256}. Nothing was uploaded`,
        );
    }
    report({ kind: "verified", size });
}

/** Compares the hash of an uploaded file in the target's index. Also after a failure: an earlier run can have uploaded it. */
async function readBack(
    { package: { name }, file }: PlannedFile,
    { target, appearsWithinSeconds = 60 }: Promotion,
    { failed, refusal, output }: UploadResult,
): Promise<void> {
    const deadline = Date.now() + (failed ? 0 : appearsWithinSeconds * 1000);
    for (;;) {
        const found = (await target.listFiles(name)).find(({ filename }) => filename === file.filename);
        if (found?.sha256 === file.sha256) return;
        if (found !== undefined) {
            throw new Error(
                `${file.filename} was uploaded with sha256 ${file.sha256}, but the index of the ${target.describe()} says ${found.sha256 ?? "none"}. ` +
                    "Do not use this file. Find out who wrote it",
            );
        }
        if (Date.now() >= deadline) break;
        await setTimeout(1000);
    }
    if (!failed) {
        throw new Error(
            `twine uploaded ${file.filename}, but the index of the ${target.describe()} does not have it after ${appearsWithinSeconds} s. Run the command again`,
        );
    }
    const why =
        refusal === 403
            ? target.describeRole("writer")
            : refusal === 401
              ? "The target does not accept the credential. Sign in again; if you named a file of credentials, check it"
              : "Run the command again: it continues where it stopped";
    throw new Error(`twine could not upload ${file.filename} to the ${target.describe()}. ${why}\n${output}`);
}
