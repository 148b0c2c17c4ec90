import { strict as assert } from "node:assert";
import { existsSync, realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { environmentWith } from "../../packages/sandbox/src/python/python-tools";
import { pythonFile } from "../../packages/sandbox/src/python/simple-index";
import {
    ToolEnvironment,
    type ToolEnvironmentOptions,
} from "../../packages/sandbox/src/python/tool-environment";
import { startSandbox, type Sandbox } from "../../packages/sandbox/src/sandbox";
import { needTools } from "../clients/registry";
import { itInRelease } from "../release";
import { createKey, createRepository, grant } from "./client";

// Google's own clients, unmodified, as a reader of the repository with a key.

const parent = "projects/sandbox-project/locations/europe-west1/repositories/python";
const files = ["hello_there-1.0-py3-none-any.whl", "hello_there-1.0.tar.gz", "hello_there-2.0.tar.gz"];

describe("sandbox: Google's clients", () => {
    let sandbox: Sandbox;
    let keyFile: string;
    beforeEach(async () => {
        sandbox = await startSandbox();
        await createRepository(sandbox);
        const { email, file } = await createKey(sandbox, "reader-1");
        await grant(sandbox, "reader", `serviceAccount:${email}`);
        keyFile = JSON.stringify(file);
        const repository = sandbox.cloud.project("sandbox-project").repositories.get("europe-west1/python")!;
        for (const filename of files) {
            const file = pythonFile("hello-there", filename, Buffer.from(filename), new Date("2026-01-01"));
            repository.files.set(filename, file);
        }
        const content = Buffer.from("other");
        repository.files.set("other-1.0.zip", pythonFile("other", "other-1.0.zip", content));
    });
    afterEach(() => sandbox.close());

    const open = (options: ToolEnvironmentOptions) =>
        ToolEnvironment.open({
            ...options,
            keyFile,
            environment: { ...sandbox.clientEnvironment, ...options.environment },
        });

    describe("gcloud", () => {
        let command: string;
        before(function () {
            const folders = (process.env["PATH"] ?? "").split(delimiter);
            const folder = folders.find((each) => existsSync(join(each, "gcloud")));
            if (folder === undefined) {
                console.log("    skipped: gcloud is not on PATH");
                this.skip();
            } else {
                command = realpathSync(join(folder, "gcloud"));
            }
        });

        /** Runs gcloud, signed in. */
        async function signIn() {
            const home = await open({
                path: [dirname(command)],
                environment: {
                    CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE: sandbox.caFile,
                    CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: "1",
                    CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: "1",
                    CLOUDSDK_CORE_PROJECT: "sandbox-project",
                },
            });
            const gcloud = async (...args: string[]) => {
                const { exitCode, output } = await home.run("gcloud", ...args);
                assert.equal(exitCode, 0, output);
                return output;
            };
            await gcloud("auth", "activate-service-account", `--key-file=${join(home.home, "key.json")}`);
            return {
                home: home.home,
                artifacts: (...args: string[]) =>
                    gcloud("artifacts", ...args, "--repository=python", "--location=europe-west1"),
                [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
            };
        }

        /** That gcloud needed no second attempt. */
        function refusesNothing() {
            const asked = sandbox.requests.filter(({ host }) => host === "artifactregistry.googleapis.com");
            assert.ok(asked.length > 0);
            assert.deepEqual(
                asked.filter(({ status }) => status !== 200),
                [],
            );
        }

        it("lists packages, versions and files", async () => {
            await using gcloud = await signIn();
            const list = async (...args: string[]) =>
                (await gcloud.artifacts(...args, "--format=value(name)"))
                    .split("\n")
                    .filter((line) => /^\S+$/.test(line));
            assert.deepEqual(await list("packages", "list"), ["hello-there", "other"]);
            const versions = await list("versions", "list", "--package=hello-there", "--sort-by=~name");
            assert.deepEqual(versions, ["2.0", "1.0"]);
            const ofVersion = await list("files", "list", "--package=hello-there", "--version=1.0");
            assert.deepEqual(
                ofVersion,
                files.slice(0, 2).map((name) => `hello-there/${name}`),
            );
            refusesNothing();
        });

        itInRelease("downloads a file, and prints the settings", async () => {
            await using gcloud = await signIn();
            await gcloud.artifacts(
                "files",
                "download",
                "hello-there/hello_there-1.0.tar.gz",
                `--destination=${gcloud.home}`,
                "--local-filename=downloaded",
            );
            const downloaded = await readFile(join(gcloud.home, "downloaded"), "utf8");
            assert.equal(downloaded, "hello_there-1.0.tar.gz");
            const settings = await gcloud.artifacts("print-settings", "python");
            const address = "europe-west1-python.pkg.dev/sandbox-project/python/";
            assert.ok(settings.includes(`\nrepository: https://${address}\n`));
            assert.ok(settings.includes(`@${address}simple/\n`));
            refusesNothing();
        });
    });

    describe("google-cloud-artifact-registry", () => {
        it("reads packages, versions and files over REST, page by page", async function () {
            await needTools(this);
            const bin = await environmentWith("google-cloud-artifact-registry==1.23.0\n");
            const program = [
                "import json",
                "from google.cloud import artifactregistry_v1 as ar",
                'client = ar.ArtifactRegistryClient(transport="rest")',
                `parent = "${parent}"`,
                'package = parent + "/packages/hello-there"',
                'version = client.get_version(name=package + "/versions/1.0")',
                "print(json.dumps({",
                '    "packages": [each.name for each in client.list_packages(parent=parent)],',
                '    "versions": [each.name for each in client.list_versions(request={"parent": package, "page_size": 1})],',
                '    "created": version.create_time.isoformat(),',
                '    "files": [[each.name, each.hashes[0].value.hex()] for each in client.list_files(',
                '        request={"parent": parent, "filter": \'owner="%s"\' % version.name, "page_size": 1})],',
                '    "python": [each.uri for each in client.list_python_packages(parent=parent)],',
                "}))",
            ].join("\n");
            await using home = await open({ path: [bin] });
            const { exitCode, output } = await home.run("python", "-c", program);
            assert.equal(exitCode, 0, output);
            const found = JSON.parse(output.trim().split("\n").at(-1) ?? "") as unknown;
            const hello = `${parent}/packages/hello-there`;
            const base = "europe-west1-python.pkg.dev/sandbox-project/python";
            assert.deepEqual(found, {
                packages: [hello, `${parent}/packages/other`],
                versions: [`${hello}/versions/1.0`, `${hello}/versions/2.0`],
                created: "2026-01-01T00:00:00+00:00",
                files: files
                    .slice(0, 2)
                    .map((filename) => [
                        `${parent}/files/hello-there%2F${filename}`,
                        pythonFile("hello-there", filename, Buffer.from(filename)).sha256,
                    ]),
                python: [
                    `${base}/hello-there/hello_there-1.0-py3-none-any.whl`,
                    `${base}/hello-there/hello_there-2.0.tar.gz`,
                    `${base}/other/other-1.0.zip`,
                ],
            });
        });
    });
});
