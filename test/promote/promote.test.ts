import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { needTools } from "../clients/registry";
import { within } from "../deadline";
import { itInRelease } from "../release";
import { createKey } from "../sandbox/client";
import { core, host, http, promoter, Registries, source, target } from "./registries";

// npm run promote, as a process, with the real twine, between two registries of the sandbox.

const between = ["--from", source, "--to", target];
const both = [...between, "acme-core==1.2.3", "acme-http==2.0"];

describe("npm run promote", () => {
    let registries: Registries;
    /** Undefined where the tools cannot be installed. */
    let opened: Registries | undefined;
    before(async function () {
        registries = opened = await Registries.open(await needTools(this));
    });
    beforeEach(() => registries.reset());
    after(() => opened?.[Symbol.asyncDispose]());

    const succeed = async (...args: Parameters<Registries["promote"]>) => {
        const result = await registries.promote(...args);
        assert.equal(result.exitCode, 0, result.stdout + result.stderr);
        return result;
    };
    const fail = async (exitCode: number, ...args: Parameters<Registries["promote"]>) => {
        const result = await registries.promote(...args);
        assert.equal(result.exitCode, exitCode, result.stdout + result.stderr);
        assert.deepEqual(registries.content("prod"), prod, result.stdout);
        return result.stderr;
    };
    /** What the target must have after a failure. */
    let prod: Record<string, string>;
    beforeEach(() => (prod = {}));

    const filesOf = (...samples: (typeof core)[]) =>
        samples
            .flatMap((sample) => registries.paths(sample))
            .map((path) => basename(path))
            .sort();

    it("uploads every file of several packages, once, with the hashes of the source", async () => {
        const first = await succeed(both);
        assert.deepEqual(registries.content("prod"), registries.content("dev"));
        assert.deepEqual(Object.keys(registries.content("prod")), filesOf(core, http));
        assert.equal(registries.uploads().length, 4);
        assert.match(
            first.stdout,
            /^\[1\/4\] acme_core-1\.2\.3-py\d?.*\.whl: uploaded, and the hash read back$/m,
        );
        assert.match(first.stdout, /^\[1\/4\] acme_core\S+: verified \(\d+ bytes\)$/m);
        assert.match(first.stdout, /^Done: 4 files uploaded, 0 already there$/m);
        // No color and no control character in a pipe.
        assert.doesNotMatch(first.stdout, /\p{Cc}(?<!\n)/u);

        registries.requests.length = 0;
        const again = await succeed([...between, "ACME.core==1.2.3.0,acme_http==2", "acme-core==1.2.3"]);
        assert.match(again.stdout, /^Done: 0 files uploaded, 4 already there$/m);
        assert.deepEqual(
            registries.requests.map(({ method, url }) => `${method} ${url.pathname}`).sort(),
            ["dev", "prod"].flatMap((id) =>
                ["acme-core", "acme-http"].map((name) => `GET /sandbox-project/${id}/simple/${name}/`),
            ),
        );
        assert.deepEqual(await registries.leftover(), []);
    });

    itInRelease("shows what it would upload with --dry-run, and downloads and uploads nothing", async () => {
        const [one = ""] = registries.paths(core);
        await registries.publish("prod", core.name, one);
        const { stdout } = await succeed([...both, "--dry-run"]);
        assert.match(stdout, /^Would upload 3 files; 1 already there\. Nothing was changed$/m);
        assert.equal(stdout.match(/: would be uploaded$/gm)?.length, 3);
        assert.equal(stdout.match(/: already there, with the same hash$/gm)?.length, 1);
        assert.equal(registries.requests.filter(({ url }) => !url.pathname.includes("/simple/")).length, 0);
        assert.deepEqual(Object.keys(registries.content("prod")), [basename(one)]);
    });

    it("changes nothing if one file of one package is different at the target, and says both hashes", async () => {
        const [name = ""] = filesOf(http);
        const content = Buffer.from("other");
        const other = createHash("sha256").update(content).digest("hex");
        registries.repository("prod").files.set(name, {
            package: http.name,
            version: http.version,
            filename: name,
            content,
            uploaded: new Date(),
            sha256: other,
        });
        prod = registries.content("prod");
        const message = await fail(1, both);
        assert.match(
            message,
            new RegExp(`${name} is different at the target: sha256 ${registries.content("dev")[name]!} at`),
        );
        assert.match(message, new RegExp(`and ${other} at the target ${target}`));
        assert.equal(registries.uploads().length, 0);
    });

    it("says every mistake at once, with the exit code of a wrong command line", async () => {
        const args = ["--from", "projects/p/locations/../repositories/r", "--to", "outputs.json"];
        const message = await fail(2, [...args, "acme-core", "a[b]==1", "a==1.*", "x==>1"], {
            PATH: "/nowhere",
        });
        for (const part of [
            /"acme-core", "a\[b\]==1", "a==1\.\*", "x==>1": not a package with its version/,
            /"projects\/p\/locations\/\.\.\/repositories\/r" is not the resource name of a repository/,
            /outputs\.json cannot be read \(ENOENT\)/,
            /twine is not on PATH, and uploads need it\. Install it: pipx install twine/,
        ]) {
            assert.match(message, part);
        }
    });

    itInRelease("says how it is used", async () => {
        assert.match(await fail(2, ["--from", source, "--to", source, "a==1"]), /the same repository/);
        assert.match(await fail(2, ["--from", source, "a==1"]), /required option '--to <registry>'/);
        assert.match((await succeed(["--help"])).stdout, /^Exit codes:\n {2}0 {2}the target has every file/m);
    });

    itInRelease("says all that is missing at the source", async () => {
        const message = await fail(1, [...between, "acme-core==9", "unknown==1", "acme-http==2.0+local"]);
        assert.match(message, /has no wheel and no sdist of acme-core 9\. Its versions: 1\.2\.3$/m);
        assert.match(message, /of unknown 1\. It does not have the package, or no such repository exists$/m);
        assert.match(message, /of acme-http 2\.0\+local\. Its versions: 2\.0$/m);
    });

    itInRelease("says which side refuses the identity, and which role it needs", async () => {
        await registries.grant("dev", "reader");
        const noReader = await fail(1, both);
        assert.match(
            noReader,
            new RegExp(`source ${source} answered 403 .*roles/artifactregistry\\.reader on the source`),
        );
        assert.doesNotMatch(noReader, /target .* answered/);

        const token = { CLOUDSDK_AUTH_ACCESS_TOKEN: "ya29.unknown-unknown-unknown" };
        const unknown = await fail(1, both, token);
        assert.match(unknown, /source \S+ answered 401 .*The source does not accept the credential/);
        assert.match(unknown, /target \S+ answered 401 .*The target does not accept the credential/);
        assert.doesNotMatch(unknown, /ya29/);
    });

    itInRelease("says that an upload was refused, and which role it needs", async () => {
        await registries.grant("prod", "reader", promoter);
        const message = await fail(1, both);
        assert.match(
            message,
            /twine could not upload acme_core\S+ to the target .*roles\/artifactregistry\.writer on the target/,
        );
        assert.match(message, /^ {2}twine: .*403 Forbidden/m);
    });

    /** Answers the source's index page of acme-core with these links. */
    const serveLinks = (...links: string[]) => {
        registries.intercept = ({ url }) =>
            url.pathname === "/sandbox-project/dev/simple/acme-core/"
                ? new Response(
                      links.map((link) => `<a href="${link}">acme_core-1.2.3.tar.gz</a>`).join("\n"),
                      {
                          headers: { "content-type": "text/html" },
                      },
                  )
                : undefined;
    };
    const good = "/sandbox-project/dev/acme-core/acme_core-1.2.3.tar.gz";

    it("sends its credential to no other host, whatever the index says", async () => {
        const hash = `#sha256=${registries.content("dev")["acme_core-1.2.3.tar.gz"]!}`;
        serveLinks(`${good}${hash}`, `https://evil.example/acme_core-1.2.3-py3-none-any.whl${hash}`);
        const message = await fail(1, [...between, "acme-core==1.2.3"]);
        assert.match(message, /The index has a link "https:\/\/evil\.example\/.*", which leads away from/);
        assert.ok(
            registries.requests.every(
                ({ url }) => url.hostname === host && url.pathname.includes("/simple/"),
            ),
        );
    });

    itInRelease("refuses a file without a hash, and one with a wrong hash", async () => {
        serveLinks(good);
        assert.match(
            await fail(1, [...between, "acme-core==1.2.3"]),
            /the index has no sha256 of acme_core-1\.2\.3\.tar\.gz/,
        );
        const wrong = "0".repeat(64);
        serveLinks(`${good}#sha256=${wrong}`);
        const message = await fail(1, both);
        assert.match(
            message,
            new RegExp(`its sha256 is [0-9a-f]{64}, but the index of the source ${source} says ${wrong}`),
        );
        assert.equal(registries.uploads().length, 0);
        assert.deepEqual(await registries.leftover(), []);
    });

    itInRelease("follows a redirect to a storage without its credential", async () => {
        const [name = ""] = filesOf(http);
        const content = registries.repository("dev").files.get(name)!.content;
        registries.intercept = ({ url }) =>
            url.pathname === `/sandbox-project/dev/acme-http/${name}`
                ? new Response(null, {
                      status: 302,
                      headers: { location: "https://storage.example/signed?x=1" },
                  })
                : url.hostname === "storage.example"
                  ? new Response(new Uint8Array(content))
                  : undefined;
        await succeed([...between, "acme-http==2.0"]);
        assert.deepEqual(Object.keys(registries.content("prod")), filesOf(http));
        const stored = registries.requests.filter(({ url }) => url.hostname !== host);
        assert.deepEqual(
            stored.map(({ url, authorization }) => [url.href, authorization]),
            [["https://storage.example/signed?x=1", null]],
        );
    });

    itInRelease("refuses outputs that name a different host, and reads those of a stack", async () => {
        const repository = {
            id: "dev",
            name: source,
            project: "sandbox-project",
            location: "europe-west1",
            indexUrl: `https://${host}/sandbox-project/dev/simple/`,
            uploadUrl: `https://${host}/sandbox-project/dev/`,
        };
        const write = (changed: object) =>
            writeFile(
                join(registries.folder, "dev.json"),
                JSON.stringify({ repository: { ...repository, ...changed } }),
            );
        const args = ["--from", "dev.json", "--to", target, "acme-core==1.2.3", "--dry-run"];
        for (const changed of [
            { indexUrl: "https://evil.example/sandbox-project/dev/simple/" },
            { uploadUrl: "https://evil.example/sandbox-project/dev/" },
            { location: "evil.example/x" },
            { project: ".." },
            { id: "other" },
            { name: target },
        ]) {
            await write(changed);
            assert.match(await fail(1, args), /dev\.json does not contain the outputs .* of a different one/);
        }
        assert.equal(registries.requests.length, 0);
        await write({});
        assert.match((await succeed(args)).stdout, /^Would upload 2 files/m);
        // A stack with a mirror: its tools ask a virtual repository.
        await write({
            indexUrl: `https://${host}/sandbox-project/all/simple/`,
            indexRepository: "all",
        });
        assert.match((await succeed(args)).stdout, /^Would upload 2 files/m);
        assert.ok(registries.requests.every(({ url }) => !url.pathname.includes("/all/")));

        const pulumi = join(registries.folder, "bin");
        await mkdir(pulumi, { recursive: true });
        const script = `#!/bin/sh\necho "$*" >> "$HOME/calls.txt"\ncase "$*" in version) echo v3 ;; *--stack=dev) cat "$HOME/dev.json" ;; *) echo "error: no stack named" >&2; exit 255 ;; esac\n`;
        await writeFile(join(pulumi, "pulumi"), script, { mode: 0o755 });
        const { PATH = "" } = await registries.environment();
        const withPulumi = { PATH: `${pulumi}:${PATH}` };
        const stack = ["--to", target, "acme-core==1.2.3", "--dry-run"];
        const read = await succeed(["--from", "dev", ...stack], withPulumi);
        assert.match(read.stdout, new RegExp(`^From ${source} \\(stack dev\\)$`, "m"));
        assert.match(
            await readFile(join(registries.folder, "calls.txt"), "utf8"),
            /^stack output --json --non-interactive --stack=dev$/m,
        );
        assert.match(
            await fail(1, ["--from", "gone", ...stack], withPulumi),
            /Cannot read the outputs of the stack gone: no stack named/,
        );
    });

    it("has its token in no argument, no file and no message, and ignores twine's variables", async () => {
        const token = registries.sandbox.issueToken(promoter);
        const seen: string[] = [];
        const modes = new Set<string>();
        registries.intercept = async ({ method }) => {
            if (method !== "POST") return undefined;
            // twine runs now.
            for (const id of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
                seen.push(await readFile(join("/proc", id, "cmdline"), "utf8").catch(() => ""));
            }
            const folders = await registries.leftover();
            for (const folder of folders) {
                const path = join(registries.folder, "tmp", folder);
                modes.add(((await stat(path)).mode & 0o777).toString(8));
                for (const name of await readdir(path)) seen.push(await readFile(join(path, name), "latin1"));
            }
            return undefined;
        };
        const { stdout, stderr } = await succeed([...between, "acme-http==2.0"], {
            CLOUDSDK_AUTH_ACCESS_TOKEN: token,
            TWINE_REPOSITORY_URL: "https://evil.example/",
            TWINE_REPOSITORY: "evil",
            TWINE_USERNAME: "someone",
            TWINE_PASSWORD: "something",
        });
        assert.ok(seen.some((text) => /twine\0upload\0/.test(text)));
        assert.ok(seen.some((text) => text.includes(`repository: https://${host}/sandbox-project/prod/`)));
        assert.deepEqual([...modes], ["700"]);
        for (const text of [...seen, stdout, stderr]) assert.ok(!text.includes(token));
        assert.ok(registries.requests.every(({ url }) => url.hostname === host));
    });

    itInRelease("does not believe a target that lies about a hash, and stops", async () => {
        const lie = "f".repeat(64);
        registries.intercept = async ({ method, url }, forward) => {
            if (method !== "GET" || !url.pathname.startsWith("/sandbox-project/prod/simple/"))
                return undefined;
            const page = await (await forward()).text();
            return new Response(page.replaceAll(/sha256=[0-9a-f]{64}/g, `sha256=${lie}`), {
                status: page.includes("sha256=") ? 200 : 404,
            });
        };
        const result = await registries.promote(both);
        assert.equal(result.exitCode, 1, result.stdout);
        assert.match(
            result.stderr,
            new RegExp(
                `was uploaded with sha256 [0-9a-f]{64}, but the index of the target ${target} says ${lie}`,
            ),
        );
        assert.equal(registries.uploads().length, 1);
        assert.equal(Object.keys(registries.content("prod")).length, 1);
    });

    itInRelease("uses a credential file of its own for each side", async () => {
        const reader = await createKey(registries.sandbox, "reader");
        const writer = await createKey(registries.sandbox, "writer");
        await registries.grant("dev", "reader", `serviceAccount:${reader.email}`);
        await registries.grant("prod", "writer", `serviceAccount:${writer.email}`);
        for (const [name, { file }] of Object.entries({ reader, writer })) {
            await writeFile(join(registries.folder, `${name}.json`), JSON.stringify(file));
        }
        const before = registries.sandbox.requests.length;
        const args = [...both, "--from-credentials", "reader.json", "--to-credentials", "writer.json"];
        await succeed(args);
        assert.deepEqual(registries.content("prod"), registries.content("dev"));
        const used = registries.sandbox.requests
            .slice(before)
            .filter(({ plane }) => plane === "data")
            .map(({ principal, path }) => `${principal ?? "nobody"} ${path.split("/")[2] ?? ""}`);
        assert.deepEqual([...new Set(used)].sort(), [
            `serviceAccount:${reader.email} dev`,
            `serviceAccount:${writer.email} prod`,
        ]);
        // Never a different identity in place of the file's: here its key is unknown.
        await writeFile(
            join(registries.folder, "reader.json"),
            JSON.stringify({
                ...reader.file,
                private_key_id: "unknown",
                private_key: writer.file.private_key,
            }),
        );
        const refused = await registries.promote(args);
        assert.equal(refused.exitCode, 1);
        assert.match(
            refused.stderr,
            /The credentials in reader\.json \(--from-credentials\) give no access token/,
        );
    });

    itInRelease("says how to sign in if there is no credential", async () => {
        const message = await fail(1, both, { CLOUDSDK_AUTH_ACCESS_TOKEN: "" });
        assert.match(
            message,
            /There is no access token for \S+dev\. Sign in with gcloud auth application-default login/,
        );
    });

    /** A request during which the command is ended: when it arrives, or when its answer is ready. */
    interface Moment {
        readonly what: string;
        readonly method: string;
        readonly path: RegExp;
        /** The how manyth request of this kind. */
        readonly nth: number;
        readonly after?: boolean;
        /** How many files the target has then. */
        readonly stored: number;
    }
    const index = { what: "it reads an index", method: "GET", path: /\/dev\/simple\//, nth: 1, stored: 0 };
    const download = {
        ...{ what: "it downloads the second file", method: "GET", path: /\/dev\/acme-/, nth: 2 },
        ...{ after: true, stored: 0 },
    };
    const upload = { what: "twine starts an upload", method: "POST", path: /\/prod\//, nth: 1 };
    const stored = { ...upload, what: "the registry has stored a file", after: true };
    const readBack = { what: "it reads back a hash", method: "GET", path: /\/prod\/simple\//, nth: 3 };
    const moments: readonly (readonly [signal: "SIGKILL" | "SIGTERM", moment: Moment])[] = [
        ["SIGKILL", index],
        ["SIGKILL", download],
        // A signal that lets the command clean up.
        ["SIGTERM", download],
        ["SIGTERM", { ...upload, stored: 0 }],
        ["SIGKILL", { ...upload, stored: 0 }],
        ["SIGKILL", { ...stored, stored: 1 }],
        ["SIGKILL", { ...readBack, after: true, stored: 2 }],
        ["SIGKILL", { ...upload, nth: 2, stored: 3 }],
        ["SIGKILL", { ...stored, stored: 4 }],
    ];

    itInRelease("finishes after each run before it was ended, a little later each time", async () => {
        for (const [signal, { what, method, path, nth, after = false, stored: expected }] of moments) {
            let count = 0;
            let reached = () => {};
            const arrived = new Promise<void>((resolve) => (reached = resolve));
            registries.intercept = async (request, forward) => {
                if (request.method !== method || !path.test(request.url.pathname) || ++count !== nth) {
                    return undefined;
                }
                const response = after ? await forward() : undefined;
                reached();
                await within("the command to end", ended);
                return response ?? new Response(null, { status: 503 });
            };
            const before = await registries.leftover();
            const running = registries.start(both, await registries.environment(), { detached: true });
            const ended = running.then(() => undefined);
            await within(what, Promise.race([arrived, ended]));
            // twine too, which gets the signal of a terminal.
            process.kill(signal === "SIGKILL" ? -running.pid! : running.pid!, signal);
            const { signal: by, exitCode } = await within("the command to end", running);
            assert.ok(by === signal || exitCode === 143, `${what}: ${by ?? ""} ${exitCode ?? ""}`);
            if (signal === "SIGTERM") assert.deepEqual(await registries.leftover(), before);
            assert.equal(Object.keys(registries.content("prod")).length, expected, what);
        }
        registries.intercept = () => undefined;
        const { stdout } = await succeed(both);
        assert.match(stdout, /4 already there$/m);
        assert.deepEqual(registries.content("prod"), registries.content("dev"));
    });

    itInRelease("goes on if a file appears at the target while twine uploads it", async () => {
        const [path = ""] = registries.paths(core);
        registries.intercept = async ({ method }) => {
            if (method === "POST") await registries.publish("prod", core.name, path);
            return undefined;
        };
        await succeed(both);
        assert.deepEqual(registries.content("prod"), registries.content("dev"));
    });

    itInRelease("names what only the target has", async () => {
        const filename = "acme_core-1.2.3-2-py3-none-any.whl";
        registries.repository("prod").files.set(filename, {
            package: core.name,
            version: core.version,
            filename,
            content: Buffer.from("x"),
            uploaded: new Date(),
            sha256: "0".repeat(64),
        });
        const { stdout } = await succeed([...between, "acme-core==1.2.3"]);
        assert.match(
            stdout,
            new RegExp(`^note: The target also has ${filename}, which the source does not have`, "m"),
        );
    });
});
