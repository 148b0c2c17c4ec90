/** One output of a program. */
export interface EngineOutput {
    readonly value: unknown;
    readonly secret: boolean;
}

/** What an engine deploys. */
export interface Deployment {
    readonly stack: string;
    /** Full key (`gcp:project`) → text, as Pulumi passes them to a program: lists, maps and booleans are JSON. */
    readonly config: Readonly<Record<string, string>>;
    /** Called with a line for each step. */
    readonly onProgress?: (line: string) => void;
}

/** A resource that a program registered. */
export interface DeployedResource {
    readonly type: string;
    readonly name: string;
    /** URNs of the resources that it depends on. */
    readonly dependencies: readonly string[];
}

/** The result of a deployment. */
export interface DeploymentResult {
    /** In the order of their creation. */
    readonly resources: readonly DeployedResource[];
    readonly outputs: Readonly<Record<string, EngineOutput>>;
}

/** Runs the program, `index.ts`, against the APIs that its configuration names. */
export interface Engine {
    /** Shown to the user: which engine it is, and why. */
    readonly description: string;
    /** @throws Error with the message of the program or the API */
    up(deployment: Deployment): Promise<DeploymentResult>;
}
