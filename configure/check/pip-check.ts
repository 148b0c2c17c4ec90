import type { Login } from "../../src/clients/credential";
import { keyringFindings, loginFindings, modeFindings, noKeyring } from "./credential-check";
import { allWell, type Finding, fine, problem, skipped } from "./findings";
import { password } from "./logins";
import { isYes, type PipSettings, pipSettings, type PipValue } from "../tools/pip-settings";
import { ownAddress } from "./present-files";
import { inspect, ownKeyring, type PythonEnvironment } from "./python-environment";
import type { Questions } from "./questions";
import { variable } from "../machine/system";
import { notConfigured, unreadable } from "./tool-check";

const tool = "pip";
const addressKeys = ["extra-index-url", "index-url"];

/**
 * Checks pip, which merges its files in a way of its own and has several ways to a keyring.
 *
 * @param launcher the command's file; undefined if it is not on PATH
 */
export async function pipFindings(launcher: string | undefined, questions: Questions): Promise<Finding[]> {
    const { system, registry } = questions;
    const environment = launcher === undefined ? undefined : await inspect(system, launcher, tool);
    const settings = await pipSettings(system, environment?.prefix ?? variable(system, "VIRTUAL_ENV"));
    const ours = (value: PipValue | undefined) =>
        (value?.value ?? "").split(/\s+/).flatMap((url) => ownAddress(url, registry.index) ?? []);
    const inForce = addressKeys
        .flatMap((key) => settings.value(key) ?? [])
        .find((value) => ours(value).length > 0);
    const everywhere = addressKeys.flatMap((key) =>
        settings.everywhere(key).flatMap((value) => (ours(value).length > 0 ? [{ key, value }] : [])),
    );
    // A password is in a file also where pip does not take it from there.
    const secret = everywhere.flatMap(({ value }) =>
        value.file !== undefined && ours(value).some(({ login }) => login.password !== undefined)
            ? [value.file]
            : [],
    );
    const findings: Finding[] = [
        ...settings.problems.map(({ file, reason }) => unreadable(tool, file, reason)),
        ...(await modeFindings(tool, secret, system)),
    ];
    if (inForce === undefined) {
        const [replaced] = everywhere;
        return [
            ...findings,
            replaced === undefined
                ? notConfigured(tool)
                : problem(
                      tool,
                      "configuration",
                      `the index is in ${replaced.value.from}, but ${replaced.key} from ${settings.value(replaced.key)?.from ?? "elsewhere"} replaces that`,
                      "put the index there too, or take that setting out: pip does not add up its files",
                  ),
        ];
    }
    const noIndex = settings.value("no-index");
    findings.push(
        isYes(noIndex)
            ? problem(
                  tool,
                  "configuration",
                  `the index is in ${inForce.from}, but no-index from ${noIndex?.from ?? ""} keeps pip from asking any`,
                  "take that setting out",
              )
            : fine(tool, "configuration", `in ${inForce.from}`),
    );
    const [{ login } = { login: {} }] = ours(inForce);
    const written = password(login, inForce.from, inForce.file);
    const found = written ?? (await questions.netrcLogin());
    if (found === undefined)
        return [...findings, ...(await keyringOf(settings, environment, login, questions))];
    const answer = await questions.index(found);
    if (written === undefined && "status" in answer && answer.status === 401) {
        // pip asks the keyring once the index refuses what .netrc says.
        const others = await keyringOf(settings, environment, login, questions);
        if (allWell(others)) return [...findings, ...others];
    }
    return [...findings, ...(await loginFindings(tool, found, questions))];
}

/** @see https://pip.pypa.io/en/stable/topics/authentication/#keyring-support */
async function keyringOf(
    settings: PipSettings,
    environment: PythonEnvironment | undefined,
    login: Partial<Login>,
    questions: Questions,
): Promise<Finding[]> {
    const provider = settings.value("keyring-provider");
    const asked = provider?.value ?? "auto";
    const noInput = settings.value("no-input");
    if (asked === "disabled") {
        const message = `keyring-provider from ${provider?.from ?? ""} is disabled: pip never asks a keyring`;
        return [problem(tool, "provider", message, "take that setting out")];
    }
    if (environment === undefined && asked !== "subprocess") {
        const message = "it cannot be told which Python pip runs in, and whether that has a keyring";
        return [skipped(tool, "keyring", message)];
    }
    const own = environment && ownKeyring(tool, environment, questions.system);
    const command = await questions.keyringCommand(environment?.scripts);
    const findings: Finding[] = [];
    if (asked === "auto" && isYes(noInput)) {
        const better = own?.google === true || command?.google !== true ? "import" : "subprocess";
        findings.push(
            problem(
                tool,
                "provider",
                `no-input from ${noInput?.from ?? ""}: with the keyring provider auto, pip then never asks a keyring`,
                `pip config set global.keyring-provider ${better}, or set the stack's python-registry:keyring to ${better} and run configure --tool pip again`,
            ),
        );
    }
    const keyring = asked === "import" ? own : asked === "subprocess" ? command : (own ?? command);
    if (keyring === undefined) {
        const where =
            asked === "import"
                ? "in pip's own environment"
                : asked === "subprocess"
                  ? "on PATH outside pip's own environment"
                  : "in pip's own environment or on PATH";
        const missing = noKeyring(tool, where, questions, asked === "subprocess" ? "subprocess" : "import");
        return [...findings, missing];
    }
    if (keyring === command && login.username === undefined && olderThan(environment?.version, 26, 2)) {
        findings.push(
            problem(
                tool,
                "provider",
                `pip ${environment?.version ?? ""} asks a keyring that is a command only for a user name, and the index has none`,
                "set the stack's python-registry:keyring to subprocess and run configure --tool pip again, or upgrade pip to 26.2",
            ),
        );
    }
    if (findings.length === 0) {
        const message =
            asked === "auto"
                ? "auto: pip asks the keyring, but not under --no-input"
                : `${asked}: pip asks the keyring, under --no-input too`;
        findings.push(fine(tool, "provider", message));
    }
    return [...findings, ...(await keyringFindings(tool, keyring, questions))];
}

function olderThan(version: string | undefined, major: number, minor: number): boolean {
    const [first = 0, second = 0] = (version ?? `${major}.${minor}`).split(".").map(Number);
    return first < major || (first === major && second < minor);
}
