import * as v from "valibot";
import { roleNames } from "python-registry/names/principals";
import { elsewhere, getProject } from "./describe";
import type { Preview, Step } from "./events";
import { type Entry, line } from "./entry";
import { grantChanges, type IsNamed } from "./grants";
import { federatedPrincipal, getIssuers, ownProjectNumber, providerChanges } from "./providers";
import { say, type Sentence, strong } from "./sentence";
import { isRecord, type Properties } from "./values";

// Who gains and who loses access, from the stack's outputs `access` and `serviceAccounts`, which name everyone.

/** The most powerful first. */
const roles = ["admin", "writer", "reader"] as const;
type Role = (typeof roles)[number];

/** Without the items that are hidden: the section about hidden parts names them. */
const principals = v.pipe(
    v.optional(v.array(v.union([v.string(), v.symbol()])), []),
    v.transform((all) => all.filter((each) => typeof each === "string")),
);
/** An object whose hidden values are left out. */
const mapSchema = <Value extends v.GenericSchema>(value: Value) =>
    v.pipe(
        v.optional(v.custom<Properties>(isRecord), {}),
        v.transform((all) => Object.entries(all).filter(([, each]) => typeof each !== "symbol")),
        v.array(v.tuple([v.string(), value])),
        v.transform((all) => new Map<string, v.InferOutput<Value>>(all)),
    );
const role = v.picklist(roles);
const schema = v.object({
    access: v.object({
        admin: principals,
        writer: principals,
        reader: principals,
        workloads: mapSchema(v.object({ principal: v.string(), access: role, via: v.optional(v.string()) })),
        impersonators: mapSchema(principals),
    }),
    serviceAccounts: mapSchema(v.object({ member: v.string(), access: role })),
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
    /** Whose tokens the pool of a federated principal accepts. */
    readonly issuers: Sentence;
    readonly identity?: Identity;
}

/** Of a workload: its principal, and the account that it acts as. */
interface Identity {
    readonly name: string;
    readonly principal: string;
    readonly text: Sentence;
    readonly via?: string;
}

/** Who gains, who loses and whose access changes, the most powerful role first. */
export function accessChanges(preview: Preview): Entry[] {
    const { outputs, steps } = preview;
    const mode = modeChange(steps);
    const [before, after] = [read(outputs.old), read(outputs.new)];
    if (outputs.new === undefined || unreadableAccess(preview).length > 0 || !before || !after) {
        return [...mode, ...grantChanges(preview, () => false), ...providerChanges(preview)];
    }
    const isNamed: IsNamed = ({ gains, ...grant }) => {
        const [without, within] = gains ? [before, after] : [after, before];
        return isListed(within, grant) && !isListed(without, grant);
    };
    const rest = [...grantChanges(preview, isNamed), ...providerChanges(preview)];
    const number = ownProjectNumber(steps, getProject(preview));
    const [old, next] = [before, after].map((each) => getHolders(each, steps, number));
    const revokes = !stopsOwning(steps);
    const changes = [...new Set([...(old?.keys() ?? []), ...(next?.keys() ?? [])])].flatMap((key) =>
        compareHolders(old?.get(key), next?.get(key), revokes),
    );
    return [...mode, ...changes.sort((a, b) => a.rank - b.rank).map(({ text }) => line(text)), ...rest];
}

/** Why the outputs do not say who has access. */
export function unreadableAccess({ outputs: { old, new: next }, failed }: Preview): Sentence[] {
    // A preview that failed is said to be incomplete.
    if (next === undefined && failed) return [];
    const names = say`outputs ${"access"} and ${"serviceAccounts"}`;
    const instead = say` Each grant is shown with its resource instead.`;
    if (read(old) === undefined) return [say`The ${names} before the update cannot be read.${instead}`];
    const gone = isEmpty(next) && !isEmpty(old);
    return gone || read(next) === undefined
        ? [say`The ${names} after the update cannot be read.${instead}`]
        : [];
}

/** Whether the outputs name a grant on the repository or an account. */
function isListed(
    { access, serviceAccounts }: AccessOutputs,
    { principal, role: granted, on }: Omit<Parameters<IsNamed>[0], "gains">,
): boolean {
    const { serviceAccountId } = on;
    if (typeof serviceAccountId !== "string") {
        const each = roles.find((known) => roleNames[known] === granted);
        return Object.keys(on).length === 0 && each !== undefined && access[each].includes(principal);
    }
    if (granted !== "roles/iam.workloadIdentityUser" && granted !== "roles/iam.serviceAccountTokenCreator")
        return false;
    const member = `serviceAccount:${serviceAccountId.replace(/^.*\//, "")}`;
    return [...serviceAccounts].some(
        ([id, account]) =>
            account.member === member &&
            (access.impersonators.get(id)?.includes(principal) === true ||
                [...access.workloads.values()].some(
                    (each) => each.via === id && each.principal === principal,
                )),
    );
}

interface RankedChange {
    readonly rank: number;
    readonly text: Sentence;
}

/** @param revokes whether a grant on the repository that is no longer listed is revoked */
function compareHolders(old: Holder | undefined, next: Holder | undefined, revokes: boolean): RankedChange[] {
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
        return [changed(getRank(to), `${from} → ${to}`), ...moved];
    }
    return [
        ...gained.map((each) => changed(getRank(each), `gains ${each}`, next?.note)),
        ...lost.map((each) =>
            changed(getRank(each) + 0.5, keeps ? `no longer listed, but keeps ${each}` : `loses ${each}`),
        ),
        ...moved,
    ];
}

