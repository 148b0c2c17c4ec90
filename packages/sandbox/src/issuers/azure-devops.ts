import type { CiSystem } from "./ci-system";

const organization = "3f5c1d7a-9b2e-4c68-a0d4-7e8f9a0b1c01";
const tenant = "8d4e2f6a-0c1b-4d97-b3e5-6a7c8d9e0f02";

/** A pipeline's own token; an issuer for each organization. */
export const azureDevops: CiSystem = {
    issuer: `https://vstoken.dev.azure.com/${organization}`,
    claims: {
        sub: "p://acme/widgets/release",
        aud: "api://AzureADTokenExchange",
        org_id: organization,
        prj_id: "1a2b3c4d-5e6f-4708-8192-a3b4c5d6e703",
        def_id: "12",
        rpo_id: "2b3c4d5e-6f70-4819-92a3-b4c5d6e7f804",
        rpo_uri: "https://dev.azure.com/acme/widgets/_git/widgets",
        rpo_ver: "4a1b7c9e0d2f3a5b6c7d8e9f0a1b2c3d4e5f6a7b",
        rpo_ref: "refs/heads/main",
        run_id: "345",
    },
};

/** An older service connection: same issuer, and names only. */
export const azureServiceConnection: CiSystem = {
    issuer: azureDevops.issuer,
    claims: { sub: "sc://acme/widgets/registry", aud: "api://AzureADTokenExchange" },
};

/** A service connection with the issuer of Microsoft Entra. */
export const azureEntra: CiSystem = {
    issuer: `https://login.microsoftonline.com/${tenant}/v2.0`,
    claims: {
        sub: `/eid1/c/pub/t/tenant/a/app/sc/${organization}/4d5e6f70-8192-4a3b-b4c5-d6e7f8091a05`,
        aud: "fb60f99c-7a34-4190-8149-302f77469936",
        oid: "5e6f7081-92a3-4b4c-95d6-e7f8091a2b06",
        tid: tenant,
        ver: "2.0",
    },
};
