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

/**
 * A step of a Dockerfile that installs what `requirements.txt` beside it says. The credential is a BuildKit secret, a
 * file that is mounted for this one step: never a build argument or a variable of the image, and in no layer. Nothing
 * of it is in the snippet, whatever the form.
 *
 * - keyring: a key file, or what `gcloud auth application-default login` leaves. The keyring is installed beside the
 *   image's own packages, and removed in the same step.
 * - token: the token itself, from a variable of whoever builds.
 * - key: a key file, `KEY_FILE` in the command, with nothing but a shell in the image.
 *
 * Without the secret the build fails, instead of looking at PyPI alone. As elsewhere, pip takes the highest version
 * that any index has. The mount itself was never run in a test, for want of Docker: what it runs is.
 *
 * @see https://docs.docker.com/build/building/secrets/
 */
export function dockerfileClient(index: PythonIndex, { form }: Credential): Client {
    const { secret, step, build } = parts(index)[form];
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

function parts(index: PythonIndex) {
    const { indexUrl, name } = index;
    const install = "pip install --no-cache-dir --requirement requirements.txt";
    // The secret's name is one for this registry, beside which there may be others.
    const secret = (what: string) => ({ secret: `${name}-${what}`, file: `/run/secrets/${name}-${what}` });
    const [ofAccount, ofToken, ofKey] = [secret("credentials"), secret("token"), secret("key")];
    const url = (username: string, password: string) =>
        `PIP_EXTRA_INDEX_URL="${withUserInfo(indexUrl, { username }).replace("@", `:${password}@`)}"`;
    return {
        keyring: {
            secret: ofAccount.secret,
            step: [
                'keyring="$(mktemp -d)"',
                '&& python -m venv "$keyring"',
                '&& "$keyring/bin/pip" install --no-cache-dir keyring ' + keyringBackend,
                `&& GOOGLE_APPLICATION_CREDENTIALS=${ofAccount.file}`,
                'PATH="$PATH:$keyring/bin"',
                "PIP_KEYRING_PROVIDER=subprocess",
                `PIP_EXTRA_INDEX_URL=${withUserInfo(indexUrl, { username: tokenUsername })}`,
                install,
                '&& rm -r "$keyring"',
            ],
            build: {
                posix: [
                    `docker build --secret id=${ofAccount.secret},src="\${GOOGLE_APPLICATION_CREDENTIALS:-$HOME/.config/gcloud/application_default_credentials.json}" .`,
                ],
                powershell: [
                    `$credentials = if ($env:GOOGLE_APPLICATION_CREDENTIALS) { $env:GOOGLE_APPLICATION_CREDENTIALS } else { "$env:APPDATA\\gcloud\\application_default_credentials.json" }`,
                    `docker build --secret "id=${ofAccount.secret},src=$credentials" .`,
                ],
            },
        },
        token: {
            secret: ofToken.secret,
            step: [url(tokenUsername, `$(cat ${ofToken.file})`), install],
            build: withEnvironment(
                { [tokenVariable]: accessToken },
                `docker build --secret id=${ofToken.secret},env=${tokenVariable} .`,
            ),
        },
        key: {
            secret: ofKey.secret,
            step: [
                // A URL takes base64's +, / and = for something else.
                `key="$(base64 ${ofKey.file} | tr -d '\\n' | sed 's/+/%2B/g; s,/,%2F,g; s/=/%3D/g')"`,
                `&& ${url(keyUsername, "$key")}`,
                install,
            ],
            build: inEveryShell(`docker build --secret id=${ofKey.secret},src=KEY_FILE .`),
        },
    };
}
