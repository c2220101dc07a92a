/** How a subscription authenticates its requests, beyond custom headers. */
export type Authentication =
  | {
      type: 'oauth2';
      /** In the form of checkUrl. The client secret is sent nowhere else. */
      tokenUrl: string;
      clientId: string;
      clientSecret: string;
      /** How the token server gets the client secret: HTTP Basic, or in the body. */
      clientAuthentication: 'client_secret_basic' | 'client_secret_post';
      scope: string | null;
      audience: string | null;
    }
  /** PEM: the certificate of the client, then each intermediate one. */
  | { type: 'clientCertificate'; certificate: string; privateKey: string };

/** What a subscription needs to reach its endpoint. */
export interface Access {
  /** The id of the subscription. Tokens are cached per owner. */
  owner: string;
  authentication: Authentication | null;
  /** PEM: trusted in addition to the public authorities, by the endpoint's connections and those to its token server. */
  certificateAuthorities: string | null;
}

/** Why a request could not be authenticated, so that nothing was sent to the endpoint. attempt-advice.ts (contract) has
 *  the cause and the fix of each. */
export type AuthCode =
  | 'OAUTH_TOKEN_TIMEOUT'
  | 'OAUTH_TOKEN_UNREACHABLE'
  | 'OAUTH_TOKEN_URL_BLOCKED'
  | 'OAUTH_CLIENT_REFUSED'
  | 'OAUTH_SERVER_ERROR'
  | 'OAUTH_RESPONSE_INVALID'
  | 'CLIENT_CERTIFICATE_EXPIRED'
  | 'CLIENT_CERTIFICATE_INVALID'
  | 'CLIENT_CERTIFICATE_NEEDS_HTTPS';

/** `error` says what happened and what to do. */
export type AuthFailure = { ok: false; errorCode: AuthCode; error: string };

/** The code of a 401 of the endpoint for a request with an access token. The outcome is `http_error`. */
export const TOKEN_REJECTED = 'OAUTH_TOKEN_REJECTED';
