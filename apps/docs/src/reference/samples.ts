import { exampleOf } from './example.js';
import type { OpenApi, Operation, Parameter } from './document.js';

export interface Call {
  method: string;
  path: string;
  operation: Operation;
}

/** Code samples of an operation, by language, with the examples of its schemas. */
export function samplesOf(
  { method, path, operation }: Call,
  document: OpenApi,
): { label: string; language: string; code: string }[] {
  const required = (operation.parameters ?? []).filter((one) => one.in === 'query' && one.required);
  const query = required.map((one) => `${one.name}=${encodeURIComponent(exampleOfParameter(one))}`).join('&');
  const route = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(pathExample(operation, name)));
  const body = operation.requestBody?.content['application/json']?.schema;
  const request: Request = {
    method: method.toUpperCase(),
    url: BASE + route + (query === '' ? '' : `?${query}`),
    needsKey: (operation.security?.length ?? 0) > 0,
    body: body === undefined ? null : JSON.stringify(exampleOf(body, document)),
    isStream: operation.responses['200']?.content?.['text/event-stream'] !== undefined,
  };
  return [
    { label: 'curl', language: 'sh', code: curl(request) },
    { label: 'Node.js', language: 'js', code: node(request) },
    { label: 'Python', language: 'py', code: python(request) },
  ];
}

const BASE = 'https://hooks.example.com';

interface Request {
  method: string;
  url: string;
  needsKey: boolean;
  body: string | null;
  /** The response has no end, so the sample prints what has arrived. */
  isStream: boolean;
}

function pathExample({ operationId, parameters = [] }: Operation, name: string): string {
  const found = parameters.find((parameter) => parameter.in === 'path' && parameter.name === name);
  if (!found) throw new Error(`${operationId} does not describe its parameter ${name}`);
  return exampleOfParameter(found);
}

/** Throws if a required parameter has no example, since its sample would not work. */
function exampleOfParameter({ name, example, schema }: Parameter): string {
  const found = example ?? schema.examples?.[0] ?? schema.enum?.[0];
  if (typeof found !== 'string') throw new Error(`the required parameter ${name} has no example`);
  return found;
}

const shellQuoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

function curl({ method, url, needsKey, body, isStream }: Request): string {
  const parts = [
    `curl${isStream ? ' -N' : ''}${method === 'GET' ? '' : ` -X ${method}`} ${url.includes('?') ? shellQuoted(url) : url}`,
    ...(needsKey ? ['-H "authorization: Bearer $POSTHORN_API_KEY"'] : []),
    ...(body === null ? [] : ["-H 'content-type: application/json'", `-d ${shellQuoted(body)}`]),
  ];
  return parts.join(' \\\n  ');
}

function node({ method, url, needsKey, body, isStream }: Request): string {
  const headers = [
    ...(needsKey ? ['authorization: `Bearer ${process.env.POSTHORN_API_KEY}`'] : []),
    ...(body === null ? [] : ["'content-type': 'application/json'"]),
  ];
  const options = [
    ...(method === 'GET' ? [] : [`  method: '${method}',`]),
    ...(headers.length > 0 ? [`  headers: { ${headers.join(', ')} },`] : []),
    ...(body === null ? [] : [`  body: JSON.stringify(${body}),`]),
  ];
  const call = options.length === 0 ? `fetch('${url}')` : `fetch('${url}', {\n${options.join('\n')}\n})`;
  const print = isStream
    ? 'for await (const text of response.body.pipeThrough(new TextDecoderStream())) process.stdout.write(text);'
    : 'console.log(response.status, await response.text());';
  return `const response = await ${call};\n${print}`;
}

function python({ method, url, needsKey, body, isStream }: Request): string {
  const headers = [
    ...(needsKey ? [`"authorization": f"Bearer {os.environ['POSTHORN_API_KEY']}"`] : []),
    ...(body === null ? [] : ['"content-type": "application/json"']),
  ];
  return [
    needsKey ? 'import os, urllib.request' : 'import urllib.request',
    '',
    'request = urllib.request.Request(',
    `    "${url}",`,
    ...(method === 'GET' ? [] : [`    method="${method}",`]),
    ...(headers.length > 0 ? [`    headers={${headers.join(', ')}},`] : []),
    ...(body === null ? [] : [`    data=${JSON.stringify(body)}.encode(),`]),
    ')',
    ...(isStream
      ? ['for line in urllib.request.urlopen(request):', '    print(line.decode(), end="")']
      : ['print(urllib.request.urlopen(request).read().decode())']),
  ].join('\n');
}
