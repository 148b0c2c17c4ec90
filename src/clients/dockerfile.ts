import {
    accessToken,
    type Client,
    everywhere,
    inEveryShell,
    keyringBackend,
    type PythonIndex,
    tokenVariable,
    withEnvironment,
} from "./client";
import { type Credential, keyUsername, tokenUsername, withUserInfo } from "./credential";
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
 * Without the secret, the build fails; pip never falls back to PyPI alone. pip installs the highest version of any index, as
 * outside of Docker. The tests run the commands of the step, but not the mount, because they have no Docker.
 *
 * @see https://docs.docker.com/build/building/secrets/
 */
export function dockerfileClient(index: PythonIndex, { form }: Credential): Client {
    const { secret, step, build } = stepsByForm(index)[form];
    return {
        install: [
            {
                scope: "project",
                path: everywhere("Dockerfile"),
                text: [
                    "COPY requirements.txt ./",
                    `RUN --mount=type=secret,id=${secret},required=true \\`,
                    step.map((line) => `    ${line}`).join(" \\\n"),
                    "",
                ].join("\n"),
            },
        ],
        publish: [],
        commands: { setup: inEveryShell(), install: build, publish: inEveryShell() },
    };
}

/** The secret's name, the lines of the step, and the build commands, for each form of credential. */
function stepsByForm(index: PythonIndex) {
    const { indexUrl, name } = index;
    const install = "pip install --no-cache-dir --requirement requirements.txt";
    // The name of the secret contains the name of the registry, because a build can use several registries.
    const secret = (kind: string) => ({ secret: `${name}-${kind}`, file: `/run/secrets/${name}-${kind}` });
    const [credentialsSecret, tokenSecret, keySecret] = [
        secret("credentials"),
        secret("token"),
        secret("key"),
    ];
    const url = (username: string, password: string) =>
        `PIP_EXTRA_INDEX_URL="${withUserInfo(indexUrl, { username }).replace("@", `:${password}@`)}"`;
    return {
        keyring: {
            secret: credentialsSecret.secret,
            step: [
                'keyring="$(mktemp -d)"',
                '&& python -m venv "$keyring"',
                '&& "$keyring/bin/pip" install --no-cache-dir keyring ' + keyringBackend,
                `&& GOOGLE_APPLICATION_CREDENTIALS=${credentialsSecret.file}`,
                'PATH="$PATH:$keyring/bin"',
                "PIP_KEYRING_PROVIDER=subprocess",
                `PIP_EXTRA_INDEX_URL=${withUserInfo(indexUrl, { username: tokenUsername })}`,
                install,
                '&& rm -r "$keyring"',
            ],
            build: {
                posix: [
                    `docker build --secret id=${credentialsSecret.secret},src="\${GOOGLE_APPLICATION_CREDENTIALS:-$HOME/.config/gcloud/application_default_credentials.json}" .`,
                ],
                powershell: [
                    `$credentials = if ($env:GOOGLE_APPLICATION_CREDENTIALS) { $env:GOOGLE_APPLICATION_CREDENTIALS } else { "$env:APPDATA\\gcloud\\application_default_credentials.json" }`,
                    `docker build --secret "id=${credentialsSecret.secret},src=$credentials" .`,
                ],
            },
        },
        token: {
            secret: tokenSecret.secret,
            step: [url(tokenUsername, `$(cat ${tokenSecret.file})`), install],
            build: withEnvironment(
                { [tokenVariable]: accessToken },
                `docker build --secret id=${tokenSecret.secret},env=${tokenVariable} .`,
            ),
        },
        key: {
            secret: keySecret.secret,
            step: [
                // The base64 characters +, / and = have a different meaning in a URL.
                `key="$(base64 ${keySecret.file} | tr -d '\\n' | sed 's/+/%2B/g; s,/,%2F,g; s/=/%3D/g')"`,
                `&& ${url(keyUsername, "$key")}`,
                install,
            ],
            build: inEveryShell(`docker build --secret id=${keySecret.secret},src=KEY_FILE .`),
        },
    };
}
