/** What credentials look like. A message of a provider or a tool may contain one. */
const credentials = [
    // Private keys, also with the line ends of JSON.
    /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
    // A service account's key as base64: a JSON object with a "type".
    /\bewog{0,2}[A-Za-z0-9+/_-]{40,}={0,2}|\beyJ0eXBlIjog?[A-Za-z0-9+/_-]{40,}={0,2}/g,
    // JSON Web Tokens.
    /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g,
    // Google's access tokens, refresh tokens and API keys; tokens of Pulumi, GitHub and GitLab.
    /\bya29\.[\w.-]+/g,
    /\b1\/\/[\w-]{20,}/g,
    /\bAIza[\w-]{30,}/g,
    /\b(?:pul-[0-9a-f]{20,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,})/g,
    /\b(?:Bearer|Basic) [\w.~+/=-]{16,}/gi,
    // A password in a URL. The keyring form has a user name only.
    /(?<=:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g,
];

/**
 * Replaces what looks like a credential, and the engine's own mark of a secret. The engine already removes secrets of the
 * configuration and the state from its events. This is for credentials that it does not know.
 */
export function hideSecrets(text: string): string {
    return credentials
        .reduce((masked, pattern) => masked.replaceAll(pattern, "(hidden)"), text)
        .replaceAll("[secret]", "(hidden)");
}
