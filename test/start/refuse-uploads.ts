import { Cloud } from "../../sandbox/google/cloud";

// Loaded before npm start's own code: plays a service that takes no uploads, so that proofs fail.

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its this below
const { permits } = Cloud.prototype;
Cloud.prototype.permits = function (principal, permission, repository) {
    return (
        permission !== "artifactregistry.repositories.uploadArtifacts" &&
        permits.call(this, principal, permission, repository)
    );
};
