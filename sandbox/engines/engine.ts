/** One output of a program. */
export interface EngineOutput {
    readonly value: unknown;
    readonly secret: boolean;
}

/** What an engine is to bring up. */
export interface Deployment {
    readonly stack: string;
    /** Full key (`gcp:project`) → text; lists, maps and booleans as JSON, as Pulumi hands them to a program. */
    readonly config: Readonly<Record<string, string>>;
    /** Called as the resources come up. */
    readonly onProgress?: (line: string) => void;
}

/** A resource that a program registered. */
export interface DeployedResource {
    readonly type: string;
    readonly name: string;
    /** URNs of the resources that it waited for. */
    readonly dependencies: readonly string[];
}

/** What came of a deployment. */
export interface DeploymentResult {
    /** In the order in which they were made. */
    readonly resources: readonly DeployedResource[];
    readonly outputs: Readonly<Record<string, EngineOutput>>;
}

/** Carries out the program, `index.ts`, against the APIs that its configuration names. */
export interface Engine {
    /** For people: which one it is, and why. */
    readonly description: string;
    /** @throws Error with what the program or the API said. */
    up(deployment: Deployment): Promise<DeploymentResult>;
}
