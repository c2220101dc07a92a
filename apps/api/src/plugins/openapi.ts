import { type ProblemCode, PROBLEMS } from '@posthorn/contract';
import swagger from '@fastify/swagger';
import type { RouteOptions } from 'fastify';
import fp from 'fastify-plugin';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { DOCUMENT, finishDocument } from '../openapi-document.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Error codes of the route, in addition to those of its authentication, body and query. */
    problems?: ProblemCode[];
  }
}

/** Serves /openapi.json, generated from the schemas that validate requests and responses. */
export const openapi = fp<{ version: string; basePath: string }>(async (app, { version, basePath }) => {
  const optionalBodies = new Set<string>();
  const mayLag = new Set<string>();
  const problems = new Map<string, Set<ProblemCode>>();
  await app.register(swagger, {
    openapi: {
      ...DOCUMENT,
      info: { title: 'Posthorn', ...DOCUMENT.info, version },
      servers: [{ url: basePath || '/' }],
    },
    transform: ({ schema, url, route, ...rest }) => {
      const body = route.config?.shownBody ?? schema?.body;
      if (body instanceof z.ZodOptional && schema?.operationId) optionalBodies.add(schema.operationId);
      if (route.config?.mayLag && schema?.operationId) mayLag.add(schema.operationId);
      if (schema?.operationId) problems.set(schema.operationId, problemsOf(route));
      const shown = jsonSchemaTransform({ schema: body ? { ...schema, body } : schema, url, route, ...rest });
      const response = withProblems(shown.schema.response, route);
      return { ...shown, schema: { ...shown.schema, ...security(route), response } };
    },
    transformObject: (made) => finishDocument(jsonSchemaTransformObject(made), { optionalBodies, mayLag, problems }),
  });
  // Cached: generating it takes 10 ms, and it needs no key.
  let text: string | null = null;
  app.get('/openapi.json', { schema: { hide: true } }, (_request, reply) => {
    text ??= JSON.stringify(app.swagger());
    return reply.type('application/json; charset=utf-8').send(text);
  });
});

function security({ config, schema }: RouteOptions): object {
  if (schema?.security) return {};
  if (config?.allow === undefined || config.allow === 'public') return { security: [] };
  const everybody = [{ operatorKey: [] }, { sessionCookie: [] }];
  return {
    security: config.allow === 'operator' ? everybody : [...everybody, { accountKey: [] }, { portalToken: [] }],
  };
}

function withProblems(responses: unknown, route: RouteOptions): object {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of problemsOf(route)) {
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const shown = [...byStatus].map(([status, codes]) => [status, problemResponse(codes)]);
  return { ...Object.fromEntries(shown), ...(typeof responses === 'object' ? responses : {}) };
}

function problemResponse(codes: ProblemCode[]): object {
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join(' '),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

function problemsOf({ config, schema, url, method }: RouteOptions): Set<ProblemCode> {
  const { allow, problems = [] } = config ?? {};
  if (allow === undefined) return new Set(problems);
  const codes: ProblemCode[] = ['unauthenticated'];
  if (allow !== 'anyone') codes.push('forbidden');
  // A PUT outside an account creates a missing object.
  if (url.includes('/:account') || (url.includes('/:') && method !== 'PUT')) codes.push('not_found');
  if (['POST', 'PUT', 'PATCH', 'DELETE'].includes(String(method))) {
    // Also without an expected body: an unexpected one is parsed before it is ignored.
    codes.push('invalid_json', 'bad_request', 'payload_too_large', 'unsupported_media_type', 'invalid_request');
  }
  if (schema?.querystring) codes.push('invalid_request');
  return new Set<ProblemCode>([...codes, ...problems, 'internal_error', 'unavailable']);
}
