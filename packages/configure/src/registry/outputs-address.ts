import { Network } from "../machine/network";
import type { System } from "../machine/system";

/** Far more than the outputs of a stack have. */
const maxResponseSize = 1024 * 1024;
const maxRedirects = 5;

/**
 * Reads outputs from an https address, through the proxy and with the certificates that Python's tools use. No credential is sent
 * to the server: none is in the address, and no file or variable with logins is read. Redirects are followed to https only.
 *
 * @returns the address for messages, without its query, which can contain a token; and the text
 * @throws Error that says what to do, and contains neither a password, nor a query, nor what was read
 */
export async function fetchOutputs(address: string, system: System): Promise<[from: string, text: string]> {
    let url = parseAddress(address, "The address in --outputs");
    const from = url.origin + url.pathname;
    await using network = await Network.open(system, { maxResponseSize });
    if (network.configurationError !== undefined) throw new Error(network.configurationError);
    for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
        const response = await network.get(url.href);
        if ("failure" in response)
            throw new Error(`${from} cannot be read. ${response.failure}. ${response.fix}`);
        const { status, headers, body } = response;
        if (status === 200) return [from, body];
        if (status < 300 || status > 399 || typeof headers.location !== "string") {
            throw new Error(
                `${from} cannot be read: ${url.host} answered with status ${status}. configure sends no credentials: ` +
                    "if the file needs a login, download it, and use --outputs FILE",
            );
        }
        url = parseAddress(headers.location, `The address to which ${from} redirects`, url.href);
    }
    throw new Error(`${from} cannot be read: it redirects more than ${maxRedirects} times`);
}

/** @throws Error that repeats nothing of the address */
function parseAddress(text: string, subject: string, base?: string): URL {
    if (!URL.canParse(text, base)) throw new Error(`${subject} is not a valid URL`);
    const url = new URL(text, base);
    if (url.protocol !== "https:") {
        throw new Error(
            `${subject} starts with ${url.protocol}//. Use https: otherwise others on the network can replace the outputs`,
        );
    }
    if (url.username !== "" || url.password !== "") {
        throw new Error(
            `${subject} contains a login, and configure sends none. Remove it; if the file needs a login, download it, and use --outputs FILE`,
        );
    }
    return url;
}
