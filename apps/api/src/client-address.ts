import { clientAddressOf, networkOf } from '@posthorn/lifecycle';
import type { FastifyRequest } from 'fastify';

/** Returns the address of the client. Behind trusted proxies (TRUSTED_PROXIES), it is the one that they report. */
export const addressOf = ({ ips = [] }: FastifyRequest): string => clientAddressOf(ips);

/** Returns the network of the client, for rate limits. */
export const callerOf = (request: FastifyRequest): string => networkOf(addressOf(request));
