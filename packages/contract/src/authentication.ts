import { z } from 'zod';
import { MASK } from './mask.js';
import { text, time } from './text.js';

/** Maximum size of the PEM texts: a chain, or a few certificate authorities. */
export const MAX_PEM_CHARACTERS = 16_384;

export const CLIENT_AUTHENTICATIONS = ['client_secret_basic', 'client_secret_post'] as const;

const tokenUrl =
  'The token endpoint, an http or https URL. It has the same rules as `url`: not a private address, no redirects.';
const clientAuthentication =
  'How the token server gets the client secret: `client_secret_basic` in the header `authorization`, `client_secret_post` in the body.';
const oauth2 = 'Each request has an access token of the grant `client_credentials`, as `authorization: Bearer …`.';
const clientCertificate = 'Each connection presents a client certificate (mTLS).';

const OAuth2Input = z
  .strictObject({
    type: z.literal('oauth2'),
    tokenUrl: text(1, 2048).describe(tokenUrl),
    clientId: text(1, 500).describe('The client id at the token server.'),
    clientSecret: text(1, 4096).describe(
      `The client secret. It is stored encrypted and never returned. \`${MASK}\` keeps the stored one, unless the origin of \`tokenUrl\` changes.`,
    ),
    clientAuthentication: z.enum(CLIENT_AUTHENTICATIONS).default('client_secret_basic').describe(clientAuthentication),
    scope: text(1, 1000)
      .nullable()
      .optional()
      .describe('The scopes to request, separated by spaces. null or absent: none.'),
    audience: text(1, 1000)
      .nullable()
      .optional()
      .describe('The parameter `audience`, which some servers require. null or absent: none.'),
  })
  .meta({ id: 'SetOAuth2', description: oauth2 });

const ClientCertificateInput = z
  .strictObject({
    type: z.literal('clientCertificate'),
    certificate: text(1, MAX_PEM_CHARACTERS).describe(
      'PEM: the certificate of the client, then each intermediate one. At most 10 certificates. It must be valid now.',
    ),
    privateKey: text(1, MAX_PEM_CHARACTERS).describe(
      `PEM: the private key of the certificate, without a passphrase. It is stored encrypted and never returned. \`${MASK}\` keeps the stored one.`,
    ),
  })
  .meta({ id: 'SetClientCertificate', description: clientCertificate });

export const AuthenticationInput = z
  .discriminatedUnion('type', [OAuth2Input, ClientCertificateInput])
  .nullable()
  .describe(
    'How requests are authenticated, in addition to signatures and custom headers. If it fails, nothing is sent and the attempt ends as ' +
      '`auth_error`. Like `headers`, it belongs to the origin of the URL that it was entered for: if you change `url` to another origin ' +
      'without sending `authentication`, the new URL gets none. null: none.',
  );
export type AuthenticationInput = z.infer<typeof AuthenticationInput>;

const OAuth2Shown = z
  .object({
    type: z.literal('oauth2'),
    tokenUrl: z.string().describe(tokenUrl),
    clientId: z.string().describe('The client id at the token server.'),
    clientSecret: z.string().describe(`Always \`${MASK}\`.`),
    clientAuthentication: z.enum(CLIENT_AUTHENTICATIONS).describe(clientAuthentication),
    scope: z.string().nullable().describe('The requested scopes. null: none.'),
    audience: z.string().nullable().describe('The parameter `audience`. null: none.'),
  })
  .meta({ id: 'OAuth2Authentication', description: oauth2 });

const ClientCertificateShown = z
  .object({
    type: z.literal('clientCertificate'),
    subject: z.string().describe('The subject of the certificate.'),
    issuer: z.string().describe('Its issuer.'),
    notAfter: time('When it expires. Afterwards nothing is sent.'),
    fingerprint: z.string().describe('Its SHA-256 fingerprint.'),
  })
  .meta({ id: 'ClientCertificateAuthentication', description: clientCertificate });

export const Authentication = z.discriminatedUnion('type', [OAuth2Shown, ClientCertificateShown]);
export type Authentication = z.infer<typeof Authentication>;

export const CertificateAuthorities = text(1, MAX_PEM_CHARACTERS)
  .nullable()
  .describe(
    'PEM: at most 10 certificate authorities that this subscription trusts in addition to the public ones, for its endpoint and its token ' +
      'server. They must be valid now. null: only the public ones, and those of `EXTRA_CA_CERTS`.',
  );
