import { PublicPackages, Registry } from "python-registry";
import { readSettings } from "./src/settings";

const settings = readSettings();
const registry = new Registry("registry", settings);

export const repository = {
    id: settings.repository,
    name: registry.repositoryName,
    project: settings.project,
    location: settings.location,
    indexUrl: registry.urls.indexUrl,
    uploadUrl: registry.urls.uploadUrl,
    ...(settings.mirror && { indexRepository: settings.mirror.virtualRepository }),
};
export const { internalPackages, keyring } = settings;
export const { pipConf, pypirc, clients, readme, serviceAccounts, credentials, access } = registry;
// Only a stack whose files leave PyPI out has this output.
if (settings.publicPackages !== PublicPackages.pypi) {
    Object.assign(exports as object, { publicPackages: settings.publicPackages });
}
// Only a stack with a cooldown has this output.
if (settings.cooldown !== undefined) Object.assign(exports as object, { cooldown: settings.cooldown });
// Only a stack with workloads has this output.
if (Object.keys(settings.workloads ?? {}).length > 0) Object.assign(exports as object, { ci: registry.ci });
