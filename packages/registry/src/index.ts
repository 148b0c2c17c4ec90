// The entry point for other Pulumi programs: import { Registry } from "python-registry".
export { Role, type PrincipalsByRole } from "./names/principals";
export type { RepositoryUrls } from "./names/urls";
export { Existing } from "./components/existing";
export { KeyringProvider, PublicPackages } from "./clients/client";
export type { RegistryAccess, RegistryWorkload } from "./components/access";
export type { KeyCredentialFiles } from "./components/credentials";
export { Registry, type RegistryServiceAccount } from "./components/registry";
export type { PoolConfig, RegistryArgs, ServiceAccountConfig } from "./components/registry-args";
export { AccessMode } from "./components/repository-access";
export type {
    CleanupCondition,
    CleanupConfig,
    CleanupPolicy,
    EncryptionConfig,
    MostRecentVersions,
} from "./lifecycle/lifecycle-config";
export { type WorkloadConfig, WorkloadType } from "./systems/workload-config";
export { AuditLogType, CleanupAction, TagState } from "./validation/schema";
