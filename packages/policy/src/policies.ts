import type { Policies } from "@pulumi/policy";
import { accountRoles } from "./rules/account-roles";
import { allowedLocations } from "./rules/allowed-locations";
import { customRoles } from "./rules/custom-roles";
import { federationCondition } from "./rules/federation-condition";
import { keyAge } from "./rules/key-age";
import { keyAllowList, noProductionKeys } from "./rules/service-account-keys";
import { mirrorRules } from "./rules/mirror-rules";
import { noBroadWriters } from "./rules/no-broad-writers";
import { noPublicAccess } from "./rules/no-public-access";
import { productionProtection } from "./rules/production-protection";
import { repositoryGrants } from "./rules/repository-grants";
import { requiredLabels } from "./rules/required-labels";

/** The rules of the pack. docs/policies.md describes them. */
export const policies: Policies = [
    noPublicAccess("no-public-access"),
    noBroadWriters("no-broad-writers"),
    repositoryGrants("repository-grants"),
    customRoles("custom-roles"),
    accountRoles("account-roles"),
    federationCondition("federation-condition"),
    keyAllowList("key-allow-list"),
    noProductionKeys("no-production-keys"),
    keyAge("key-age"),
    productionProtection("production-protection"),
    mirrorRules("mirror-rules"),
    allowedLocations("allowed-locations"),
    requiredLabels("required-labels"),
];
