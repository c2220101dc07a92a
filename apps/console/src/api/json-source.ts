/** A value in a JSON text. Its text is kept as it was sent: JavaScript would round long numbers, move keys such as "1" to the front
 *  and drop repeated keys. */
export interface JsonNode {
  kind: 'object' | 'array' | 'string' | 'other';
  /** Where the value is in the text. `start` identifies the node. */
  start: number;
  end: number;
  /** The text of its key, with quotes. null: it is the root or in an array. */
  key: string | null;
  /** Empty unless it is an object or an array. */
  children: JsonNode[];
}

/** Reads a JSON text into its values, in the order of the text. Returns null if the text is not JSON. Works without recursion, because a
 *  payload may be nested 1000 deep. */
export function readSource(text: string): JsonNode | null {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  let root: JsonNode | null = null;
  let key: string | null = null;
  const parents: JsonNode[] = [];
  const add = (kind: JsonNode['kind'], start: number, end: number): JsonNode => {
    const node = { kind, start, end, key, children: [] };
    parents.at(-1)?.children.push(node);
    root ??= node;
    key = null;
    return node;
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === '{' || character === '[') {
      parents.push(add(character === '{' ? 'object' : 'array', at, at));
    } else if (character === '}' || character === ']') {
      const closed = parents.pop();
      if (closed) closed.end = at + 1;
    } else if (character === '"') {
      const end = endOfString(text, at);
      if (parents.at(-1)?.kind === 'object' && key === null) key = text.slice(at, end);
      else add('string', at, end);
      at = end - 1;
    } else if (!' \t\n\r,:'.includes(character)) {
      const end = endOfWord(text, at);
      add('other', at, end);
      at = end - 1;
    }
  }
  return root;
}

/** The text of a member of a JSON object, as it was sent. Undefined if the object has no such member. */
export function memberSource(text: string, name: string): string | undefined {
  const member = readSource(text)?.children.find(({ key }) => key === JSON.stringify(name));
  return member && text.slice(member.start, member.end);
}

/** Indents JSON without changing its values. */
export function indentSource(text: string, root: JsonNode): string {
  const parts: string[] = [];
  // What is left to write: text, or a value with its level.
  const rest: (string | { node: JsonNode; level: number })[] = [{ node: root, level: 0 }];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (typeof next === 'string') {
      parts.push(next);
      continue;
    }
    const { node, level } = next;
    if (node.key !== null) parts.push(node.key, ': ');
    if (node.children.length === 0) {
      parts.push(node.kind === 'object' ? '{}' : node.kind === 'array' ? '[]' : text.slice(node.start, node.end));
      continue;
    }
    parts.push(node.kind === 'object' ? '{' : '[');
    rest.push(`\n${INDENT.repeat(level)}${node.kind === 'object' ? '}' : ']'}`);
    for (const [index, child] of [...node.children.entries()].toReversed())
      rest.push({ node: child, level: level + 1 }, `${index === 0 ? '' : ','}\n${INDENT.repeat(level + 1)}`);
  }
  return parts.join('');
}

const INDENT = '  ';

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end + 1;
}

/** Whether an odd number of backslashes precedes it. */
function isEscaped(text: string, at: number): boolean {
  let before = at;
  while (text[before - 1] === '\\') before -= 1;
  return (at - before) % 2 === 1;
}

function endOfWord(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && !' \t\n\r,:]}'.includes(text.charAt(end))) end += 1;
  return end;
}
