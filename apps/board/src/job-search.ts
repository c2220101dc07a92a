import type { FastifyInstance } from 'fastify';
import { findJob, type Producer } from '@posthorn/jobs';
import { pathOfJob } from './board.js';
import { noJobPage, SCRIPT_HASH, STYLE_HASH } from './login-page.js';
import { pageCsp, setContentSecurityPolicy } from './security-headers.js';

/** Adds /deliveries/dlv_…, which leads to the page of the delivery's job. The console links there. */
export function addJobSearch(app: FastifyInstance, queues: Producer['queues']): void {
  setContentSecurityPolicy(app, pageCsp({ styleHash: STYLE_HASH, scriptHash: SCRIPT_HASH }));
  app.get<{ Params: { delivery: string }; Querystring: { attempt?: unknown } }>(
    '/deliveries/:delivery',
    async ({ params: { delivery }, query }, reply) => {
      const latest = Number(query.attempt);
      const isValid = /^dlv_[0-9a-z]{26}$/.test(delivery) && Number.isInteger(latest) && latest >= 1 && latest < 1e6;
      const place = isValid ? await findJob(queues, { delivery, latest }) : null;
      if (place) return reply.redirect(pathOfJob(place, queues), 302);
      return reply.code(404).type('text/html; charset=utf-8').send(noJobPage(delivery));
    },
  );
}
