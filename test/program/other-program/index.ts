import { Registry } from "../../../packages/registry/src";

// Another program, without this project's configuration, that creates two registries.
const tools = new Registry("tools", {
    project: "sandbox-project",
    location: "us",
    repository: "tools",
    readers: ["group:everyone@sandbox.example"],
    serviceAccounts: { "tools-publisher": { access: "writer" } },
});
const models = new Registry(
    "models",
    {
        project: "sandbox-project",
        location: "europe-west4",
        repository: "models",
        access: "additive",
        writers: ["group:scientists@sandbox.example"],
        enableApis: false,
        deletionProtection: false,
    },
    // It enables no API itself, and relies on the other's.
    { dependsOn: tools },
);

export const indexUrls = [tools.urls.indexUrl, models.urls.indexUrl];
export const publisher = tools.serviceAccounts["tools-publisher"]?.member;
