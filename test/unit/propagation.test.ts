import assert from "node:assert/strict";
import { isPropagationError, retryDelays } from "../../packages/registry/src/components/propagation";

const account = "python-publisher@acme-tools.iam.gserviceaccount.com";
const key = "projects/acme-keys/locations/europe-west1/keyRings/registry/cryptoKeys/python";
const agent = "service-7@gcp-sa-artifactregistry.iam.gserviceaccount.com";
const created = new Set(["artifactregistry.googleapis.com", account, "acme-machines", key, agent]);
const disabled = (service: string) =>
    `Error creating Repository: googleapi: Error 403: Artifact Registry API has not been used in project 7 before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/${service}/overview?project=7 then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.\nDetails:\n[]`;
const missing = (email: string) =>
    `Error applying IAM policy: Error setting IAM policy: googleapi: Error 400: Service account ${email} does not exist., badRequest`;
const noPool = (pool: string) =>
    `googleapi: Error 400: Identity Pool does not exist (${pool}). Please check that you specified a valid resource name as returned in the \`name\` attribute in the configuration API.`;
const ofPool = (id: string) => `projects/7/locations/global/workloadIdentityPools/${id}`;
const noKey = "Error creating service account key: googleapi: Error 404: Unknown service account, notFound";
const noPermission =
    "Error creating Repository: Error waiting to create Repository: Error waiting for Creating Repository: Error code 7, message: Permission denied on Cloud KMS key. Please ensure your Artifact Registry service account has been authorized to use the configured key.";
const noProvider =
    "Error creating WorkloadIdentityPoolProvider: googleapi: Error 404: Requested entity was not found.";

describe("an error of what Google does not know yet", () => {
    const cases: readonly (readonly [error: string, parent: string | undefined, retried: boolean])[] = [
        [disabled("artifactregistry.googleapis.com"), undefined, true],
        [disabled("iam.googleapis.com"), undefined, false],
        [missing(account), undefined, true],
        [missing("gone@acme-tools.iam.gserviceaccount.com"), undefined, false],
        [noPool(ofPool("acme-machines")), undefined, true],
        [noPool(ofPool("other")), undefined, false],
        [noPool("acme-tools.svc.id.goog"), undefined, false],
        [noKey, account, true],
        [noKey, "gone@acme-tools.iam.gserviceaccount.com", false],
        [noKey, undefined, false],
        // The key exists: a second creation would leave it behind.
        ["Error waiting for Creating Service account key: googleapi: Error 404: notFound", account, false],
        [
            `Error retrieving IAM policy for service account 'projects/p/serviceAccounts/${account}': googleapi: Error 404: Unknown service account`,
            account,
            true,
        ],
        [noProvider, "acme-machines", true],
        [noProvider, "other", false],
        [noPermission, key, true],
        [noPermission, undefined, false],
        [noPermission, key.replace("python", "other"), false],
        [missing(agent), undefined, true],
        ["googleapi: Error 403: The caller does not have permission, forbidden", account, false],
        [
            `googleapi: Error 403: Permission 'iam.serviceAccounts.getIamPolicy' denied on resource (or it may not exist).`,
            account,
            false,
        ],
        [`Error 409: Service account ${account} already exists`, account, false],
    ];
    for (const [error, parent, retried] of cases) {
        it(`is ${retried ? "" : "not "}seen in ${error.slice(0, 110)} (${String(parent)})`, () => {
            assert.equal(isPropagationError(error, parent, created), retried);
            assert.equal(isPropagationError(error, parent, new Set()), false);
        });
    }

    it("is waited for two minutes, and a little more", () => {
        const seconds = retryDelays.reduce((sum, each) => sum + each, 0);
        assert.ok(seconds >= 120 && seconds <= 150, String(seconds));
    });
});
