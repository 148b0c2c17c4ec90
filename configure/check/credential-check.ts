import { keyUsername, tokenUsername } from "../../src/clients/credential";
import type { ConfigurableTool } from "../tools/tool-plan";
import { type Finding, fine, problem, skipped, warning } from "./findings";
import { type FoundLogin, keyOwner } from "./logins";
import { modeOf } from "./present-files";
import type { Answer } from "./probe";
import type { Keyring } from "./python-environment";
import type { Questions } from "./questions";
import type { System } from "../machine/system";

/** Seconds from which on a token is warned of. */
const soon = 600;

/** A keyring that a tool asks, what it gives, and what the index says to that. */
export async function keyringFindings(
    tool: ConfigurableTool,
    keyring: Keyring,
    questions: Questions,
): Promise<Finding[]> {
    const one = `the one ${keyring.where}`;
    if (!keyring.runs) return [problem(tool, "keyring", `${one} does not run`, questions.setup(tool))];
    if (!keyring.google) {
        const fix = `install keyrings.google-artifactregistry-auth beside it: ${questions.setup(tool)}`;
        return [problem(tool, "keyring", `${one} has no backend for Artifact Registry`, fix)];
    }
    const answer = await questions.keyringToken(keyring);
    if ("problem" in answer) return [problem(tool, "keyring", `${one} ${answer.problem}`, answer.fix)];
    const [reply, info, identities] = await Promise.all([
        questions.index({ username: tokenUsername, password: answer.token }),
        questions.tokenInfo(answer.token),
        questions.identities(),
    ]);
    const email =
        info?.email ??
        (answer.fallback ? identities.gcloud : (identities.default?.email ?? identities.gcloud));
    const refused = problem(
        tool,
        "index",
        `it does not accept the keyring's token${email === undefined ? "" : ` of ${email}`} (401)`,
        "log in again: gcloud auth application-default login",
    );
    return [
        fine(tool, "keyring", `${one}, with its Google backend, gives a token`),
        ...judged(tool, reply, email, refused, questions),
    ];
}

/** There is no keyring for a tool that would ask one. */
export function noKeyring(
    tool: ConfigurableTool,
    where: string,
    questions: Questions,
    provider?: "import" | "subprocess",
): Finding {
    const message = `there is none ${where}, and no password in the files or the environment`;
    return problem(tool, "keyring", message, questions.setup(tool, provider));
}

/** A user name and password, whose they are, and what the index says to them. */
export async function loginFindings(
    tool: ConfigurableTool,
    login: FoundLogin,
    questions: Questions,
): Promise<Finding[]> {
    if (login.username === tokenUsername) return tokenFindings(tool, login, questions);
    if (login.username === keyUsername) return keyFindings(tool, login, questions);
    const refused = problem(
        tool,
        "login",
        `the index does not accept the user name and password from ${login.from} (401)`,
        `Artifact Registry knows the user names ${tokenUsername} and ${keyUsername} only: run configure --tool ${tool} again`,
    );
    return judged(tool, await questions.index(login), undefined, refused, questions);
}

async function tokenFindings(tool: string, login: FoundLogin, questions: Questions): Promise<Finding[]> {
    const [answer, info] = await Promise.all([questions.index(login), questions.tokenInfo(login.password)]);
    const it = `the access token${info?.email === undefined ? "" : ` of ${info.email}`} in ${login.from}`;
    const fix =
        login.file === undefined
            ? `put a new one into ${login.from}: gcloud auth print-access-token`
            : `run configure --tool ${tool} --auth token again, or once and for all --auth keyring`;
    const known = info !== undefined && info.secondsLeft > 0;
    const refused = problem(
        tool,
        "token",
        known
            ? `${it} is not accepted by the index (401)`
            : `${it} has expired: the index does not accept it (401)`,
        fix,
    );
    if ("status" in answer && answer.status === 401) return [refused];
    const findings = judged(tool, answer, info?.email, refused, questions);
    if (info === undefined) {
        // Google does not tell of every token that it gives, such as a workload's.
        return "status" in answer
            ? [fine(tool, "token", `${it} is valid, for how long cannot be found out`), ...findings]
            : findings;
    }
    const minutes = Math.floor(info.secondsLeft / 60);
    const life =
        info.secondsLeft <= 0
            ? problem(tool, "token", `${it} has expired`, fix)
            : info.secondsLeft < soon
              ? warning(tool, "token", `${it} expires in ${minutes} minutes`, fix)
              : fine(tool, "token", `${it} is valid for ${minutes} minutes`);
    return [life, ...findings];
}

