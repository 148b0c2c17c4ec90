import * as artifactregistry from "@pulumi/gcp/artifactregistry";
import { Registry } from "../../../packages/registry/src";

// A program that creates a repository itself, and uses it.
const repository = new artifactregistry.Repository("own", {
    project: "sandbox-project",
    location: "europe-west1",
    repositoryId: "python",
    format: "PYTHON",
    mode: "STANDARD_REPOSITORY",
});
new Registry(
    "registry",
    {
        project: "sandbox-project",
        location: "europe-west1",
        repository: "python",
        existing: "use",
        access: "authoritative",
        readers: ["group:dev@example.com"],
        enableApis: false,
    },
    { dependsOn: repository },
);
