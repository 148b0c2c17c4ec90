/** The jobs in packages/operations/gitlab/stacks.yml that run once for each stack. */
export const gitlabJobs = ["preview", "update", "drift"] as const;
export type GitlabJob = (typeof gitlabJobs)[number];

/** How many previews run at the same time. GitLab has no limit for a matrix, but one job at a time in a resource group. */
const lanes = 4;

/**
 * A child pipeline of GitLab with one job for each stack. Its jobs extend those in packages/operations/gitlab/stacks.yml.
 *
 * @see https://docs.gitlab.com/ci/pipelines/downstream_pipelines/#dynamic-child-pipelines
 */
export function gitlabPipeline(job: GitlabJob, stacks: readonly string[]): object {
    if (stacks.length === 0) {
        // GitLab refuses a pipeline without jobs.
        return { "no stacks": { script: ["echo 'This change touches no stack.'"] } };
    }
    const jobs = stacks.map((stack, index): [name: string, job: object] => [
        `${job} ${stack}`,
        {
            extends: `.${job}`,
            variables: { STACK: stack },
            ...(job === "update"
                ? { resource_group: `update-${stack}`, environment: { name: stack, action: "start" } }
                : { resource_group: `${job}-${(index % lanes) + 1}` }),
        },
    ]);
    return {
        include: [{ local: "packages/operations/gitlab/stacks.yml" }],
        ...Object.fromEntries(jobs),
        ...(job === "preview"
            ? { review: { extends: ".review", variables: { STACKS: stacks.join(" ") } } }
            : {}),
    };
}
