// The entry point for other Pulumi programs: import { Registry } from "…/src/registry".
export { Role, type PrincipalsByRole } from "./names/principals";
export type { RepositoryUrls } from "./names/urls";
export { Existing } from "./components/existing";
export { Registry, type RegistryServiceAccount, type RegistryWorkload } from "./components/registry";
export type { RegistryArgs, RegistryServiceAccountArgs } from "./components/registry-args";
export {
    AccessMode,
    RepositoryAccess,
    type RepositoryAccessArgs,
    type WorkloadGrant,
} from "./components/repository-access";
export type { PoolArgs, WorkloadArgs } from "./components/workload-args";
export { WorkloadType } from "./names/workload-types";
export {
    ServiceAccount,
    type ServiceAccountArgs,
    type ServiceAccountKey,
} from "./components/service-account";
