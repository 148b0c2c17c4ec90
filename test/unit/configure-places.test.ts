import assert from "node:assert/strict";
import type { ConfigurableTool } from "../../packages/configure/src/tools/configurable";
import { getPlace } from "../../packages/configure/src/tools/places";
import { onPath, type System, variable } from "../../packages/configure/src/machine/system";
import type { ClientFile, Scope } from "../../packages/registry/src/clients/client";
import { tools } from "../../packages/registry/src/clients/tools";

const homes = { linux: "/home/dev", macos: "/Users/dev", windows: "C:\\Users\\dev" } as const;

function system(
    kind: System["kind"],
    more: Partial<Omit<System, "exists">> & { files?: string[] } = {},
): System {
    const { files = [], ...rest } = more;
    return {
        kind,
        environment: {},
        home: homes[kind],
        workingDirectory: kind === "windows" ? "C:\\projects\\app\\src" : "/projects/app/src",
        ...rest,
        exists: (file) => files.includes(file),
    };
}

const index = {
    name: "python",
    indexUrl: "https://europe-west1-python.pkg.dev/p/python/simple/",
    uploadUrl: "https://europe-west1-python.pkg.dev/p/python/",
    keyring: "auto",
    publicPackages: "pypi",
    internalPackages: ["acme-core"],
} as const;

/** The places of a tool's files in a scope. */
function places(tool: ConfigurableTool, scope: Scope, machine: System): string[] {
    const client = tools[tool].client(index, { form: "key", keyBase64: "e30=" });
    const files: ClientFile[] = [...(client?.install ?? []), ...(client?.publish ?? [])];
    return [
        ...new Set(
            files
                .filter((file) => file.scope === scope)
                .map((file) => {
                    const place = getPlace(file, machine, tool);
                    return "path" in place ? place.path : `none: ${place.problem}`;
                }),
        ),
    ];
}

