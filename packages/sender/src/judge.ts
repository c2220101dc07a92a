import { ALLOWED_BY } from './check-url.js';
import { codeOf, ConnectFailure, isLostConnection } from './connect-failure.js';
import type { Ending, Exchange } from './exchange.js';
import { explainResponse } from './explain-response.js';
import { explainTls } from './explain-tls.js';
import type { Outcome } from './post-result.js';
import { MAX_HEAD_BYTES, MAX_INTERIM_RESPONSES, MAX_RAW_BYTES, MAX_READS, type ReadLimit } from './scan-response.js';

export type Verdict = { outcome: Outcome; errorCode: string | null; error: string | null };

type WithoutCode = Omit<Verdict, 'errorCode'>;

export type Circumstances = {
  host: string;
  isHttps: boolean;
  /** Whether the connection has a client certificate. */
  presentsCertificate: boolean;
  timeoutMs: number;
  connectTimeoutMs: number;
  exchange: Exchange;
};

/** Turns the end of an exchange into its outcome and a message that says to the endpoint's developer what to do.
 *  Throws for errors that neither the endpoint nor the network caused: a bug, or this machine has no file
 *  descriptors left. */
export async function judge(ending: Ending, circumstances: Circumstances): Promise<Verdict> {
  return { errorCode: null, ...(await judgeEnding(ending, circumstances)) };
}

function judgeEnding(ending: Ending, circumstances: Circumstances): WithoutCode | Promise<Verdict> {
  switch (ending.how) {
    case 'complete':
    case 'cut':
      return judgeStatus(circumstances.exchange.statusCode);
    case 'timeout':
      return { outcome: 'timeout', error: explainTimeout(circumstances) };
    case 'aborted':
      return { outcome: 'aborted', error: 'Posthorn shut down during this attempt and will repeat it.' };
    case 'limit':
      return { outcome: 'bad_response', error: explainLimit(ending.limit) };
    case 'failed':
      return judgeFailure(ending.error, circumstances);
    default:
      return ending satisfies never;
  }
}

// 200–299   ok
// 300–399   redirect: nothing is followed
// others    http_error
function judgeStatus(statusCode: number | null): WithoutCode {
  if (statusCode === null) throw new Error('A response ended without a status');
  if (statusCode >= 200 && statusCode < 300) return { outcome: 'ok', error: null };
  if (statusCode >= 300 && statusCode < 400) {
    return {
      outcome: 'redirect',
      error: `Your endpoint returned ${statusCode}. Redirects are not followed: use the final URL, or return 2xx.`,
    };
  }
  const hint =
    statusCode === 410
      ? 'The status 410 (Gone) disables the webhook.'
      : 'Return 2xx as soon as you have stored the event, also for events that you ignore.';
  return { outcome: 'http_error', error: `Your endpoint returned ${statusCode}. ${hint}` };
}

function explainTimeout({ exchange, host, timeoutMs }: Circumstances): string {
  const limit = seconds(timeoutMs);
  if (!exchange.sent) return explainSlowConnection({ exchange, host, limit });
  if (exchange.statusCode !== null) {
    return `Your endpoint returned ${exchange.statusCode} but did not finish its response within ${limit}. End the response; an empty body is enough.`;
  }
  if (exchange.hasResponseStarted) {
    return `Your endpoint started its response but did not finish the headers within ${limit}. Send status and headers at once.`;
  }
  return `Your endpoint received the request but did not respond within ${limit}. Respond first, then process the event.`;
}

function explainLimit(limit: ReadLimit): string {
  switch (limit) {
    case 'raw_bytes':
      return `Your endpoint sent more than ${MAX_RAW_BYTES / 1024} KiB without a final response. Send status and headers first.`;
    case 'head_bytes':
      return `Your endpoint sent more than ${MAX_HEAD_BYTES / 1024} KiB of headers. Send fewer.`;
    case 'reads':
      return `Your endpoint sent its response in more than ${MAX_READS} pieces. Write status and headers at once.`;
    case 'interim_responses':
      return `Your endpoint sent more than ${MAX_INTERIM_RESPONSES} interim responses (1xx). Send the final response.`;
    default:
      return limit satisfies never;
  }
}

