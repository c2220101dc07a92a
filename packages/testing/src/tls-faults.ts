import http from 'node:http';
import net, { type Server, type Socket } from 'node:net';
import tls from 'node:tls';
import { makeCertificates } from './make-certificates.js';

/** A server without a possible secure connection, and the error that a sender must report. */
export type TlsFault = {
  name: string;
  scheme: 'http' | 'https';
  outcome: 'tls_error' | 'bad_response' | 'connect_error';
  /** The cause with its code, and what to do. */
  says: RegExp;
  open: () => Server;
};

/** Every kind of TLS failure, and the authority that a sender must trust for it. */
export function tlsFaults(): { authority: string; faults: TlsFault[] } {
  const { key, authority, valid, expired, notYetValid, otherName, selfSigned, leaf } = makeCertificates();
  const server = (options: tls.TlsOptions) => () => openTls({ key, cert: valid, ...options });
  const asksFor = { requestCert: true, rejectUnauthorized: true, ca: authority };
  const fault = (name: string, says: RegExp, open: () => Server): TlsFault => ({
    name,
    scheme: 'https',
    outcome: 'tls_error',
    says,
    open,
  });
  const faults: TlsFault[] = [
    fault('an expired certificate', /has expired \(CERT_HAS_EXPIRED\)\. Renew it/, server({ cert: expired })),
    fault(
      'a certificate that is not valid yet',
      /not valid yet \(CERT_NOT_YET_VALID\)\. Install/,
      server({ cert: notYetValid }),
    ),
    fault(
      'a certificate for another name',
      /for another name \(DNS:other\.example\.com\) \(ERR_TLS_CERT_ALTNAME_INVALID\)\. Install/,
      server({ cert: otherName }),
    ),
    fault(
      'a self-signed certificate',
      /self-signed \(DEPTH_ZERO_SELF_SIGNED_CERT\)\. Install/,
      server({ cert: selfSigned }),
    ),
    fault(
      'a missing intermediate certificate',
      /chain .* incomplete.* \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)\. Install the full chain/,
      server({ cert: leaf }),
    ),
    fault(
      'a client certificate required, TLS 1.2',
      /requires a client certificate.* \(ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE\)\. Accept requests without/,
      server({ ...asksFor, maxVersion: 'TLSv1.2' }),
    ),
    fault(
      'a client certificate required, TLS 1.3',
      /requires a client certificate.* \(ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED\)\. Accept requests without/,
      server({ ...asksFor, minVersion: 'TLSv1.3' }),
    ),
    fault(
      'TLS 1.1 at most',
      /outdated versions of TLS \(ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION\)\. Enable TLS 1\.2/,
      server({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    ),
    fault(
      'HTTP/2 alone',
      /not offer HTTP\/1\.1 \(ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL\)\. Enable/,
      server({ ALPNProtocols: ['h2'] }),
    ),
    fault('plain HTTP on a TLS port', /does not speak TLS .* \(ERR_SSL_\w+\)\. Use the port/, () =>
      http.createServer(),
    ),
    fault('plain text on a TLS port', /does not speak TLS .* \(ERR_SSL_\w+\)\. Use the port/, () =>
      openTcp((socket) => socket.write('220 mail.example.com ESMTP\r\n')),
    ),
    {
      ...fault('a connection that ends in the handshake', /during the TLS handshake \(ECONNRESET\)\. Check/, () =>
        openTcp((socket) => socket.once('data', () => socket.destroy())),
      ),
      outcome: 'connect_error',
    },
    {
      ...fault('TLS on a port for plain HTTP, with an alert', /responded with TLS.*Use a URL with https:\/\//, () =>
        openTcp((socket) => socket.once('data', () => socket.end(Buffer.from('15030300020246', 'hex')))),
      ),
      scheme: 'http',
      outcome: 'bad_response',
    },
    {
      // OpenSSL sends no alert to a client that speaks plain HTTP.
      ...fault(
        'TLS on a port for plain HTTP, silent',
        /If this port expects TLS, use a URL with https:\/\//,
        server({}),
      ),
      scheme: 'http',
      outcome: 'connect_error',
    },
  ];
  return { authority, faults };
}

function openTls(options: tls.TlsOptions): Server {
  return tls.createServer(options, respond).on('tlsClientError', () => {});
}

function openTcp(onConnection: (socket: Socket) => unknown): Server {
  return net.createServer((socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
}

function respond(socket: Socket): void {
  socket.on('error', () => {}).on('data', () => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
}