function getRank(each: Role): number {
    return roles.indexOf(each);
}

/** A workload that keeps its name is a different machine if its principal changes. */
function identityChange(old: Holder | undefined, next: Holder | undefined): RankedChange[] {
    if (old?.identity === undefined || next?.identity === undefined) return [];
    const [from, to] = [old.identity, next.identity];
    const [role = "reader"] = next.roles;
    const changed = (what: string, text: Sentence): RankedChange => ({
        rank: getRank(role),
        text: say`${strong([{ words: `${role}, different ${what}` }])}: workload ${to.name}, ${text}`,
    });
    const way = ({ via }: typeof from) => (via === undefined ? say`directly` : say`as ${via}`);
    return [
        ...(from.principal === to.principal
            ? []
            : [changed("identity", say`${principalChange(from, to)}${next.issuers}`)]),
        ...(from.via === to.via ? [] : [changed("way", say`${way(from)} → ${way(to)}${next.note}`)]),
    ];
}

/** Everyone who has access, by what identifies them. */
function getHolders(
    { access, serviceAccounts }: AccessOutputs,
    steps: readonly Step[],
    ownNumber: string,
): Map<string, Holder> {
    const holders = new Map<string, Holder>();
    const add = (
        key: string,
        each: Role,
        principal: string,
        holder: Pick<Holder, "who" | "account" | "identity">,
    ) => {
        const federated = federatedPrincipal(principal);
        const issuers = federated ? getIssuers(federated, steps) : [];
        const note = [...(holder.account === undefined ? [] : all), ...issuers];
        holders.set(key, { ...holder, note, issuers, roles: new Set(holders.get(key)?.roles).add(each) });
    };
    const workloads = [...access.workloads];
    const direct = new Set(
        workloads.flatMap(([, { principal, access: each, via }]) =>
            via === undefined ? [`${each} ${principal}`] : [],
        ),
    );
    const accounts = new Map([...serviceAccounts].map(([id, { member }]) => [member, id]));
    for (const each of roles) {
        for (const principal of access[each]) {
            if (direct.has(`${each} ${principal}`)) continue;
            add(principal, each, principal, { who: getName(principal, accounts) });
        }
    }
    for (const [name, { principal, access: each, via }] of workloads) {
        const text = principalText(principal, ownNumber);
        const who = say`workload ${name} (${text})`;
        const identity = { name, principal, text, ...(via === undefined ? {} : { via }) };
        add(`workload ${name}`, each, principal, {
            identity,
            ...(via === undefined ? { who } : { who: say`${who}${acting(via)}`, account: via }),
        });
    }
    for (const [id, members] of access.impersonators) {
        const each = serviceAccounts.get(id)?.access;
        if (each === undefined) continue;
        for (const member of members) {
            add(`impersonator ${id} ${member}`, each, member, {
                who: say`${member}${acting(id)}`,
                account: id,
            });
        }
    }
    return holders;
}

const all = say`. It gets all access that this account has.`;

function acting(account: string): Sentence {
    return say`, by acting as the service account ${account}`;
}

/** A principal as a reviewer knows it. */
function getName(principal: string, accounts: ReadonlyMap<string, string>): Sentence {
    if (principal === "allUsers") return strong(say`everyone on the internet (${principal})`);
    if (principal === "allAuthenticatedUsers") {
        return strong(say`everyone with a Google account (${principal})`);
    }
    const account = accounts.get(principal);
    return account === undefined ? say`${principal}` : say`service account ${account}`;
}

/** A federated principal by what decides who it is and by its pool, and another principal as it is. */
function principalText(principal: string, ownNumber: string): Sentence {
    const federated = federatedPrincipal(principal);
    if (federated === undefined) return say`${principal}`;
    const { selector, pool, project } = federated;
    return say`${selector}, pool ${pool}${elsewhere(project, ownNumber)}`;
}

/** Two identities, in full if they differ only in what their texts leave out. */
function principalChange(from: Identity, to: Identity): Sentence {
    const alike = JSON.stringify(from.text) === JSON.stringify(to.text);
    return alike ? say`${from.principal} → ${to.principal}` : say`${from.text} → ${to.text}`;
}

/** The stack's outputs; undefined if they cannot be read. No one has access if there are none yet. */
function read(outputs: Properties | undefined): AccessOutputs | undefined {
    const parsed = v.safeParse(schema, isEmpty(outputs) ? { access: {} } : outputs);
    return parsed.success ? parsed.output : undefined;
}

function isEmpty(outputs: Properties | undefined): boolean {
    return Object.keys(outputs ?? {}).length === 0;
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
