import { clientAddressOf, networkOf } from '@posthorn/lifecycle';
import type { FastifyRequest } from 'fastify';

/** The address that a request came from: behind proxies that are trusted (TRUSTED_PROXIES), the one that they name. */
export const addressOf = ({ ips = [] }: FastifyRequest): string => clientAddressOf(ips);

/** Who is calling, for a count. */
export const callerOf = (request: FastifyRequest): string => networkOf(addressOf(request));
