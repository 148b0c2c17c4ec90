import {
    accessToken,
    type Client,
    fromPypi,
    joinLines,
    inEveryShell,
    keyringBackend,
    projectFile,
    type PythonIndex,
    tokenVariable,
    withEnvironment,
} from "./client";
import { type Credential, keyUsername, tokenUsername, withUserInfo } from "./credential";
import { installRequirements } from "./pip";
import type { ToolDefinition } from "./tool";

/** A step of a Dockerfile. */
export const dockerfile = { client: dockerfileClient, guide: undefined } satisfies ToolDefinition;

/**
 * A step of a Dockerfile that installs the packages in `requirements.txt` in the same folder. The credential is a BuildKit
 * secret: a file that is mounted for this one step. It is never a build argument or a variable of the image, and it is in no
 * layer. In every form, the snippet contains no part of the credential.
 *
 * - keyring: the secret is a key file, or the file that `gcloud auth application-default login` creates. The step installs the
 *   keyring outside the image's own packages, and removes the keyring at its end.
 * - token: the secret is the token, which the build command takes from an environment variable.
 * - key: the secret is a key file, `KEY_FILE` in the command. The image needs only a shell.
 *
 * pip takes the index from a second requirements file, its standard input, because an `--index-url` in requirements.txt makes it
 * ignore indexes from elsewhere.
 *
 * Without the secret, the build fails. pip installs the highest version of any index, as outside of Docker, unless this index is the
 * only one; an index that refuses
 * the credential is an index without packages to pip. The tests run the commands of the step, but not the mount, because they
 * have no Docker.
 *
 * @see https://docs.docker.com/build/building/secrets/
 */
export function dockerfileClient(index: PythonIndex, { form }: Credential): Client {
    // The name of the secret contains the name of the registry, because a build can use several registries.
    const secret = `${index.name}-${form === "keyring" ? "credentials" : form}`;
    const { step, build } = stepsByForm(index, secret)[form];
    const text = joinLines(
        "COPY requirements.txt ./",
        `RUN --mount=type=secret,id=${secret},required=true \\`,
        step.map((line) => `    ${line}`).join(" \\\n"),
    );
    return {
        install: [projectFile("Dockerfile", text)],
        publish: [],
        commands: { setup: inEveryShell(), install: build, publish: inEveryShell() },
    };
}

/** The lines of the step, and the build commands, for each form of credential. */
function stepsByForm(index: PythonIndex, secret: string) {
    const file = `/run/secrets/${secret}`;
    const install = (username: string, password = "") =>
        installRequirements(
            index,
            withUserInfo(index.indexUrl, { username }).replace("@", `${password}@`),
            "pip install --no-cache-dir",
        );
    const [printIndex, installFromKeyring] = install(tokenUsername);
    const [printToken, installWithToken] = install(tokenUsername, `:$(cat ${file})`);
    const [printKey, installWithKey] = install(keyUsername, ":$key");
    return {
        keyring: {
            step: [
                'keyring="$(mktemp -d)"',
                '&& python -m venv "$keyring"',
                '&& "$keyring/bin/pip" install --no-cache-dir ' +
                    `${fromPypi(index)}keyring ${keyringBackend}`,
                `&& ${printIndex}`,
                `| GOOGLE_APPLICATION_CREDENTIALS=${file}`,
                'PATH="$PATH:$keyring/bin"',
                "PIP_KEYRING_PROVIDER=subprocess",
                installFromKeyring,
                '&& rm -r "$keyring"',
            ],
            build: {
                posix: [
                    `docker build --secret id=${secret},src="\${GOOGLE_APPLICATION_CREDENTIALS:-$HOME/.config/gcloud/application_default_credentials.json}" .`,
                ],
                powershell: [
                    `$credentials = if ($env:GOOGLE_APPLICATION_CREDENTIALS) { $env:GOOGLE_APPLICATION_CREDENTIALS } else { "$env:APPDATA\\gcloud\\application_default_credentials.json" }`,
                    `docker build --secret "id=${secret},src=$credentials" .`,
                ],
            },
        },
        token: {
            step: [printToken, `| ${installWithToken}`],
            build: withEnvironment(
                { [tokenVariable]: accessToken },
                `docker build --secret id=${secret},env=${tokenVariable} .`,
            ),
        },
        key: {
            step: [
                // The base64 characters +, / and = have a different meaning in a URL.
                `key="$(base64 ${file} | tr -d '\\n' | sed 's/+/%2B/g; s,/,%2F,g; s/=/%3D/g')"`,
                `&& ${printKey}`,
                `| ${installWithKey}`,
            ],
            build: inEveryShell(`docker build --secret id=${secret},src=KEY_FILE .`),
        },
    };
}
