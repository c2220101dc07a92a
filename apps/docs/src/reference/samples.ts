import { exampleOf } from './example.js';
import type { OpenApi, Operation } from './document.js';

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
  const url = BASE + path.replaceAll(/\{(\w+)\}/g, (_, name: string) => pathExample(operation, name));
  const body = operation.requestBody?.content['application/json']?.schema;
  const request: Request = {
    method: method.toUpperCase(),
    url,
    needsKey: (operation.security?.length ?? 0) > 0,
    body: body === undefined ? null : JSON.stringify(exampleOf(body, document)),
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
}

function pathExample({ parameters = [] }: Operation, name: string): string {
  const found = parameters.find((parameter) => parameter.in === 'path' && parameter.name === name);
  const example = found?.example ?? found?.schema.examples?.[0];
  return encodeURIComponent(typeof example === 'string' ? example : name);
}

const shellQuoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

function curl({ method, url, needsKey, body }: Request): string {
  const parts = [
    method === 'GET' ? `curl ${url}` : `curl -X ${method} ${url}`,
    ...(needsKey ? ['-H "authorization: Bearer $POSTHORN_KEY"'] : []),
    ...(body === null ? [] : ["-H 'content-type: application/json'", `-d ${shellQuoted(body)}`]),
  ];
  return parts.join(' \\\n  ');
}

function node({ method, url, needsKey, body }: Request): string {
  const headers = [
    ...(needsKey ? ['authorization: `Bearer ${process.env.POSTHORN_KEY}`'] : []),
    ...(body === null ? [] : ["'content-type': 'application/json'"]),
  ];
  const options = [
    ...(method === 'GET' ? [] : [`  method: '${method}',`]),
    ...(headers.length > 0 ? [`  headers: { ${headers.join(', ')} },`] : []),
    ...(body === null ? [] : [`  body: JSON.stringify(${body}),`]),
  ];
  const call = options.length === 0 ? `fetch('${url}')` : `fetch('${url}', {\n${options.join('\n')}\n})`;
  return `const response = await ${call};\nconsole.log(response.status, await response.text());`;
}

function python({ method, url, needsKey, body }: Request): string {
  const headers = [
    ...(needsKey ? [`"authorization": f"Bearer {os.environ['POSTHORN_KEY']}"`] : []),
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
    'print(urllib.request.urlopen(request).read().decode())',
  ].join('\n');
}
