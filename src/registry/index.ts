// What another Pulumi program imports: import { Registry } from "…/src/registry".
export { Existing } from "./existing";
export { Registry, type RegistryArgs, type RegistryServiceAccount } from "./registry";