async function keyFindings(tool: string, login: FoundLogin, questions: Questions): Promise<Finding[]> {
    const email = keyOwner(login.password);
    if (email === undefined) {
        return [
            problem(
                tool,
                "key",
                `the password in ${login.from} is not a service account's key in base64`,
                `run configure --tool ${tool} --auth key again`,
            ),
        ];
    }
    const answer = await questions.index(login);
    const refused = problem(
        tool,
        "key",
        `the index does not accept the key of ${email} in ${login.from} (401): the key or its account is deleted, disabled or expired`,
        `add a name to the account's keys in the stack's python-registry:serviceAccounts, pulumi up, and run configure --tool ${tool} --auth key again`,
    );
    const findings = judged(tool, answer, email, refused, questions);
    return "status" in answer && answer.status !== 401
        ? [fine(tool, "key", `of ${email}, in ${login.from}`), ...findings]
        : findings;
}

/**
 * What an answer of the index means. That the index cannot be reached is told once, for the machine.
 *
 * @param refused for a login that the index does not know
 */
function judged(
    tool: string,
    answer: Answer,
    email: string | undefined,
    refused: Finding,
    { registry }: Questions,
): Finding[] {
    if ("problem" in answer) return [];
    const who = email ?? "the identity in use";
    const bad = (message: string, fix: string) => [problem(tool, "index", message, fix)];
    const { status, body } = answer;
    if (status === 401) return [refused];
    if (status === 403 && /has not been used|is disabled|SERVICE_DISABLED/.test(body)) {
        return bad(
            "it answers 403: the Artifact Registry API is not enabled in the project",
            "set python-registry:enableApis to true, and pulumi up",
        );
    }
    if (status === 403 && /organization's policy|VPC|SERVICE_CONTROLS/.test(body)) {
        return bad(
            "it answers 403: the organization's service perimeter does not let this machine in",
            "ask for access from this network",
        );
    }
    if (status === 403) {
        return bad(
            `it knows ${who} and refuses (403): no role on the repository`,
            `add ${email === undefined ? "the identity" : principalOf(email)} to the stack's python-registry:readers (writers, to publish), and pulumi up; or log in as somebody who is there`,
        );
    }
    if (status === 404 && /\brepositor/i.test(body) && !/\bpackage\b/i.test(body)) {
        return bad(
            `it has no such repository (404): ${registry.name}`,
            "look at the location, project and name in the stack's outputs, and whether it was deleted",
        );
    }
    if (status === 200 || status === 404) {
        const more = tool === "twine" ? "; only an upload shows whether it lets publish" : "";
        return [fine(tool, "index", `it lets ${who} read${more}`)];
    }
    return bad(`it answers ${status}`, "try again later; see https://status.cloud.google.com");
}

/**
 * Files with a credential, and whether others can read them.
 *
 * @param tool undefined for what is not one tool's
 */
export async function modeFindings(
    tool: string | undefined,
    files: readonly string[],
    system: System,
): Promise<Finding[]> {
    const findings = [...new Set(files)].map(async (file): Promise<Finding[]> => {
        if (system.kind === "windows") {
            const message = `who can read ${file}, which holds a credential, is not looked at on Windows`;
            return [skipped(tool, "file-mode", message)];
        }
        const mode = await modeOf(file, system);
        if (mode === undefined) return [];
        if ((mode & 0o044) === 0) {
            return [fine(tool, "file-mode", `${file} holds a credential, and only its owner can read it`)];
        }
        const message = `${file} holds a credential, and others can read it (mode ${mode.toString(8)})`;
        return [problem(tool, "file-mode", message, `chmod 600 '${file.replaceAll("'", `'\\''`)}'`)];
    });
    return (await Promise.all(findings)).flat();
}

function principalOf(email: string): string {
    return `${email.endsWith(".gserviceaccount.com") ? "serviceAccount" : "user"}:${email}`;
}
