import type { Login } from "../../src/clients/credential";
import { variable } from "../machine/system";
import { isYes, type PipSettings, pipSettings, type PipValue } from "../tools/pip-settings";
import { registryAddress } from "./client-files";
import { CredentialCheck, fileModeFindings } from "./credential-check";
import { type Finding, passed, problem } from "./findings";
import { packageKeyring } from "./keyring";
import { foundLogin } from "./login";
import type { ProbeCache } from "./probe-cache";
import { inspectPython, type PythonEnvironment } from "./python-environment";
import { notConfigured, unreadable } from "./tool-check";

const tool = "pip";
const addressKeys = ["extra-index-url", "index-url"];

/**
 * Checks pip, which merges its files and has several ways to a keyring.
 *
 * @param launcher the command's file; undefined if it is not on PATH
 */
export async function pipFindings(launcher: string | undefined, probes: ProbeCache): Promise<Finding[]> {
    const { system, registry } = probes;
    const environment = launcher === undefined ? undefined : await inspectPython(system, launcher, tool);
    const settings = await pipSettings(system, environment?.prefix ?? variable(system, "VIRTUAL_ENV"));
    const addressesIn = ({ value }: PipValue) =>
        value.split(/\s+/).flatMap((url) => registryAddress(url, registry.index) ?? []);
    const inForce = addressKeys
        .flatMap((key) => settings.value(key) ?? [])
        .find((value) => addressesIn(value).length > 0);
    const everywhere = addressKeys.flatMap((key) =>
        settings.everywhere(key).flatMap((value) => (addressesIn(value).length > 0 ? [{ key, value }] : [])),
    );
    // Including passwords that pip does not use, because another file overrides them.
    const withPassword = everywhere.flatMap(({ value }) =>
        value.file !== undefined && addressesIn(value).some(({ login }) => login.password !== undefined)
            ? [value.file]
            : [],
    );
    const findings: Finding[] = [
        ...settings.errors.map(({ file, reason }) => unreadable(tool, file, reason)),
        ...(await fileModeFindings(withPassword, system)),
    ];
    if (inForce === undefined) {
        const [overridden] = everywhere;
        if (overridden === undefined) return [...findings, notConfigured(tool)];
        const { key, value } = overridden;
        const message = `The index is in ${value.from}, but ${key} from ${settings.value(key)?.from ?? "elsewhere"} overrides it`;
        const fix = "Add the index there too, or remove that setting: pip does not combine its files";
        return [...findings, problem("configuration", message, fix)];
    }
    const noIndex = settings.value("no-index");
    findings.push(
        isYes(noIndex)
            ? problem(
                  "configuration",
                  `The index is in ${inForce.from}, but no-index from ${noIndex?.from ?? ""} stops pip from using any index`,
                  "Remove no-index",
              )
            : passed("configuration", `Found in ${inForce.from}`),
    );
    const [{ login } = { login: {} }] = addressesIn(inForce);
    const inAddress = foundLogin(login, inForce.from, inForce.file);
    const credentials = new CredentialCheck(tool, probes);
    if (inAddress !== undefined) return [...findings, ...(await credentials.login(inAddress))];
    const keyrings = () => keyringsFor(settings, environment, login, probes, credentials);
    return [...findings, ...(await credentials.withoutPassword(keyrings))];
}

/** @see https://pip.pypa.io/en/stable/topics/authentication/#keyring-support */
async function keyringsFor(
    settings: PipSettings,
    environment: PythonEnvironment | undefined,
    login: Partial<Login>,
    probes: ProbeCache,
    credentials: CredentialCheck,
): Promise<Finding[]> {
    const setting = settings.value("keyring-provider");
    const provider = setting?.value ?? "auto";
    if (provider === "disabled") {
        const message = `keyring-provider from ${setting?.from ?? ""} is "disabled", so pip never asks a keyring`;
        return [problem("provider", message, "Remove that setting")];
    }
    if (environment === undefined && provider !== "subprocess") {
        return credentials.packageKeyring(environment);
    }
    const inPackage = environment && packageKeyring(tool, environment, probes.system);
    const onPath = await probes.commandKeyring(environment?.scripts);
    const findings: Finding[] = [];
    const noInput = settings.value("no-input");
    if (provider === "auto" && isYes(noInput)) {
        const better =
            inPackage?.hasGoogleBackend === true || onPath?.hasGoogleBackend !== true
                ? "import"
                : "subprocess";
        findings.push(
            problem(
                "provider",
                `no-input from ${noInput?.from ?? ""} is set. With the keyring provider auto, pip then never asks a keyring`,
                `Run pip config set global.keyring-provider ${better}. Or set the stack's keyring to ${better} and run configure --tool pip again`,
            ),
        );
    }
    const keyring =
        provider === "import" ? inPackage : provider === "subprocess" ? onPath : (inPackage ?? onPath);
    if (keyring === undefined) {
        const places: Record<string, string> = {
            import: "in pip's own environment",
            subprocess: "on PATH outside pip's own environment",
        };
        const where = places[provider] ?? "in pip's own environment or on PATH";
        const missing = credentials.noKeyring(where, provider === "subprocess" ? provider : "import");
        return [...findings, missing];
    }
    if (keyring === onPath && login.username === undefined && isOlderThan(environment?.version, 26, 2)) {
        findings.push(
            problem(
                "provider",
                `pip ${environment?.version ?? ""} asks a keyring command only for a user name, and the index has none`,
                "Set the stack's keyring to subprocess and run configure --tool pip again, or upgrade pip to 26.2",
            ),
        );
    }
    if (findings.length === 0) {
        const message =
            provider === "auto"
                ? "auto: pip asks the keyring, but not with --no-input"
                : `${provider}: pip asks the keyring, also with --no-input`;
        findings.push(passed("provider", message));
    }
    return [...findings, ...(await credentials.keyring(keyring))];
}

function isOlderThan(version: string | undefined, major: number, minor: number): boolean {
    const [first = 0, second = 0] = (version ?? `${major}.${minor}`).split(".").map(Number);
    return first < major || (first === major && second < minor);
}
