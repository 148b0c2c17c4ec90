/** Bundles the command into one file. @returns the path of the file */
export function build(): string;
