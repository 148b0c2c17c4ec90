// The entry point for other Pulumi programs: import { Registry } from "…/src/registry".
export { Role, type PrincipalsByRole } from "../names/principals";
export type { RepositoryUrls } from "../names/urls";
export { Existing } from "./existing";
export { Registry, type RegistryServiceAccount, type RegistryWorkload } from "./registry";
export type { RegistryArgs, RegistryServiceAccountArgs } from "./registry-args";
export {
    AccessMode,
    RepositoryAccess,
    type RepositoryAccessArgs,
    type WorkloadGrant,
} from "./repository-access";
export type { PoolArgs, WorkloadArgs } from "./workload-args";
export { WorkloadType } from "../names/workload-types";
export { ServiceAccount, type ServiceAccountArgs, type ServiceAccountKey } from "./service-account";
