import assert from "node:assert/strict";
import { gitlabServer } from "../../sandbox/issuers/gitlab-ci";
import { pythonFile } from "../../sandbox/python/simple-index";
import type { Role } from "../../src/names/principals";
import { AccessStack } from "./access-stack";
import { type Declared, everyIdentity, type Identity, ownServers, strangers } from "./identities";
import { neighbors } from "./refused";
import { attempt, declared, operations, type Operation, type Outcome, ready } from "./operations";

/** One cell of the matrix. */
export interface Cell {
    readonly identity: Identity;
    readonly operation: Operation;
    readonly outcome: Outcome;
}

describe("access", function () {
    this.timeout(300_000);
    let everyone: Declared;
    let stack: AccessStack;

    before(async () => {
        stack = await AccessStack.up(async ({ issuers }) => {
            const { issuer } = gitlabServer(ownServers.gitlab);
            everyone = everyIdentity(await issuers.jwksJson(issuer));
            issuers.disconnect(issuer);
            return everyone.configuration;
        });
        prepare(stack, everyone);
    });
    after(() => stack?.[Symbol.asyncDispose]());

    it("is what the configuration declares, for every identity and operation", async () => {
        const cells = await matrix(stack, [...strangers, ...everyone.identities]);
        const wrong = cells.filter(
            ({ identity, operation, outcome }) => outcome.done !== declared(identity.role, operation),
        );
        assert.deepEqual(wrong.map(text), []);
        console.log(cells.length);
    });

    it("is refused to their neighbors, by the step that must refuse it", async () => {
        const find = (row: string, role: Role) => {
            const found = everyone.identities.find((each) => each.row === row && each.role === role);
            assert.ok(found !== undefined, `there is no ${role} in the row ${row}`);
            return found;
        };
        const wrong: string[] = [];
        for (const neighbor of neighbors(find)) {
            const { identity, operation, deviation, refusedBy, who } = neighbor;
            const outcome = await attempt(stack, identity, operation, deviation);
            const { step, status } = outcome.answer;
            const expected = refusedBy ?? ["registry", 200];
            console.log(`${who}: ${step} ${status} ${outcome.answer.text}`);
            if (step !== expected[0] || status !== expected[1]) wrong.push(`${neighbor.group}: ${who}: ${step} ${status} ${outcome.answer.text}`);
        }
        assert.deepEqual(wrong, []);
    });
});

/** Puts into a new stack what the tests need: a package, and the members of groups. */
function prepare({ repository, sandbox }: AccessStack, { groups }: Pick<Declared, "groups">) {
    repository.files.set(ready.filename, pythonFile(ready.name, ready.filename, Buffer.from("ready made")));
    for (const [group, member] of Object.entries(groups)) {
        sandbox.cloud.groups.set(group, new Set([member]));
    }
}

/** Tries every operation as every identity. */
async function matrix(stack: AccessStack, identities: readonly Identity[]): Promise<Cell[]> {
    const cells: Cell[] = [];
    const queue = [...identities];
    const work = async () => {
        for (let identity = queue.shift(); identity !== undefined; identity = queue.shift()) {
            for (const operation of operations) {
                cells.push({ identity, operation, outcome: await attempt(stack, identity, operation) });
            }
        }
    };
    await Promise.all(Array.from({ length: 4 }, work));
    return cells;
}

function text({ identity, operation, outcome: { answer } }: Cell): string {
    return `${identity.id} (${identity.row}): ${operation}: ${answer.step} ${answer.status} ${answer.text}`;
}
