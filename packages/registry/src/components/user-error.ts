import * as pulumi from "@pulumi/pulumi";

/** An error for the user of the program. Pulumi prints exactly this message, once and without a stack trace. */
export function userError(message: string): pulumi.RunError {
    const error = new pulumi.RunError(message);
    // Pulumi hides the stack trace of a RunError only while it loads the program's main module. For each output that the error
    // passes through, Pulumi adds the name of the output to the message. An empty stack and a read-only message prevent both.
    error.stack = "";
    Object.defineProperty(error, "message", { get: () => message, set: () => undefined });
    return error;
}
