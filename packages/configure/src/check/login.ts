import * as v from "valibot";
import { type Login, tokenUsername } from "python-registry/clients/credential";

/** A user name and password, and where they are. */
export interface FoundLogin extends Login {
    readonly from: string;
    /** The file that holds them; undefined for a variable. */
    readonly file?: string;
}

/** The login, if it has a password. */
export function foundLogin(login: Partial<Login>, from: string, file?: string): FoundLogin | undefined {
    if (!isPassword(login.password)) return undefined;
    const { username = tokenUsername } = login;
    return { username, password: login.password, from, ...(file !== undefined && { file }) };
}

/** Whether this is a password, and not the name of a variable that holds it. */
export function isPassword(text: string | undefined): text is string {
    return text !== undefined && !/^\$\{\w+\}$/.test(text);
}

const keySchema = v.pipe(v.string(), v.parseJson(), v.object({ client_email: v.string() }));

/** The account of a service account key in base64; undefined for any other text. */
export function accountOfKey(base64: string): string | undefined {
    const parsed = v.safeParse(keySchema, Buffer.from(base64, "base64").toString("utf8"));
    return parsed.success ? parsed.output.client_email : undefined;
}
