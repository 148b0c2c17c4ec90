import * as v from "valibot";
import type { Login } from "python-registry/clients/credential";
import { isAmong, normalizedName } from "python-registry/names/package-names";
import { type Finding, problem } from "./findings";
import type { ProbeCache } from "./probe-cache";

/** The package that the tools are asked for, or why there is none. */
export type Choice =
    /** `others` are internal packages that have a wheel for every machine. */
    | { readonly packageName: string; readonly others: readonly string[] }
    | { readonly notTried: string }
    | { readonly fault: Finding };

/** Of packages from the registry's list, only so many pages are read. */
const candidates = 10;

const listSchema = v.pipe(
    v.string(),
    v.parseJson(),
    v.object({ packages: v.optional(v.array(v.object({ name: v.string() })), []) }),
);

/**
 * Chooses a package of the registry that the tools can resolve without running its code: one with a wheel.
 *
 * @param wanted the name on the command line
 */
export async function choosePackage(probes: ProbeCache, wanted: string | undefined): Promise<Choice> {
    const { internalPackages } = probes.registry.index;
    const login = await probes.acceptedLogin();
    if (login === undefined) {
        const [first] =
            wanted === undefined ? internalPackages.filter((name) => !name.endsWith("*")) : [wanted];
        return first === undefined
            ? {
                  notTried:
                      "no login works that could read the registry's list of packages. Name one with --package",
              }
            : { packageName: normalizedName(first), others: [] };
    }
    const names = wanted === undefined ? await listPackages(probes, login) : [normalizedName(wanted)];
    if (names === undefined)
        return { notTried: "the registry's list of packages cannot be read. Name one with --package" };
    const internalFirst = [
        ...names.filter((name) => isAmong(name, internalPackages)),
        ...names.filter((name) => !isAmong(name, internalPackages)),
    ].slice(0, candidates);
    const pages = await Promise.all(
        internalFirst.map(async (packageName) => ({
            packageName,
            page: await readPage(probes, login, packageName),
        })),
    );
    const [found] = [/-none-any\.whl\b/, /\.whl\b/].flatMap((wheel) =>
        pages.filter(({ page }) => wheel.test(page)),
    );
    if (found !== undefined) {
        const { packageName } = found;
        const others = pages
            .filter(
                (each) => isAmong(each.packageName, internalPackages) && /-none-any\.whl\b/.test(each.page),
            )
            .map((each) => each.packageName);
        return { packageName, others: others.filter((name) => name !== packageName) };
    }
    if (wanted !== undefined && pages[0]?.page === "") {
        const fix = "Correct --package, or publish the package first";
        return {
            fault: problem("index", `The registry has no package named ${normalizedName(wanted)}`, fix),
        };
    }
    return {
        notTried:
            names.length === 0
                ? "the registry has no packages yet"
                : "no package was found that has a wheel, and tools run the code of other packages to read their metadata",
    };
}

/** The names of the registry's packages. https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories.packages/list */
async function listPackages({ registry, network }: ProbeCache, login: Login): Promise<string[] | undefined> {
    const token = await network.accessToken(login);
    if (token === undefined) return undefined;
    const url = `https://artifactregistry.googleapis.com/v1/${registry.name}/packages?pageSize=1000`;
    const response = await network.get(url, { token });
    const list = v.safeParse(
        listSchema,
        "status" in response && response.status === 200 ? response.body : "",
    );
    return list.success
        ? list.output.packages.map(({ name }) =>
              normalizedName(decodeURIComponent(name.split("/").at(-1) ?? "")),
          )
        : undefined;
}

/** The page of the simple index; empty if there is none. */
async function readPage(
    { registry, network }: ProbeCache,
    login: Login,
    packageName: string,
): Promise<string> {
    const response = await network.get(`${registry.index.indexUrl}${packageName}/`, login);
    return "status" in response && response.status === 200 ? response.body : "";
}
