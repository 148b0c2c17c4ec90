import { PolicyPack } from "@pulumi/policy";
import { policies } from "./policies";

new PolicyPack("artifact-registry", {
    displayName: "Artifact Registry",
    provider: "gcp",
    policies,
});
