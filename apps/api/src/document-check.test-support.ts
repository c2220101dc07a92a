import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

export interface HttpResponse {
  statusCode: number;
  headers: Record<string, unknown>;
  body: string;
}

type Json = Record<string, unknown>;
export type Document = {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Json> };
};
export interface Operation extends Json {
  operationId: string;
  responses: Record<string, { description: string; headers?: Json; content?: Record<string, { schema: Json }> }>;
}

/** Checks responses against the OpenAPI document. The returned function throws if the document does not describe the status, the
 *  content type or the body. */
export function openDocumentCheck(document: Document): (method: string, url: string, response: HttpResponse) => void {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addSchema({ $id: 'document', ...document });
  const templates = Object.keys(document.paths).map((path) => ({ path, matches: toPattern(path) }));

  return (method, url, { statusCode, headers, body }) => {
    const path = url.split('?', 1)[0] ?? '';
    // Literal paths before paths with parameters: …/events/batch is not an {event}.
    const found = templates
      .filter(({ matches }) => matches.test(path))
      .toSorted((a, b) => count(a.path) - count(b.path))[0];
    const operation = found && document.paths[found.path]?.[method.toLowerCase()];
    const at = `${method} ${path} ${statusCode}`;
    if (!operation || !canBeDecoded(path)) {
      if (statusCode === 404 || (statusCode === 400 && !canBeDecoded(path))) return;
      throw new Error(`${at}: the document has no such operation`);
    }
    const response = operation.responses[String(statusCode)];
    if (!response)
      throw new Error(`${at}: the document does not foresee this status of ${operation.operationId}: ${body}`);
    if (!headers['x-request-id']) throw new Error(`${at}: no x-request-id`);
    if (!response.content) {
      if (body !== '') throw new Error(`${at}: has a body`);
      return;
    }
    const type = String(headers['content-type']).split(';', 1)[0] ?? '';
    if (!response.content[type]) throw new Error(`${at}: the document does not foresee the content type ${type}`);
    if (['text/plain', 'text/event-stream', 'text/csv', 'application/x-ndjson'].includes(type)) return;
    const pointer = [
      'paths',
      found.path,
      method.toLowerCase(),
      'responses',
      String(statusCode),
      'content',
      type,
      'schema',
    ];
    const validate = ajv.getSchema(`document#/${pointer.map(escapePointer).join('/')}`);
    if (!validate) throw new Error(`${at}: its schema does not compile`);
    if (!validate(JSON.parse(body))) throw new Error(`${at}: ${ajv.errorsText(validate.errors)} in ${body}`);
  };
}

const toPattern = (path: string): RegExp => new RegExp(`^${path.replace(/\{[^}]+\}/g, '[^/]+')}$`);
/** A path with broken percent-encoding matches no operation. */
const canBeDecoded = (path: string): boolean => {
  try {
    return decodeURIComponent(path) !== '';
  } catch {
    return false;
  }
};
const count = (path: string): number => path.split('{').length;
const escapePointer = (step: string): string => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'));
