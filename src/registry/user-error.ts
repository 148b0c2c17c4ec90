import * as pulumi from "@pulumi/pulumi";

/** An error for the user of the program: shown once, in these words alone. */
export function userError(message: string): pulumi.RunError {
    const error = new pulumi.RunError(message);
    // Pulumi hides the stack of such an error only while the program's own module runs, and puts the name of each output
    // that the error comes through in front of the message.
    error.stack = "";
    Object.defineProperty(error, "message", { get: () => message, set: () => undefined });
    return error;
}