// Not caused by the endpoint: the attempt must not count.
const OUR_FAULT = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
  'EMFILE',
  'ENFILE',
]);

async function judgeFailure(reported: Error, circumstances: Circumstances): Promise<Verdict> {
  const { exchange, host, isHttps, presentsCertificate } = circumstances;
  if (reported instanceof ConnectFailure) {
    if (OUR_FAULT.has(reported.systemCode ?? '')) throw reported;
    // After a timeout, it says no more than the outcome.
    const errorCode = reported.outcome === 'timeout' ? null : ownCode(reported.systemCode);
    return { outcome: reported.outcome, errorCode, error: explainNoConnection(reported, circumstances) };
  }
  if (!exchange.sent || OUR_FAULT.has(codeOf(reported) ?? '')) throw reported;

  const error = exchange.connection?.error ?? reported;
  const code = codeOf(error) ?? '';
  // With TLS 1.3, a server reports a missing client certificate only after the handshake.
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO') {
    return { outcome: 'tls_error', errorCode: code, error: explainTls(code, { host, error, presentsCertificate }) };
  }
  if (exchange.hasResponseStarted) {
    const isBrokenOff = isLostConnection(code) || code === 'UND_ERR_SOCKET';
    const { fault, text } = await explainResponse(exchange.responseHead, { host, isBrokenOff });
    return { outcome: 'bad_response', errorCode: fault, error: text };
  }
  const again = exchange.reused ? ' The connection was kept open from an earlier request.' : '';
  const refused = presentsCertificate ? ' It may have refused the client certificate of this webhook.' : '';
  const scheme = isHttps || exchange.reused ? '' : ' If this port expects TLS, use a URL with https://.';
  return {
    outcome: 'connect_error',
    errorCode: ownCode(code),
    error: `${host} closed the connection without a response (${plain(code)}).${again}${refused} Check your server's log for a crash or a limit.${scheme}`,
  };
}

const CHECK_REACHABLE = 'Check that the server is running and that its firewall allows requests from the internet.';
const CHECK_SPEAKS_TLS = 'Check that this port speaks TLS.';

function explainNoConnection(
  { outcome, systemCode, cause }: ConnectFailure,
  { host, connectTimeoutMs, exchange, presentsCertificate }: Circumstances,
): string {
  const code = plain(systemCode);
  switch (outcome) {
    case 'timeout':
      return explainSlowConnection({ exchange, host, limit: seconds(connectTimeoutMs) });
    case 'dns_error':
      return `The name ${host} could not be resolved (${code}). Check the URL's spelling and the domain's DNS records.`;
    case 'connect_error':
      return isSecuring(exchange)
        ? `${host} closed the connection during the TLS handshake (${code}). ${CHECK_SPEAKS_TLS} Check the server's log.`
        : `Could not connect to ${host} (${code}). ${CHECK_REACHABLE}`;
    case 'tls_error':
      return explainTls(code, { host, error: cause, presentsCertificate });
    case 'blocked':
      return `The URL resolves to an address that is not allowed. Use one that is reachable from the internet. ${ALLOWED_BY}`;
    default:
      return outcome satisfies never;
  }
}

function explainSlowConnection({ exchange, host, limit }: { exchange: Exchange; host: string; limit: string }): string {
  return isSecuring(exchange)
    ? `Could not connect to ${host} within ${limit}: the TLS handshake did not finish. ${CHECK_SPEAKS_TLS}`
    : `Could not connect to ${host} within ${limit}. ${CHECK_REACHABLE}`;
}

/** Returns true if TCP was connected but nothing could be sent. */
function isSecuring({ connection, sent }: Exchange): boolean {
  return !sent && connection !== null && connection.connectMs !== null;
}

const plain = (code: string | null): string => ownCode(code) ?? 'connection closed';

// A library's own code does not help the endpoint's developer.
const ownCode = (code: string | null): string | null =>
  code === null || code === '' || code.startsWith('UND_ERR_') ? null : code;

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}
