import * as pulumi from "@pulumi/pulumi";
import { Registry, Role } from "@pulumi/python-registry";
import { writeFileSync } from "node:fs";

// A private Python registry. pip.conf is written beside this program.
const registry = new Registry("registry", {
    project: new pulumi.Config("gcp").require("project"),
    location: "europe-west1",
    repository: "python",
    readers: ["group:developers@example.com"],
    serviceAccounts: { "python-publisher": { access: Role.Writer } },
});

if (!pulumi.runtime.isDryRun()) {
    registry.pipConf.apply((text) => {
        writeFileSync("pip.conf", text);
    });
}

export const { pipConf, pypirc, access } = registry;
