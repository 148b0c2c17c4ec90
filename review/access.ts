import * as v from "valibot";
import type { Preview, Properties, Step } from "./events";
import { type Entry, line } from "./entry";
import { say, type Sentence, strong } from "./sentence";

// Who gains and who loses access, from the stack's outputs `access` and `serviceAccounts`, which name everyone.

/** The most powerful first. */
const roles = ["admin", "writer", "reader"] as const;
type Role = (typeof roles)[number];

const principals = v.fallback(v.array(v.string()), []);
const role = v.picklist(roles);
const schema = v.object({
    access: v.object({
        admin: v.optional(principals, []),
        writer: v.optional(principals, []),
        reader: v.optional(principals, []),
        workloads: v.optional(
            v.record(
                v.string(),
                v.object({ principal: v.string(), access: role, via: v.optional(v.string()) }),
            ),
            {},
        ),
        impersonators: v.optional(v.record(v.string(), principals), {}),
    }),
    serviceAccounts: v.fallback(
        v.optional(v.record(v.string(), v.object({ member: v.string(), access: role })), {}),
        {},
    ),
});
type AccessOutputs = v.InferOutput<typeof schema>;

/** Someone who has access. */
interface Holder {
    readonly who: Sentence;
    /** What a reviewer must know if someone gains this. */
    readonly note: Sentence;
    readonly roles: ReadonlySet<Role>;
    /** The account that it acts as. */
    readonly account?: string;
    /** For a workload: its principal, and the account that it acts as. */
    readonly identity?: { readonly name: string; readonly principal: string; readonly via?: string };
}

/** Who gains, who loses and whose access changes, the most powerful role first. */
export function accessChanges(preview: Preview): Entry[] {
    const { outputs } = preview;
    const mode = modeChange(preview.steps);
    if (outputs.new === undefined) return mode;
    const [before, after] = [read(outputs.old), read(outputs.new)];
    if (before === undefined || after === undefined) {
        return [
            ...mode,
            line(
                say`Who gains or loses access is not known before the update: the output ${"access"} is missing.`,
            ),
        ];
    }
    const [old, next] = [holdersOf(before), holdersOf(after)];
    const revokes = !stopsOwning(preview.steps);
    const changes = [...new Set([...old.keys(), ...next.keys()])].flatMap((key) =>
        changesOf(old.get(key), next.get(key), revokes),
    );
    return [...mode, ...changes.sort((a, b) => a.rank - b.rank).map(({ text }) => line(text))];
}

interface RankedChange {
    readonly rank: number;
    readonly text: Sentence;
}

/** @param revokes whether a grant on the repository that is no longer listed is revoked */
function changesOf(old: Holder | undefined, next: Holder | undefined, revokes: boolean): RankedChange[] {
    const lost = [...(old?.roles ?? [])].filter((each) => !next?.roles.has(each));
    const gained = [...(next?.roles ?? [])].filter((each) => !old?.roles.has(each));
    const moved = identityChange(old, next);
    const who = next?.who ?? old?.who ?? [];
    const changed = (rank: number, change: string, note: Sentence = []): RankedChange => ({
        rank,
        text: say`${strong([{ words: change }])}: ${who}${note}`,
    });
    // Who acts as an account loses a grant on the account, which is always revoked.
    const keeps = !revokes && old?.account === undefined;
    const [from, to] = [lost[0], gained[0]];
    if (from !== undefined && to !== undefined && lost.length + gained.length === 2 && !keeps) {
        return [changed(rankOf(to), `${from} → ${to}`), ...moved];
    }
    return [
        ...gained.map((each) => changed(rankOf(each), `gains ${each}`, next?.note)),
        ...lost.map((each) =>
            changed(rankOf(each) + 0.5, keeps ? `no longer listed, but keeps ${each}` : `loses ${each}`),
        ),
        ...moved,
    ];
}

function rankOf(each: Role): number {
    return roles.indexOf(each);
}

/** A workload that keeps its name is a different machine if its principal changes. */
function identityChange(old: Holder | undefined, next: Holder | undefined): RankedChange[] {
    if (old?.identity === undefined || next?.identity === undefined) return [];
    const [from, to] = [old.identity, next.identity];
    const [role = "reader"] = next.roles;
    const changed = (what: string, text: Sentence): RankedChange => ({
        rank: rankOf(role),
        text: say`${strong([{ words: `${role}, different ${what}` }])}: workload ${to.name}, ${text}`,
    });
    const shorten = shortEnough(from.principal, to.principal);
    const way = ({ via }: typeof from) => (via === undefined ? say`directly` : say`as ${via}`);
    return [
        ...(from.principal === to.principal
            ? []
            : [changed("identity", say`${shorten(from.principal)} → ${shorten(to.principal)}`)]),
        ...(from.via === to.via ? [] : [changed("way", say`${way(from)} → ${way(to)}${next.note}`)]),
    ];
}

