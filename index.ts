import { pipConfWithKeyring } from "./src/clients/pip";
import { pypircWithKeyring } from "./src/clients/twine";
import { keyCredentials } from "./src/credentials";
import { Registry } from "./src/registry";
import { readSettings } from "./src/settings";

const settings = readSettings();
const registry = new Registry("registry", settings);
const { indexUrl, uploadUrl } = registry.urls;

export const repository = {
    id: settings.repository,
    name: registry.repositoryName,
    project: settings.project,
    location: settings.location,
    indexUrl,
    uploadUrl,
};
export const pipConf = pipConfWithKeyring(indexUrl, settings.keyring);
export const pypirc = pypircWithKeyring({ name: settings.repository, uploadUrl });
export const serviceAccounts = Object.fromEntries(
    Object.entries(registry.serviceAccounts).map(([id, { email, member }]) => [
        id,
        { email, member, access: settings.serviceAccounts[id]?.access },
    ]),
);
export const credentials = keyCredentials(registry);
export const access = registry.principals;
