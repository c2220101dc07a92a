import { handshakeBody, judgeResponse, newChallenge } from '@posthorn/core/handshake';
import { openSender, type PostResult, readAddressPolicy } from '@posthorn/sender';
import { allowedNetworks } from './forward-target.js';

/** Sends events to the local endpoint as a worker would: the same headers, signature, limits and judgement. */
export interface Forwarder {
  forward(event: { id: string; body: string }): Promise<PostResult>;
  /** Sends the handshake. Returns null if the endpoint passes it, otherwise why not. */
  handshake(): Promise<string | null>;
  close(): Promise<void>;
}

export interface ForwarderOptions {
  target: URL;
  secret: string;
  /** Added to each request. */
  headers: Record<string, string>;
  timeoutMs: number;
  allowRemote: boolean;
  version: string;
  signal: AbortSignal;
}

export function openForwarder({
  target,
  secret,
  headers,
  timeoutMs,
  allowRemote,
  version,
  signal,
}: ForwarderOptions): Forwarder {
  const policy = readAddressPolicy({
    allowPrivateNetworks: allowedNetworks(allowRemote),
    denyNetworks: 'none',
    requireHttps: false,
    publicUrl: null,
  });
  const sender = openSender({ policy, userAgent: `Posthorn/${version}` });
  const post = (webhookId: string, body: Buffer) =>
    sender.post({ url: target.href, webhookId, body, secrets: [secret], headers, timeoutMs, signal });
  return {
    forward: ({ id, body }) => post(id, Buffer.from(body, 'utf8')),
    async handshake() {
      const challenge = newChallenge();
      const judgement = judgeResponse(await post('ver_listen', handshakeBody(challenge)), challenge);
      return judgement.verdict === 'failed' ? (judgement.error ?? judgement.reason) : null;
    },
    close: () => sender.close(),
  };
}
