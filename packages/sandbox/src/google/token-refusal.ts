/** The error of a token endpoint for a request that it does not accept. https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
export class TokenRefusal extends Error {
    constructor(
        readonly error: string,
        description: string,
    ) {
        super(description);
    }

    get body(): object {
        return { error: this.error, error_description: this.message };
    }
}
