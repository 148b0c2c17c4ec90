/** The claims of a token; one that is undefined is left out. */
export type Claims = Readonly<Record<string, unknown>>;

/** A system whose jobs get tokens from an issuer. */
export interface CiSystem {
    /** The issuer of the sample. */
    readonly issuer: string;
    /** The claims of a job's token, without the issuer and the times, which `issue` adds. An audience is there if it is fixed. */
    readonly claims: Claims;
}
