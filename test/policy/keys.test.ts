import assert from "node:assert/strict";
import { keyAge } from "../../packages/policy/src/rules/key-age";
import { messages, type Registration, unknown } from "./analyze";

// The rules on service account keys.

const type = "gcp:serviceaccount/key:Key";
const account = "projects/acme/serviceAccounts/ci@acme.iam.gserviceaccount.com";
const key = (stack: string, serviceAccountId: unknown = account): Registration => ({
    type,
    stack,
    props: { serviceAccountId },
});

describe("policies key-allow-list and no-production-keys", () => {
    it("report every key once: outside production as advice, in production as a mistake", async () => {
        assert.deepEqual(await messages("key-allow-list", key("dev")), [
            "The service account ci@acme.iam.gserviceaccount.com has a key, which works for everyone who has the file. Let the machine sign in without a key, by workload identity federation or as its own account on Google Cloud. If a tool needs the key, add the account to the parameter accounts of key-allow-list.",
        ]);
        assert.deepEqual(await messages("no-production-keys", key("dev")), []);
        assert.deepEqual(await messages("key-allow-list", key("prod")), []);
        assert.deepEqual(await messages("no-production-keys", key("prod")), [
            "The service account ci@acme.iam.gserviceaccount.com has a key, and the stack prod is for production. Remove the key. Let the machine sign in without a key, by workload identity federation or as its own account on Google Cloud. If a tool needs the key, add the account to the parameter accounts of no-production-keys.",
        ]);
    });

    for (const [rule, stack] of [
        ["key-allow-list", "dev"],
        ["no-production-keys", "prod"],
    ] as const) {
        it(`${rule} accepts listed accounts, by id or address, and other resources`, async () => {
            for (const accounts of [["ci"], ["CI@acme.iam.gserviceaccount.com"], ["other", "ci"]]) {
                assert.deepEqual(await messages(rule, key(stack), { accounts }), []);
            }
            for (const id of ["ci@acme.iam.gserviceaccount.com", "ci"]) {
                assert.deepEqual(await messages(rule, key(stack, id), { accounts: ["ci"] }), []);
            }
            for (const accounts of [["c"], ["ci@other.iam.gserviceaccount.com"], ["ci@"]]) {
                assert.equal((await messages(rule, key(stack), { accounts })).length, 1);
            }
            const other = { type: "gcp:serviceaccount/account:Account", stack, props: {} };
            assert.deepEqual(await messages(rule, other), []);
        });

        it(`${rule} reports the key of an account that a preview does not know`, async () => {
            const found = await messages(rule, key(stack, unknown), { accounts: ["ci"] });
            assert.match(found.join(), /^A service account of this stack has a key/);
        });
    }

    it("take the names of stacks for production from the parameter", async () => {
        for (const stack of ["prod", "Production", "acme-prod", "prod-eu", "prod1", "my_prod"]) {
            assert.equal((await messages("no-production-keys", key(stack))).length, 1, stack);
        }
        for (const stack of [
            "dev",
            "nonprod",
            "non-prod",
            "preprod",
            "pre-production",
            "products",
            "product-dev",
        ]) {
            assert.deepEqual(await messages("no-production-keys", key(stack)), [], stack);
        }
        assert.equal(
            (await messages("no-production-keys", key("live-1"), { production: "^LIVE" })).length,
            1,
        );
        assert.deepEqual(await messages("no-production-keys", key("prod"), { production: "^live" }), []);
        // An empty pattern matches every stack.
        assert.equal((await messages("no-production-keys", key("dev"), { production: "" })).length, 1);
        await assert.rejects(messages("no-production-keys", key("dev"), { production: "(" }), {
            message:
                'The parameter production has "(", which is not a regular expression. Write one, such as prod.',
        });
    });
});

describe("policy key-age", () => {
    const now = Date.parse("2026-06-30T12:00:00Z");
    const rule = keyAge("key-age", () => now);
    const aged = (days: number, name = `key-${days}`, serviceAccountId = account): Registration => ({
        type,
        name,
        props: { serviceAccountId, validAfter: new Date(now - days * 86_400_000).toISOString() },
    });
    const planned: Registration = { type, props: { serviceAccountId: account, validAfter: unknown } };
    const other = account.replace("ci@", "other@");

    it("refuses keys that are older than 90 days, and names the key", async () => {
        assert.deepEqual(await messages(rule, [aged(90)]), []);
        assert.deepEqual(await messages(rule, [aged(91)]), [
            "The key of ci@acme.iam.gserviceaccount.com is 91 days old. Allowed: at most 90 days. Add a new key, update the clients, and remove the old key.",
        ]);
        assert.equal((await messages(rule, [aged(91), aged(400, "b", other)])).length, 2);
        assert.equal((await messages(rule, [aged(100, "a"), aged(100, "b")])).length, 2);
    });

    it("lets a rotation finish: an old key can stay for 14 days beside a new one of the same account", async () => {
        assert.deepEqual(await messages(rule, [aged(91), planned]), []);
        assert.deepEqual(await messages(rule, [aged(91), aged(14)]), []);
        assert.deepEqual(await messages(rule, [aged(120), aged(15)]), [
            "A key of ci@acme.iam.gserviceaccount.com is 120 days old, and its newer key 15 days. An old key can stay for 14 days beside a new one. Update the clients that still use it, and remove it.",
        ]);
        assert.equal((await messages(rule, [aged(91), aged(1, "new", other)])).length, 1);
    });

    it("follows its parameters", async () => {
        assert.equal((await messages(rule, [aged(31)], { maxDays: 30 })).length, 1);
        assert.deepEqual(await messages(rule, [aged(300)], { maxDays: 365 }), []);
        assert.equal((await messages(rule, [aged(91), aged(2)], { rotationDays: 1 })).length, 1);
    });

    it("accepts keys without a time, such as a new one, and other resources", async () => {
        assert.deepEqual(await messages(rule, [planned]), []);
        assert.deepEqual(await messages(rule, [{ type, props: { serviceAccountId: account } }]), []);
        const certificate = { type: "gcp:x/certificate:Certificate", props: aged(400).props };
        assert.deepEqual(await messages(rule, [certificate]), []);
    });
});
