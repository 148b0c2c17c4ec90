// The commands before the operation of a deployment. Each runs in a shell of its own:
// https://www.pulumi.com/docs/deployments/concepts/settings/pre-run-commands/

/** Exactly what the lock file says, and no development tools. */
const install = "npm ci --omit=dev";

/**
 * Uses the deployer's account for an update, because the settings can name only one account for all operations. Google gives
 * that account to updates only, so nothing depends on this command being honest. The previewer must not run the two
 * operations that are refused: Google would refuse its deletions, but the state would lose resources.
 */
const useDeployer = [
    'case "$PULUMI_CI_OPERATION" in',
    "update)",
    "login=$(mktemp -d) &&",
    'sed s,/serviceAccounts/previewer,/serviceAccounts/deployer, <<< "$GOOGLE_CREDENTIALS" > "$login/deployer.json" &&',
    'echo "GOOGLE_CREDENTIALS=$login/deployer.json" >> /PULUMI_ENV ;;',
    "destroy | remediate-drift)",
    'echo "This stack allows no $PULUMI_CI_OPERATION here. Run it on your machine." >&2; exit 1 ;;',
    "esac",
].join(" ");

export const preRunCommands = [install, useDeployer];
