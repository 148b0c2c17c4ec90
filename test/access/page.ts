import { format } from "prettier";
import type { Answer } from "./access-stack";
import { type Identity, project } from "./identities";
import { type Operation, operations, type Outcome } from "./operations";
import type { AgentRow, MirrorCell } from "./mirror";
import type { RealRun } from "./real-clients";

/** A cell of the matrix: what happened when an identity tried an operation. */
export interface Cell extends Outcome {
    readonly identity: Identity;
    readonly operation: Operation;
}

/** What happened in a registry that everyone can read. */
export interface PublicCell {
    readonly everyone: "allUsers" | "allAuthenticatedUsers";
    readonly row: string;
    readonly operation: Operation;
    readonly done: boolean;
}

/** What happened when somebody tried an operation who is not the identity, or no longer. */
export interface RefusedRow {
    readonly group: string;
    readonly who: string;
    readonly operation: Operation;
    readonly answer: Answer;
}

/** The text of docs/access.md: what a run has shown. */
export function page({
    cells,
    publicCells,
    refused,
    mirror,
    withdrawn,
    real,
}: {
    readonly cells: readonly Cell[];
    readonly publicCells: readonly PublicCell[];
    readonly refused: readonly RefusedRow[];
    readonly mirror: { readonly cells: readonly MirrorCell[]; readonly agent: readonly AgentRow[] };
    /** In the order in which they happened. */
    readonly withdrawn: readonly Omit<RefusedRow, "group">[];
    readonly real: readonly RealRun[];
}): Promise<string> {
    const rows = unique(cells.map(({ identity }) => identity.row));
    const groups = unique(refused.map(({ group }) => group));
    const text = [
        "# Who can do what, as tested",
        "`npm run docs` writes this page, and a test fails if it is out of date. Each cell is the result of a request in a run " +
            "against the sandbox, not what the configuration says. The test also fails if the two are different.",
        "The stack has one identity of each kind for each role. Each identity gets its token as its clients do it: from the " +
            "token exchange, from the metadata server, by impersonation or with its key, with the credential configuration of " +
            "its snippet. Then it tries all operations with the requests that pip, twine and gcloud send, and the test compares " +
            "each answer with the state of the repository.",
        "## Identities and operations",
        "The cells name the roles with which the operation succeeded. An identity has a role itself, or it is a workload " +
            "that impersonates a service account of the stack (via an account). Where a row has one role, the configuration " +
            "accepts no other, or only one identity can have it.",
        table(
            ["identity", ...operations],
            rows.map((row) => [
                row,
                ...operations.map((operation) =>
                    getRoles(
                        cells.filter((each) => each.identity.row === row && each.operation === operation),
                    ),
                ),
            ]),
        ),
        "This is how the service answers the operations that an identity has no permission for:",
        table(["operation", "role", "answer"], answersByRole(cells)),
        "## Registries that everyone can read",
        "With `allowPublic`, the readers can be `allUsers` or `allAuthenticatedUsers`. The cells name the operations that " +
            "succeeded.",
        table(
            ["who", "`allUsers`", "`allAuthenticatedUsers`"],
            unique(publicCells.map(({ row }) => row)).map((row) => [
                row,
                ...(["allUsers", "allAuthenticatedUsers"] as const).map(
                    (everyone) =>
                        publicCells
                            .filter((each) => each.row === row && each.everyone === everyone && each.done)
                            .map(({ operation }) => operation)
                            .join(", ") || "none",
                ),
            ]),
        ),
        "## Registries with a mirror",
        "With `publicPackages: mirror`. The upstream is a repository of another project, and the cells name the roles with " +
            "which the operation succeeded. Where nothing else is said, packages come from the virtual repository.",
        table(
            ["operation", ...unique(mirror.cells.map(({ identity }) => identity.row))],
            unique(mirror.cells.map(({ operation }) => operation)).map((operation) => [
                operation,
                ...unique(mirror.cells.map(({ identity }) => identity.row)).map((row) =>
                    getRoles(
                        mirror.cells.filter(
                            (each) => each.identity.row === row && each.operation === operation,
                        ),
                    ),
                ),
            ]),
        ),
        "What Google's service agent can do outside the project of the registry, with this upstream and with one that needs a " +
            "login. Nobody else is granted anything there, and nobody has a role on the remote repositories.",
        table(
            ["resource", "operation", "succeeded"],
            mirror.agent.map(({ resource, operation, done }) => [resource, operation, done ? "yes" : "no"]),
        ),
        "## Who is refused, and by which step",
        "Each row is someone who is close to an identity with a role, and tries what that identity can do. The answers are " +
            "those of the sandbox, in the words of Google's services where they are documented. Rows that say *gets in* are " +
            "the same identity, or an identity with a role.",
        ...groups.flatMap((group) => [
            `### ${group}`,
            refusals(refused.filter((each) => each.group === group)),
        ]),
        "## Access that was taken away",
        "In this order, on a second stack. A token that a provider admitted before stays valid without the provider, until it " +
            "expires. To take access away from such a token too, remove the grant, or disable the pool or the service account.",
        refusals(withdrawn),
        "## Real clients",
        "`npm run test:release` runs this part: the real tools, with the real keyring backend and google-auth where they need one, the registry's own files, and " +
            "the login of the snippet, all unmodified.",
        table(
            ["credential", "identity", "role", "tools", "install", "upload"],
            real.map(({ credential, identity, tools, installed, uploaded }) => [
                credential,
                identity.row,
                identity.role ?? "",
                tools,
                installed ? "yes" : "refused",
                uploaded ? "yes" : "refused",
            ]),
        ),
    ];
    return format(text.join("\n\n"), { parser: "markdown", printWidth: 110 });
}

