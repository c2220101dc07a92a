import { slugify } from '../markdown.js';
import { type Content, nameOf, type OpenApi, type Operation, type OperationResponse, type Schema } from './document.js';
import { exampleOf } from './example.js';
import { type Call, samplesOf } from './samples.js';

export interface ReferencePage {
  path: string;
  markdown: string;
}

/** The API reference as Markdown: the list of all operations for docs/api.md, and a page per tag, for the webhooks, the errors and the
 *  schemas. */
export function renderReference(document: OpenApi): { overview: string; pages: ReferencePage[] } {
  const calls = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]): Call => ({ method, path, operation })),
  );
  const tags = document.tags.map((tag) => ({
    ...tag,
    path: `api/${slugify(tag.name)}`,
    calls: calls.filter(({ operation }) => operation.tags[0] === tag.name),
  }));
  const overview = [
    document.info.description,
    ...tags.flatMap((tag) => [
      `## ${tag.name}`,
      tag.description,
      table(
        ['operation', 'request'],
        tag.calls.map((call) => [
          `[${call.operation.summary}](${tag.path}.md#${idOf(call, tag.calls)})`,
          requestLine(call),
        ]),
      ),
    ]),
  ];
  return {
    overview: overview.join('\n\n'),
    pages: [
      ...tags.map(({ name, description, path, calls: ofTag }) => ({
        path,
        markdown: [`# ${name}`, description, ...ofTag.map((call) => describeCall(call, document))].join('\n\n'),
      })),
      { path: 'api/webhooks', markdown: describeWebhooks(document) },
      { path: 'api/errors', markdown: describeErrors(document) },
      { path: 'api/schemas', markdown: describeSchemas(document) },
    ],
  };
}

/** The id of the heading, as renderPage makes it: operations of a tag may have the same summary. */
function idOf(call: Call, ofTag: Call[]): string {
  const slug = slugify(call.operation.summary);
  const before = ofTag.slice(0, ofTag.indexOf(call)).filter(({ operation }) => slugify(operation.summary) === slug);
  return before.length === 0 ? slug : `${slug}-${before.length}`;
}

const requestLine = ({ method, path }: Call): string => `\`${method.toUpperCase()} ${path}\``;

