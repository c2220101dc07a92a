import { networkOf } from '@posthorn/lifecycle';
import type { FastifyRequest } from 'fastify';

/** The address that a request came from: behind proxies that are trusted (TRUSTED_PROXIES), the one that they name. */
export const addressOf = ({ ip }: FastifyRequest): string => /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1] ?? ip;

/** Who is calling, for a count: no longer than the ledger keeps it. */
export const callerOf = (request: FastifyRequest): string => networkOf(addressOf(request)).slice(0, 64);
