import { pipConfWithKeyring } from "./src/clients/pip";
import { readmeOf } from "./src/clients/readme";
import { clientsOf, filesByTool } from "./src/clients/tools";
import { pypircWithKeyring } from "./src/clients/twine";
import { keyCredentials } from "./src/credentials";
import { Registry } from "./src/registry/registry";
import { readSettings } from "./src/settings/settings";

const settings = readSettings();
const registry = new Registry("registry", settings);
const { indexUrl, uploadUrl } = registry.urls;
const { keyring } = settings;
const index = {
    name: settings.repository,
    indexUrl,
    uploadUrl,
    keyring,
    internalPackages: settings.internalPackages,
};

export const repository = {
    id: settings.repository,
    name: registry.repositoryName,
    project: settings.project,
    location: settings.location,
    indexUrl,
    uploadUrl,
};
export const { internalPackages } = settings;
export const pipConf = pipConfWithKeyring(indexUrl, keyring);
export const pypirc = pypircWithKeyring(index);
export const clients = filesByTool(index, { form: "keyring" });
export const readme = readmeOf(index, clientsOf(index, [{ form: "keyring" }, { form: "token" }]));
export const serviceAccounts = Object.fromEntries(
    Object.entries(registry.serviceAccounts).map(([id, { email, member }]) => [
        id,
        { email, member, access: settings.serviceAccounts[id]?.access },
    ]),
);
export const credentials = keyCredentials(registry, index);
export const access = registry.principals;
