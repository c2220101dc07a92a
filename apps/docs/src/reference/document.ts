/** The parts of an OpenAPI document that the reference shows. */
export interface OpenApi {
  info: { description: string };
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  webhooks: Record<string, { post: Operation }>;
  components: {
    schemas: Record<string, Schema>;
    headers: Record<string, { description: string }>;
    /** Problems, by their code. */
    examples: Record<string, { summary: string; value: unknown }>;
    securitySchemes: Record<string, { description: string }>;
  };
}

export interface Operation {
  operationId: string;
  summary: string;
  description?: string;
  tags: string[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, OperationResponse>;
  security?: Record<string, unknown>[];
}

export interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: Schema;
  example?: unknown;
}

export interface OperationResponse {
  description: string;
  content?: Content;
  headers?: Record<string, { $ref?: string; description?: string }>;
}

export type Content = Record<string, { schema?: Schema; examples?: Record<string, unknown> }>;

export interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  default?: unknown;
  example?: unknown;
  examples?: unknown[];
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
}

export const nameOf = ({ $ref }: Schema): string | null => $ref?.replace('#/components/schemas/', '') ?? null;

export function resolve(schema: Schema, { components }: OpenApi): Schema {
  const name = nameOf(schema);
  const found = name === null ? schema : components.schemas[name];
  if (!found) throw new Error(`the document has no schema ${name}`);
  return found;
}
