import { repositoryUrls } from "python-registry/names/urls";
import { type GoogleClient, NoAnswer } from "../google/client";
import { type IndexFile, parseIndexPage } from "../promote/index-page";

/** A package, and one of its files: public ones, small, with few requirements. */
export interface PublicPackage {
    readonly name: string;
    /** Of a version that is there. Used where the index does not list the package. */
    readonly filename: string;
}

/** The package that the rule denies. Its only purpose is to be an example. https://pypi.org/project/sampleproject/ */
export const denied: PublicPackage = {
    name: "sampleproject",
    filename: "sampleproject-4.0.0-py3-none-any.whl",
};
/** A package that no rule is about. */
export const control: PublicPackage = { name: "six", filename: "six-1.16.0-py2.py3-none-any.whl" };

/** How a repository answers for a package. */
export interface PackageAnswers {
    /** Of the package's page in the index; undefined: no answer. */
    readonly page: number | undefined;
    readonly isListed: boolean;
    /** Of the download of a file; undefined: no answer. */
    readonly download: number | undefined;
}

/** How a repository answers. */
export interface RepositoryAnswers {
    readonly denied: PackageAnswers;
    readonly control: PackageAnswers;
}

/** How both repositories answer, at one time. */
export interface Answers {
    readonly remote: RepositoryAnswers;
    readonly virtual: RepositoryAnswers;
}

/** A Python repository. */
export interface Place {
    readonly project: string;
    readonly location: string;
    readonly repository: string;
}

/** Asks both repositories for the pages and one file of both packages. */
export async function observe(
    client: Pick<GoogleClient, "get">,
    remote: Place,
    virtual: Place,
): Promise<Answers> {
    const of = async ({ name, filename }: PublicPackage) => {
        const pages = await Promise.all([remote, virtual].map((place) => readPage(client, place, name)));
        // One that is listed there is there. The one of the constant could have been deleted.
        const [file = filename] = pages.flatMap(({ files }) => files.map((each) => each.filename).slice(-1));
        return Promise.all(
            [remote, virtual].map(async (place, index): Promise<PackageAnswers> => {
                const { status, files } = pages[index] ?? { status: undefined, files: [] };
                const listed = files.find((each) => each.filename === file);
                const url = listed?.url ?? `${repositoryUrls(place).uploadUrl}${name}/${file}`;
                return { page: status, isListed: files.length > 0, download: await ask(client, url) };
            }),
        );
    };
    const [ofDenied, ofControl] = await Promise.all([of(denied), of(control)]);
    const none: PackageAnswers = { page: undefined, isListed: false, download: undefined };
    const at = (index: number): RepositoryAnswers => ({
        denied: ofDenied[index] ?? none,
        control: ofControl[index] ?? none,
    });
    return { remote: at(0), virtual: at(1) };
}

/** The status of the index's own page, which lists no package. */
export function askForRoot(client: Pick<GoogleClient, "get">, place: Place): Promise<number | undefined> {
    return ask(client, repositoryUrls(place).indexUrl);
}

interface Page {
    readonly status: number | undefined;
    readonly files: readonly IndexFile[];
}

async function readPage(client: Pick<GoogleClient, "get">, place: Place, name: string): Promise<Page> {
    const { indexUrl, uploadUrl } = repositoryUrls(place);
    const url = `${indexUrl}${name}/`;
    return answered<Page>({ status: undefined, files: [] }, async () => {
        const { statusCode: status, body } = await client.get(url, "text/html");
        const text = await body.text();
        return { status, files: status === 200 ? parseIndexPage(text, url, uploadUrl, name) : [] };
    });
}

async function ask(client: Pick<GoogleClient, "get">, url: string): Promise<number | undefined> {
    return answered(undefined, async () => {
        const { statusCode, body } = await client.get(url);
        await body.dump();
        return statusCode;
    });
}

/** What `work` gives, or `otherwise` if there is no answer: the question is asked again. */
async function answered<T>(otherwise: T, work: () => Promise<T>): Promise<T> {
    try {
        return await work();
    } catch (error) {
        if (error instanceof NoAnswer) return otherwise;
        throw error;
    }
}
