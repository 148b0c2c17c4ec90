import { accessOf } from "./src/access";
import { ciSnippets } from "./src/ci-snippets";
import { pipConfWithKeyring } from "./src/clients/pip";
import { readmeOf } from "./src/clients/readme";
import { clientsOf, filesByTool } from "./src/clients/tools";
import { pypircWithKeyring } from "./src/clients/twine";
import { keyCredentials } from "./src/credentials";
import { repositoryUrls } from "./src/names/urls";
import { Registry } from "./src/registry";
import { readSettings } from "./src/settings/settings";

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
export const readme = readmeOf(index, clientsOf(index, [{ form: "keyring" }, { form: "token" }]));
export const { serviceAccounts } = registry;
export const credentials = keyCredentials(registry, index);
export const access = accessOf(registry, args.serviceAccounts);
// Only a stack with workloads has this output: Pulumi would warn about one without a value.
const ci = ciSnippets(registry, index, args.project);
if (ci !== undefined) Object.assign(exports as object, { ci });
