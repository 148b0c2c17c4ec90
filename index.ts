import { getAccess } from "python-registry/access";
import { ciSnippets } from "python-registry/ci-snippets";
import { pipConfWithKeyring } from "python-registry/clients/pip";
import { renderReadme } from "python-registry/clients/readme";
import { renderClients, filesByTool } from "python-registry/clients/tools";
import { pypircWithKeyring } from "python-registry/clients/twine";
import { keyCredentials } from "python-registry/credentials";
import { repositoryUrls } from "python-registry/names/urls";
import { Registry } from "python-registry";
import { readSettings } from "./src/settings";

const { keyring, internalPackages, protect, ...args } = readSettings();
const registry = new Registry("registry", { ...args, deletionProtection: protect });
const { indexUrl, uploadUrl } = repositoryUrls(args);
const index = { name: args.repository, indexUrl, uploadUrl, keyring, internalPackages };

export const repository = {
    id: args.repository,
    name: registry.repositoryName,
    project: args.project,
    location: args.location,
    indexUrl,
    uploadUrl,
};
export { internalPackages };
export const pipConf = pipConfWithKeyring(indexUrl, keyring);
export const pypirc = pypircWithKeyring(index);
export const clients = filesByTool(index, { form: "keyring" });
export const readme = renderReadme(index, renderClients(index, [{ form: "keyring" }, { form: "token" }]));
export const { serviceAccounts } = registry;
export const credentials = keyCredentials(registry, index);
export const access = getAccess(registry, args.serviceAccounts);
// Only a stack with workloads has this output: Pulumi would warn about one without a value.
const ci = ciSnippets(registry, index, args.project);
if (ci !== undefined) Object.assign(exports as object, { ci });
