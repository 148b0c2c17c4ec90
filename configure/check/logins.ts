import * as v from "valibot";
import { inVariable } from "../../src/clients/client";
import { type Login, tokenUsername } from "../../src/clients/credential";
import type { Use } from "./present-files";

/** A user name and password, and where they are. */
export interface FoundLogin extends Login {
    readonly from: string;
    /** The file that holds them; undefined for a variable. */
    readonly file?: string;
}

/** Variables that hold an index's address. */
export const addressVariables: Readonly<Record<string, readonly string[]>> = {
    uv: ["UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_PUBLISH_URL"],
    twine: ["TWINE_REPOSITORY_URL"],
    pdm: ["PDM_PUBLISH_REPO"],
    hatch: ["HATCH_INDEX_REPO"],
};

/** Variables that hold a user name and password, for an index of this name. */
export function passwordVariables(tool: string, name: string, use: Use): [user: string, password: string][] {
    const plain = inVariable(name);
    const pairs: Readonly<Record<string, string | undefined>> = {
        twine: "TWINE_USERNAME TWINE_PASSWORD",
        uv:
            use === "publish"
                ? "UV_PUBLISH_USERNAME UV_PUBLISH_PASSWORD"
                : `UV_INDEX_${plain}_USERNAME UV_INDEX_${plain}_PASSWORD`,
        poetry: `POETRY_HTTP_BASIC_${plain}_USERNAME POETRY_HTTP_BASIC_${plain}_PASSWORD`,
        pdm: use === "publish" ? "PDM_PUBLISH_USERNAME PDM_PUBLISH_PASSWORD" : undefined,
        hatch:
            use === "publish"
                ? "HATCH_INDEX_USER HATCH_INDEX_AUTH"
                : `UV_INDEX_${plain}_USERNAME UV_INDEX_${plain}_PASSWORD`,
    };
    const [user, secret] = pairs[tool]?.split(" ") ?? [];
    return user === undefined || secret === undefined ? [] : [[user, secret]];
}

/** The login, if it has a password. */
export function password(login: Partial<Login>, from: string, file?: string): FoundLogin | undefined {
    if (!isPassword(login.password)) return undefined;
    const { username = tokenUsername } = login;
    return { username, password: login.password, from, ...(file !== undefined && { file }) };
}

/** A variable's name in the password's place is none. */
export function isPassword(text: string | undefined): text is string {
    return text !== undefined && !/^\$\{\w+\}$/.test(text);
}

const keySchema = v.pipe(v.string(), v.parseJson(), v.object({ client_email: v.string() }));

/** The account of a service account's key in base64; undefined if it is none. */
export function keyOwner(base64: string): string | undefined {
    const parsed = v.safeParse(keySchema, Buffer.from(base64, "base64").toString("utf8"));
    return parsed.success ? parsed.output.client_email : undefined;
}