/** Everyone who has access, by what identifies them. */
function holdersOf({ access, serviceAccounts }: AccessOutputs): Map<string, Holder> {
    const holders = new Map<string, Holder>();
    const add = (key: string, each: Role, holder: Omit<Holder, "roles" | "note">, note: Sentence = []) => {
        holders.set(key, { ...holder, note, roles: new Set(holders.get(key)?.roles).add(each) });
    };
    const workloads = Object.entries(access.workloads);
    const direct = new Set(
        workloads.flatMap(([, { principal, via }]) => (via === undefined ? [principal] : [])),
    );
    const accounts = new Map(Object.entries(serviceAccounts).map(([id, { member }]) => [member, id]));
    for (const each of roles) {
        for (const principal of access[each]) {
            if (!direct.has(principal)) add(principal, each, { who: nameOf(principal, accounts) });
        }
    }
    for (const [name, { principal, access: each, via }] of workloads) {
        const who = say`workload ${name} (${shortPrincipal(principal)})`;
        const identity = { name, principal, ...(via === undefined ? {} : { via }) };
        if (via === undefined) add(`workload ${name}`, each, { who, identity });
        else add(`workload ${name}`, each, { who: say`${who}${acting(via)}`, account: via, identity }, all);
    }
    for (const [id, members] of Object.entries(access.impersonators)) {
        const each = serviceAccounts[id]?.access;
        if (each === undefined) continue;
        for (const member of members) {
            add(`impersonator ${id} ${member}`, each, { who: say`${member}${acting(id)}`, account: id }, all);
        }
    }
    return holders;
}

const all = say`. It gets all access that this account has.`;

function acting(account: string): Sentence {
    return say`, by acting as the service account ${account}`;
}

/** A principal as a reviewer knows it. */
function nameOf(principal: string, accounts: ReadonlyMap<string, string>): Sentence {
    if (principal === "allUsers") return strong(say`everyone on the internet (${principal})`);
    if (principal === "allAuthenticatedUsers") {
        return strong(say`everyone with a Google account (${principal})`);
    }
    const account = accounts.get(principal);
    return account === undefined ? say`${principal}` : say`service account ${account}`;
}

/**
 * A federated principal without its pool. What follows the pool decides who it is: the owner, the repository and the branch.
 *
 * @see https://cloud.google.com/iam/docs/principal-identifiers
 */
function shortPrincipal(principal: string): string {
    return principal.replace(
        /^principal(?:Set)?:\/\/iam\.googleapis\.com\/projects\/\d+\/locations\/global\/workloadIdentityPools\/[^/]+\//,
        "",
    );
}

/** Shortens both principals, unless they differ only in what that removes. */
function shortEnough(from: string, to: string): (principal: string) => string {
    return shortPrincipal(from) === shortPrincipal(to) ? (principal) => principal : shortPrincipal;
}

/** The stack's outputs; no one has access if there are none yet. */
function read(outputs: Properties | undefined): AccessOutputs | undefined {
    const none = { access: {} };
    const empty = outputs === undefined || Object.keys(outputs).length === 0;
    const parsed = v.safeParse(schema, empty ? none : outputs);
    return parsed.success ? parsed.output : undefined;
}

/** Whether the stack starts or stops to own all members of its roles. */
function modeChange(steps: readonly Step[]): Entry[] {
    if (stopsOwning(steps)) {
        return [
            line(
                say`The stack stops owning its roles (${"access"}: ${"authoritative"} → ${"additive"}). Grants made elsewhere stay from now on.`,
            ),
        ];
    }
    const { from, to } = modes(steps);
    if (from !== "additive" || to !== "authoritative") return [];
    const text = say`The stack starts owning its roles (${"access"}: ${from} → ${to}). Everyone who was granted one of them elsewhere loses it.`;
    return [line(strong(text))];
}

/**
 * Whether the stack stops to own the members of its roles. Its old grants then leave the state without being revoked (see
 * `RepositoryAccess`), so that nobody loses a role on the repository in this update.
 */
function stopsOwning(steps: readonly Step[]): boolean {
    const { from, to } = modes(steps);
    return from === "authoritative" && to === "additive";
}

function modes(steps: readonly Step[]): { readonly from: unknown; readonly to: unknown } {
    const components = steps.filter(({ type }) => type === "python-registry:index:RepositoryAccess");
    return {
        from: components.find(({ op }) => op === "delete")?.old?.inputs["mode"],
        to: components.find(({ op }) => op === "create")?.new?.inputs["mode"],
    };
}
