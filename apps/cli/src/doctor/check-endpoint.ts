import { randomBytes } from 'node:crypto';
import { handshakeBody, judgeResponse, newChallenge } from '@posthorn/core/handshake';
import { openSender, readAddressPolicy, readAuthoritiesFile } from '@posthorn/sender';
import { type Check, failed, ok, warning } from './check.js';

interface Rules {
  allowPrivateNetworks: string;
  denyNetworks: string;
  extraCaCerts: string | null;
  requireHttps: boolean;
  publicUrl: string | null;
  deliveryTimeoutMs: number;
}

/** Sends the handshake to a URL as a worker would, with the address rules, the certificate authorities and the time limit of the settings. */
export async function checkEndpoint(url: string, rules: Rules, version: string): Promise<Check> {
  const name = `Endpoint ${url}`;
  const certificateAuthorities = readAuthoritiesFile(rules.extraCaCerts);
  if (typeof certificateAuthorities === 'string') return failed(name, certificateAuthorities, 'Correct the setting.');
  const policy = readAddressPolicy(rules);
  const sender = openSender({ policy, userAgent: `Posthorn/${version}`, certificateAuthorities });
  try {
    const challenge = newChallenge();
    const result = await sender.post({
      url,
      webhookId: 'ver_doctor',
      body: handshakeBody(challenge),
      secrets: [`whsec_${randomBytes(32).toString('base64')}`],
      headers: {},
      timeoutMs: rules.deliveryTimeoutMs,
    });
    const judgement = judgeResponse(result, challenge);
    if (judgement.verdict === 'verified')
      return ok(name, `${result.statusCode} in ${result.durationMs} ms, passes the handshake`);
    const fix = (judgement.verdict === 'failed' ? judgement.error : null) ?? 'Try again.';
    if (result.outcome === 'ok' || result.outcome === 'http_error') {
      return warning(
        name,
        `reachable, ${result.statusCode} in ${result.durationMs} ms, but does not pass the handshake`,
        fix,
      );
    }
    return failed(name, result.outcome, fix);
  } finally {
    await sender.close();
  }
}
