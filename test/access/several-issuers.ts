import type { Claims } from "../../packages/sandbox/src/issuers/ci-system";
import type { Neighbor } from "./neighbors";
import type { Login } from "./identities";
import type { Operation } from "./operations";

// Workloads of type oidc: two issuers in one pool, and two tenants of one issuer. Each is trusted for its own identity only.

const ofTeam = "https://ci.team.example.com";
const shared = "https://deploy.example.com";

/** A stack with two issuers, one of them with two tenants. */
export const configuration = {
    location: "europe-west1",
    serviceAccounts: {},
    workloads: {
        team: {
            type: "oidc",
            access: "reader",
            issuer: ofTeam,
            claims: { organization_id: "acme", team: "core" },
        },
        deploy: {
            type: "oidc",
            access: "writer",
            issuer: shared,
            claims: { sub: "deploy", tenant_id: "7" },
        },
        test: {
            type: "oidc",
            access: "reader",
            issuer: shared,
            claims: { sub: "test", tenant_id: "8" },
        },
    },
};

interface Case extends Pick<Neighbor, "who" | "refusedBy"> {
    readonly login: Login;
    readonly operation: Operation;
}

const as = (workload: string, issuer: string, claims: Claims): Login => ({
    kind: "federation",
    workload,
    issuer,
    claims,
});
const exchange = ["token exchange", 400] as const;

export const cases: readonly Case[] = [
    {
        who: "the team",
        login: as("team", ofTeam, { sub: "build", team: "core", organization_id: "acme" }),
        operation: "install",
        refusedBy: undefined,
    },
    {
        who: "the first tenant",
        login: as("deploy", shared, { sub: "deploy", tenant_id: "7" }),
        operation: "upload",
        refusedBy: undefined,
    },
    {
        who: "the second tenant",
        login: as("test", shared, { sub: "test", tenant_id: "8" }),
        operation: "install",
        refusedBy: undefined,
    },
    {
        who: "the second tenant, with the subject of the first",
        login: as("deploy", shared, { sub: "deploy", tenant_id: "8" }),
        operation: "upload",
        refusedBy: exchange,
    },
    {
        who: "the first tenant, with the subject of the second",
        login: as("test", shared, { sub: "test", tenant_id: "7" }),
        operation: "install",
        refusedBy: exchange,
    },
    {
        who: "the team's issuer, with the subject of a tenant of the other issuer",
        login: as("team", ofTeam, { sub: "deploy", team: "core", organization_id: "acme" }),
        operation: "upload",
        refusedBy: ["registry", 403],
    },
    {
        who: "the team's issuer, with the subject of a tenant of the other issuer, as itself",
        login: as("team", ofTeam, { sub: "deploy", team: "core", organization_id: "acme" }),
        operation: "install",
        refusedBy: undefined,
    },
];
