import { Cloud } from "../../packages/sandbox/src/google/cloud";

// Loaded before the code of npm start: emulates a service that refuses uploads, so that checks fail.

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its this below
const { permits } = Cloud.prototype;
Cloud.prototype.permits = function (principal, permission, repository) {
    return (
        permission !== "artifactregistry.repositories.uploadArtifacts" &&
        permits.call(this, principal, permission, repository)
    );
};