function refusals(rows: readonly Omit<RefusedRow, "group">[]): string {
    return table(
        ["who", "tries", "step", "answer"],
        rows.map(({ who, operation, answer }) => [
            who,
            operation,
            answer.status === 200 ? "*gets in*" : answer.step,
            answer.status === 200 ? "" : answerText(answer),
        ]),
    );
}

/** The roles of the identities for which an operation succeeded. */
function getRoles(cells: readonly Pick<Cell, "identity" | "done">[]): string {
    const succeeded = cells
        .filter(({ done }) => done)
        .map(({ identity }) => identity.role ?? "without a role");
    return unique(succeeded).join(", ") || "none";
}

function answersByRole(cells: readonly Cell[]): string[][] {
    const byAnswer = new Map<string, { operation: Operation; answer: string; roles: Set<string> }>();
    for (const { operation, identity, answer, done } of cells) {
        if (done) continue;
        const text = answerText(answer);
        const found = byAnswer.get(`${operation} ${text}`) ?? { operation, answer: text, roles: new Set() };
        found.roles.add(identity.role ?? identity.row);
        byAnswer.set(`${operation} ${text}`, found);
    }
    return operations.flatMap((operation) =>
        [...byAnswer.values()]
            .filter((each) => each.operation === operation)
            .map(({ answer, roles }) => [operation, [...roles].join(", "), answer]),
    );
}

/** The status and the words of an answer, without what differs between two runs. */
function answerText({ status, text }: Answer): string {
    const shown = text
        .replaceAll(
            new RegExp(
                `(?://artifactregistry\\.googleapis\\.com/)?projects/${project}/locations/[^/"']+/repositories/python`,
                "g",
            ),
            "REPOSITORY",
        )
        .replaceAll(/issued at \d+/g, "issued at TIME");
    return shown === "" ? String(status) : `${status} \`${shown}\``;
}

function unique<T>(values: readonly T[]): T[] {
    return [...new Set(values)];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
    return [head, head.map(() => "---"), ...rows]
        .map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
        .join("\n");
}
