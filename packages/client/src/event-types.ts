import { type Api, dataOf } from './api.js';
import { listOf } from './list.js';
import type { CallOptions } from './routes.js';
import type { EventType, ImportedEventTypes, PutEventType, QueryOf } from './types.js';

export const eventTypesOf = ({ routes, once }: Api) => ({
  list: (query: QueryOf<'eventTypes.list'> = {}, options?: CallOptions) =>
    listOf(query, (page) => dataOf(routes.GET('/v1/event-types', { params: { query: page }, ...once(options) }))),

  get: (name: string, options?: CallOptions): Promise<EventType> =>
    dataOf(routes.GET('/v1/event-types/{name}', { params: { path: { name } }, ...once(options) })),

  /** Creates an event type, or replaces it as a whole: absent fields are reset to their defaults. */
  put: (name: string, fields: PutEventType = {}, options?: CallOptions): Promise<EventType> =>
    dataOf(routes.PUT('/v1/event-types/{name}', { params: { path: { name } }, body: fields, ...once(options) })),

  /** The versions of its schema, newest first. */
  listSchemas: (name: string, query: QueryOf<'eventTypes.listSchemas'> = {}, options?: CallOptions) =>
    listOf(query, (page) =>
      dataOf(
        routes.GET('/v1/event-types/{name}/schemas', { params: { path: { name }, query: page }, ...once(options) }),
      ),
    ),

  /** Creates and changes a type for each of the `webhooks` of an OpenAPI 3.1 document: all, or none. Default of `dryRun`: false. */
  import: (
    document: Record<string, unknown>,
    { dryRun = false }: { dryRun?: boolean } = {},
    options?: CallOptions,
  ): Promise<ImportedEventTypes> =>
    dataOf(
      routes.POST('/v1/event-types/import', {
        params: { query: { dryRun: dryRun ? 'true' : 'false' } },
        body: document,
        ...once(options),
      }),
    ),

  delete: (name: string, options?: CallOptions): Promise<void> =>
    dataOf(routes.DELETE('/v1/event-types/{name}', { params: { path: { name } }, ...once(options) })),
});
