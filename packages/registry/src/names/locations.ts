/**
 * The locations of Artifact Registry: the multi-regions and the regions. To see the current list, run
 * `gcloud artifacts locations list`. A region that is newer than this list is accepted if `gcp:skipRegionValidation` is true.
 *
 * @see https://cloud.google.com/artifact-registry/docs/repositories/repo-locations
 */
export const locations: readonly string[] = [
    "us",
    "europe",
    "asia",
    "africa-south1",
    "asia-east1",
    "asia-east2",
    "asia-northeast1",
    "asia-northeast2",
    "asia-northeast3",
    "asia-south1",
    "asia-south2",
    "asia-southeast1",
    "asia-southeast2",
    "asia-southeast3",
    "australia-southeast1",
    "australia-southeast2",
    "europe-central2",
    "europe-north1",
    "europe-north2",
    "europe-southwest1",
    "europe-west1",
    "europe-west2",
    "europe-west3",
    "europe-west4",
    "europe-west6",
    "europe-west8",
    "europe-west9",
    "europe-west10",
    "europe-west12",
    "me-central1",
    "me-central2",
    "me-west1",
    "northamerica-northeast1",
    "northamerica-northeast2",
    "northamerica-south1",
    "southamerica-east1",
    "southamerica-west1",
    "us-central1",
    "us-central2",
    "us-east1",
    "us-east4",
    "us-east5",
    "us-east7",
    "us-south1",
    "us-west1",
    "us-west2",
    "us-west3",
    "us-west4",
    "us-west8",
];

/**
 * Whether a location has the form of a region: words and a number, for example europe-west1. The maximum length is 56
 * characters, because `LOCATION-python` is one label of the host name and a label has at most 63.
 */
export function isRegionForm(location: string): boolean {
    return location.length <= 56 && /^[a-z]+(?:-[a-z]+)+[0-9]+$/.test(location);
}