function describeCall(call: Call, document: OpenApi): string {
  const { operation } = call;
  const keys = (operation.security ?? []).flatMap((one) => Object.keys(one)).map((name) => `\`${name}\``);
  return [
    `## ${operation.summary}`,
    requestLine(call),
    operation.description ?? '',
    keys.length === 0
      ? 'Needs no key.'
      : `Authentication: ${keys.join(' or ')}. Id of the operation: \`${operation.operationId}\`.`,
    describeParameters(operation),
    ...describeBody(operation, document),
    ...samplesOf(call, document).map(({ label, language, code }, index) => details(label, language, code, index === 0)),
    ...Object.entries(operation.responses)
      .filter(([status]) => status < '400')
      .flatMap(([status, response]) => describeResponse(status, response, document)),
    describeProblems(operation, document),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function describeParameters({ parameters = [] }: Operation): string {
  if (parameters.length === 0) return '';
  const rows = parameters.map((parameter) => [
    `\`${parameter.name}\`${parameter.required ? ' (required)' : ''}`,
    parameter.in,
    typeOf(parameter.schema),
    parameter.description ?? parameter.schema.description ?? '',
  ]);
  return table(['parameter', 'in', 'type', 'meaning'], rows);
}

function describeBody({ requestBody }: Operation, document: OpenApi): string[] {
  const schema = requestBody?.content['application/json']?.schema;
  if (!schema) return [];
  return [`Body${requestBody.required ? '' : ' (optional)'}: ${typeOf(schema)}`, fieldsOf(schema, document)];
}

function describeResponse(
  status: string,
  { description, content, headers = {} }: OperationResponse,
  document: OpenApi,
): string[] {
  const shown = Object.entries(headers)
    .map(([name, header]) => [
      `\`${name}\``,
      header.description ?? document.components.headers[name]?.description ?? '',
    ])
    .filter(([name]) => name !== '`X-Request-Id`');
  return [
    `**${status}** ${description}${typeOfContent(content)}`,
    ...(shown.length > 0 ? [table(['header', 'meaning'], shown)] : []),
    ...exampleOfContent(status, content, document),
  ];
}

function typeOfContent(content: Content = {}): string {
  const [entry] = Object.entries(content);
  if (!entry) return '';
  const [mediaType, { schema }] = entry;
  return mediaType === 'application/json' && schema ? ` Body: ${typeOf(schema)}` : ` Body: \`${mediaType}\``;
}

function exampleOfContent(status: string, content: Content = {}, document: OpenApi): string[] {
  const schema = content['application/json']?.schema;
  if (!schema) return [];
  return [details(`Example of a ${status}`, 'json', JSON.stringify(exampleOf(schema, document), null, 2), false)];
}

function describeProblems({ responses }: Operation, document: OpenApi): string {
  const rows = Object.entries(responses)
    .filter(([status]) => status >= '400')
    .flatMap(([status, { description, content }]) => {
      const codes = Object.keys(content?.['application/problem+json']?.examples ?? {});
      if (codes.length === 0) return [[status, '', description]];
      return codes.map((code) => [
        status,
        `[\`${code}\`](errors.md#${code})`,
        document.components.examples[code]?.summary ?? '',
      ]);
    });
  return rows.length === 0 ? '' : table(['error', 'code', 'meaning'], rows);
}

function describeWebhooks({ webhooks, ...document }: OpenApi): string {
  const [first] = Object.values(webhooks);
  const headers = (first?.post.parameters ?? []).map(({ name, description = '' }) => [`\`${name}\``, description]);
  return [
    '# Webhooks',
    'The requests that endpoints receive. [Receive webhooks](../receive.md) shows how to verify them.',
    '## Headers of every request',
    table(['header', 'meaning'], headers),
    ...Object.entries(webhooks).flatMap(([type, { post }]) => {
      const schema = post.requestBody?.content['application/json']?.schema ?? {};
      const payload = schema.properties?.['payload'] ?? {};
      return [`## ${type}`, post.summary, fieldsOf(payload, { webhooks, ...document })];
    }),
  ].join('\n\n');
}

function describeErrors({ components }: OpenApi): string {
  return [
    '# Errors',
    'Every error is a problem (RFC 9457) with the media type `application/problem+json`. Switch on `code`, which is stable. ' +
      '`detail` says what happened this time, and how to fix it.',
    ...Object.entries(components.examples).flatMap(([code, { summary, value }]) => [
      `## ${code}`,
      `${summary}.`,
      `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``,
    ]),
  ].join('\n\n');
}

function describeSchemas(document: OpenApi): string {
  const all = Object.entries(document.components.schemas);
  return [
    '# Schemas',
    'The objects of requests and responses.',
    ...all.flatMap(([name, schema]) => [`## ${name}`, schema.description ?? '', fieldsOf(schema, document)]),
  ].join('\n\n');
}

/** The fields of an object as a table; nested objects without a name are indented by their path. '' for other types. */
function fieldsOf(schema: Schema, document: OpenApi, prefix = ''): string {
  const rows = fieldRows(schema, document, prefix);
  return rows.length === 0 ? '' : table(['field', 'type', 'meaning'], rows);
}

function fieldRows(schema: Schema, document: OpenApi, prefix: string): string[][] {
  const name = nameOf(schema);
  const shape = name === null ? schema : (document.components.schemas[name] ?? {});
  return Object.entries(shape.properties ?? {}).flatMap(([field, part]) => {
    const required = shape.required?.includes(field) ? '' : ' (optional)';
    const named = `${prefix}${field}`;
    const inner = part.items && nameOf(part.items) === null ? part.items : part;
    const nested = nameOf(inner) === null ? fieldRows(inner, document, `${named}${inner === part ? '.' : '[].'}`) : [];
    return [[`\`${named}\`${required}`, typeOf(part), part.description ?? ''], ...nested];
  });
}

/** The type in a few words, with a link if it has a name. */
function typeOf(schema: Schema): string {
  const name = nameOf(schema);
  if (name !== null) return `[${name}](schemas.md#${name.toLowerCase()})`;
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((one) => `\`${JSON.stringify(one)}\``).join(' · ');
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (choices) return [...new Set(choices.map(typeOf))].join(' or ');
  if (schema.items) return `array of ${typeOf(schema.items)}`;
  const types = Array.isArray(schema.type) ? schema.type : [schema.type ?? 'any'];
  return types.join(' or ') + (schema.format ? ` (${schema.format})` : '');
}

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ');

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

function details(label: string, language: string, code: string, isOpen: boolean): string {
  return `\`\`\`${language} ${isOpen ? 'open' : 'details'} ${label}\n${code}\n\`\`\``;
}
