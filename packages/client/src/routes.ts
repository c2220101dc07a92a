import type { paths } from './generated/api.js';

// The types of every route, from the OpenAPI document.

type Verb = 'get' | 'put' | 'post' | 'patch' | 'delete';
type PathsWith<V extends Verb> = {
  [Path in keyof paths]: paths[Path] extends Record<V, object> ? Path : never;
}[keyof paths];
type Operation<Path extends keyof paths, V extends Verb> = NonNullable<paths[Path][V]>;

/** A field that may be left out if all of its own fields may. */
type Field<Name extends string, Value> =
  Partial<Value> extends Value ? { [Key in Name]?: Value } : { [Key in Name]: Value };
type ParamsOf<Op> = Op extends { parameters: infer Params } ? Field<'params', Params> : unknown;

type BodyOf<Op> = Op extends { requestBody: { content: { 'application/json': infer Body } } }
  ? { body: Body }
  : Op extends { requestBody?: never }
    ? { body?: never }
    : Op extends { requestBody?: { content: { 'application/json': infer Body } } }
      ? { body?: Body }
      : unknown;

type ContentOf<Reply> = Reply extends { content: { 'application/json': infer Content } } ? Content : undefined;
type DataOf<Op> = Op extends { responses: infer Replies }
  ? ContentOf<Replies[keyof Replies & (200 | 201 | 202 | 204)]>
  : never;

export interface CallOptions {
  /** Cancels the call, which then throws the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Limit of this call in milliseconds, with its retries. Default: that of the client. */
  timeoutMs?: number | undefined;
}

interface RouteOptions extends CallOptions {
  headers?: Record<string, string>;
  /** Whether Posthorn handles a second copy of this request as if it were the only one. Then the client may repeat it. Default: `true`,
   *  except for POST. */
  repeatable?: boolean;
}

type Init<Op> = ParamsOf<Op> & BodyOf<Op> & RouteOptions;

/** `data` is the body if it is JSON. Read other bodies, such as an export, from `response`. */
type Call<V extends Verb> = <Path extends PathsWith<V>>(
  path: Path,
  ...init: Partial<Init<Operation<Path, V>>> extends Init<Operation<Path, V>>
    ? [init?: Init<Operation<Path, V>>]
    : [init: Init<Operation<Path, V>>]
) => Promise<{ data: DataOf<Operation<Path, V>>; response: Response }>;

/** Every route of the API, typed by its path. */
export interface Routes {
  GET: Call<'get'>;
  PUT: Call<'put'>;
  POST: Call<'post'>;
  PATCH: Call<'patch'>;
  DELETE: Call<'delete'>;
}

/** What a call passes on, whatever its route. */
export interface AnyInit extends RouteOptions {
  params?: { path?: object; query?: object; header?: object };
  body?: unknown;
}
