import { strict as assert } from "node:assert";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as v from "valibot";
import { AccessTokens, ownTokens } from "../../packages/operations/src/google/access-tokens";
import { GoogleClient, registryApi, Refusal } from "../../packages/operations/src/google/client";
import { openNetwork } from "../../packages/operations/src/google/network";

// The client of the commands that ask Google. test/promote/ tests that its credential goes to no other host.

describe("the client for Google", () => {
    const token = "ya29.secret-secret-secret";
    /** The statuses to answer with; 200 after the last. */
    let statuses: number[] = [];
    let seen: string[] = [];
    const server = createServer((request, response) => {
        seen.push(request.method ?? "");
        response.statusCode = statuses.shift() ?? 200;
        const message = `refused ${request.headers.authorization ?? ""}`;
        response.end(JSON.stringify(response.statusCode === 200 ? {} : { error: { message } }));
    });
    before(async () => {
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
    });
    after(() => server.close());

    it("repeats a GET and a DELETE that a service asks to repeat, and no POST", async () => {
        const network = await openNetwork({});
        const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`;
        const client = new GoogleClient(new AccessTokens(() => Promise.resolve(token)), network, api);
        const call = async (method: "GET" | "POST" | "DELETE", ...answers: number[]) => {
            [statuses, seen] = [answers, []];
            try {
                await client.call(method, "projects/p", v.object({}), method === "POST" ? {} : undefined);
                return seen.length;
            } catch (error) {
                assert.ok(error instanceof Refusal);
                return [error.status, seen.length, error.message];
            }
        };
        try {
            assert.equal(await call("GET", 503), 2);
            assert.equal(await call("DELETE", 429), 2);
            // Its message has no token, even if the service repeats it.
            assert.deepEqual(await call("POST", 503), [
                503,
                1,
                "Artifact Registry answered 503 for projects/p: refused Bearer ********",
            ]);
            assert.deepEqual((await call("GET", 404)) instanceof Array, true);
            assert.deepEqual(seen, ["GET"]);
        } finally {
            await network.destroy();
        }
    });

    it("takes the token of a variable, the address of gcloud's, and no other address of the API", async () => {
        assert.equal(await ownTokens({ GOOGLE_OAUTH_ACCESS_TOKEN: " a " }).get(), "a");
        assert.equal(
            await ownTokens({ GOOGLE_OAUTH_ACCESS_TOKEN: "a", CLOUDSDK_AUTH_ACCESS_TOKEN: "b" }).get(),
            "b",
        );
        assert.equal(registryApi({}), "https://artifactregistry.googleapis.com/v1/");
        const own = { CLOUDSDK_API_ENDPOINT_OVERRIDES_ARTIFACTREGISTRY: "https://registry.example//" };
        assert.equal(registryApi(own), "https://registry.example/v1/");
    });
});