describe("configure: the place of a file", () => {
    const tables: [string, ConfigurableTool, Scope, Record<System["kind"], string[]>][] = [
        [
            "pip's own",
            "pip",
            "user",
            {
                linux: ["/home/dev/.config/pip/pip.conf"],
                macos: ["/Users/dev/.config/pip/pip.conf"],
                windows: ["C:\\Users\\dev\\AppData\\Roaming\\pip\\pip.ini"],
            },
        ],
        [
            "pip's for the machine",
            "pip",
            "global",
            {
                linux: ["/etc/pip.conf"],
                macos: ["/Library/Application Support/pip/pip.conf"],
                windows: ["C:\\ProgramData\\pip\\pip.ini"],
            },
        ],
        [
            "twine's",
            "twine",
            "user",
            {
                linux: ["/home/dev/.pypirc"],
                macos: ["/Users/dev/.pypirc"],
                windows: ["C:\\Users\\dev\\.pypirc"],
            },
        ],
        [
            "uv's own",
            "uv",
            "user",
            {
                linux: ["/home/dev/.config/uv/uv.toml"],
                macos: ["/Users/dev/.config/uv/uv.toml"],
                windows: ["C:\\Users\\dev\\AppData\\Roaming\\uv\\uv.toml"],
            },
        ],
    ];
    for (const [what, tool, scope, expected] of tables) {
        for (const kind of ["linux", "macos", "windows"] as const) {
            it(`${what}, on ${kind}`, () => {
                assert.deepEqual(places(tool, scope, system(kind)), expected[kind]);
            });
        }
    }

    it("in the virtual environment that a variable names", () => {
        const active = (kind: System["kind"], folder: string) =>
            places("pip", "venv", system(kind, { environment: { VIRTUAL_ENV: folder }, files: [folder] }));
        assert.deepEqual(active("linux", "/projects/.venv"), ["/projects/.venv/pip.conf"]);
        assert.deepEqual(active("windows", "C:\\projects\\.venv"), ["C:\\projects\\.venv\\pip.ini"]);
        assert.deepEqual(
            places(
                "pip",
                "venv",
                system("linux", {
                    environment: { CONDA_PREFIX: "/conda/envs/x" },
                    files: ["/conda/envs/x"],
                }),
            ),
            ["/conda/envs/x/pip.conf"],
        );
        assert.match(
            places("pip", "venv", system("linux", { environment: { VIRTUAL_ENV: "/gone" } }))[0]!,
            /^none: the active virtual environment does not exist: \/gone/,
        );
        assert.match(places("pip", "venv", system("linux"))[0]!, /^none: no virtual environment is active/);
    });

    it("follows XDG_CONFIG_HOME on Linux, for uv on macOS too, unless it is relative", () => {
        const environment = { XDG_CONFIG_HOME: "/data/config/" };
        assert.deepEqual(places("pip", "user", system("linux", { environment })), [
            "/data/config/pip/pip.conf",
        ]);
        assert.deepEqual(places("uv", "user", system("macos", { environment })), ["/data/config/uv/uv.toml"]);
        assert.deepEqual(places("pip", "user", system("macos", { environment })), [
            "/Users/dev/.config/pip/pip.conf",
        ]);
        assert.deepEqual(
            places("pip", "user", system("linux", { environment: { XDG_CONFIG_HOME: "config" } })),
            ["/home/dev/.config/pip/pip.conf"],
        );
    });

    it("follows APPDATA, LOCALAPPDATA and ProgramData on Windows, in upper or lower case", () => {
        const machine = system("windows", {
            environment: { AppData: "D:\\roaming", PROGRAMDATA: "E:\\all" },
        });
        assert.deepEqual(places("pip", "user", machine), ["D:\\roaming\\pip\\pip.ini"]);
        assert.deepEqual(places("pip", "global", machine), ["E:\\all\\pip\\pip.ini"]);
    });

    it("follows PIP_CONFIG_FILE, and is nowhere if that turns off pip's files", () => {
        const named = (value: string, kind: System["kind"] = "linux") =>
            places("pip", "user", system(kind, { environment: { PIP_CONFIG_FILE: value } }))[0];
        assert.equal(named("/srv/pip.conf"), "/srv/pip.conf");
        assert.equal(named("~/my.conf"), "/home/dev/my.conf");
        assert.equal(named("my.conf"), "/projects/app/src/my.conf");
        assert.equal(named(""), "/home/dev/.config/pip/pip.conf");
        assert.match(named("/dev/null") ?? "", /^none: PIP_CONFIG_FILE turns/);
        assert.match(named("nul", "windows") ?? "", /^none: PIP_CONFIG_FILE turns/);
    });

    it("is the legacy one if only that exists", () => {
        const old = "/home/dev/.pip/pip.conf";
        const files = [old, "/home/dev/.config/pip/pip.conf"];
        assert.deepEqual(places("pip", "user", system("linux", { files: [old] })), [old]);
        assert.deepEqual(places("pip", "user", system("linux", { files })), [
            "/home/dev/.config/pip/pip.conf",
        ]);
        assert.deepEqual(
            places("pip", "user", system("windows", { files: ["C:\\Users\\dev\\pip\\pip.ini"] })),
            ["C:\\Users\\dev\\pip\\pip.ini"],
        );
        assert.deepEqual(
            places("pip", "user", system("macos", { files: ["/Users/dev/Library/Application Support/pip"] })),
            ["/Users/dev/Library/Application Support/pip/pip.conf"],
        );
    });

    it("is .netrc on Windows if that exists, otherwise _netrc", () => {
        const dotted = "C:\\Users\\dev\\.netrc";
        assert.deepEqual(places("netrc", "user", system("windows", { files: [dotted] })), [dotted]);
        assert.deepEqual(places("netrc", "user", system("windows")), ["C:\\Users\\dev\\_netrc"]);
    });

    it("in the current project", () => {
        const files = ["/projects/pyproject.toml", "/projects/app/pyproject.toml"];
        assert.deepEqual(places("poetry", "project", system("linux", { files })), [
            "/projects/app/pyproject.toml",
        ]);
        assert.match(places("poetry", "project", system("linux"))[0]!, /^none: there is no pyproject\.toml/);
        assert.deepEqual(
            places("poetry", "project", system("windows", { files: ["C:\\projects\\pyproject.toml"] })),
            ["C:\\projects\\pyproject.toml"],
        );
    });
});

describe("configure: the environment", () => {
    it("ignores case on Windows, and treats an empty variable as not set", () => {
        const environment = { Path: "C:\\bin", EMPTY: "" };
        assert.equal(variable(system("windows", { environment }), "PATH"), "C:\\bin");
        assert.equal(variable(system("linux", { environment }), "PATH"), undefined);
        assert.equal(variable(system("linux", { environment }), "EMPTY"), undefined);
    });

    it("finds executable commands on PATH", () => {
        const environment = { PATH: process.env["PATH"] };
        assert.ok(onPath(system("linux", { environment }), "sh")?.endsWith("/sh"));
        assert.equal(onPath(system("linux", { environment }), "no-such-command"), undefined);
        assert.equal(onPath(system("linux", { environment: { PATH: "/etc" } }), "passwd"), undefined);
    });
});
