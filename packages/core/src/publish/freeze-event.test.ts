import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_PAYLOAD_BYTES, freeze, freezeBatch, freezeEvent, readDraft } from './freeze-event.js';

const freezeText = (text: string) => freezeEvent(Buffer.from(text));
const freezeBatchText = (text: string) => freezeBatch(Buffer.from(text));
const frozen = (text: string): string => {
  const result = freezeText(text);
  if (!result.ok) throw new Error(`${result.path}: ${result.message}`);
  return result.frozen.body.toString('utf8');
};
const refused = (text: string) => {
  const result = freezeText(text);
  return result.ok ? null : { code: result.code, path: result.path };
};
const nested = (depth: number): string =>
  `{"event":"message:created","payload":${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth)}`;

describe('freezeEvent', () => {
  it('keeps key order, number spelling and escapes to the byte', () => {
    const payload = String.raw`{"b":1,"10":1,"2":2,"n":12345678901234567890,"f":1.0,"e":1E+2,"s":"a\u0000\ud800\/\"☃","nest":{"z":1,"1":[1.50]}}`;
    expect(frozen(`{"event":"message:created","payload":${payload}}`)).toBe(
      `{"event":"message:created","payload":${payload}}`,
    );
  });

  it('removes white space between tokens only, and puts event first', () => {
    expect(frozen('\r\n { "payload" : { "a b" : [ 1 ,\t"x  y" , { } ] } , "event" : "message:created" } \n')).toBe(
      '{"event":"message:created","payload":{"a b":[1,"x  y",{}]}}',
    );
  });

  it('property: any JSON without white space comes out equal; with white space it comes out without it', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.constantFrom('', ' ', '\n', '\t'),
        (payload, indent) => {
          const compact = JSON.stringify(payload);
          const spaced = JSON.stringify(payload, null, indent);
          expect(frozen(`{"event":"a:b","payload":${spaced}}`)).toBe(`{"event":"a:b","payload":${compact}}`);
        },
      ),
    );
  });

  // JSON as tokens, in spellings that JSON.stringify never writes; repeated keys only below the top level.
  const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,24})(\.\d{1,12})?([eE][-+]?\d{1,3})?$/);
  const stringChar = fc.oneof(
    fc.constantFrom(
      ...Array.from("aZ09 ,:{}[]/'\u2028\u00e9"),
      '😀',
      '\\"',
      '\\\\',
      '\\/',
      '\\b',
      '\\f',
      '\\n',
      '\\r',
      '\\t',
    ),
    fc.nat(0xffff).map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`),
    fc.nat(0xffff).map((unit) => `\\u${unit.toString(16).padStart(4, '0').toUpperCase()}`),
  );
  const stringToken = fc.array(stringChar, { maxLength: 8 }).map((chars) => [`"${chars.join('')}"`]);
  const withCommas = (items: string[][]): string[] => items.flatMap((item, n) => (n === 0 ? item : [',', ...item]));
  const { value: tokens } = fc.letrec<{ value: string[]; array: string[]; object: string[] }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom('null', 'true', 'false').map((text) => [text]),
      digits.map((text) => [text]),
      stringToken,
      tie('array'),
      tie('object'),
    ),
    array: fc.array(tie('value'), { maxLength: 4 }).map((items) => ['[', ...withCommas(items), ']']),
    object: fc
      .array(fc.tuple(stringToken, tie('value')), { maxLength: 4 })
      .map((members) => ['{', ...withCommas(members.map(([key, value]) => [...key, ':', ...value])), '}']),
  }));
  const spaces = fc.infiniteStream(fc.constantFrom('', '', '', ' ', '\t', '\n', '\r', ' \r\n\t '));

  it('property: removes only the space between tokens; each token keeps its bytes, however it is spelled', () => {
    const body = (payload: string[]) => [
      '{',
      '"event"',
      ':',
      '"a:b"',
      ',',
      '"payload"',
      ':',
      '{',
      '"x"',
      ':',
      ...payload,
      '}',
      '}',
    ];
    fc.assert(
      fc.property(tokens, spaces, (payload, space) => {
        const spaced = body(payload)
          .map((token) => `${space.next().value}${token}${space.next().value}`)
          .join('');
        expect(frozen(spaced)).toBe(body(payload).join(''));
        expect(JSON.parse(frozen(spaced))).toEqual(JSON.parse(spaced));
        expect(frozen(frozen(spaced))).toBe(frozen(spaced));
      }),
      { numRuns: 500 },
    );
  });

  it('property: a batch freezes each event as freezeEvent does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(tokens, { minLength: 1, maxLength: 5 }), spaces, async (payloads, space) => {
        const events = payloads.map((payload) => `{"payload":{"x":${payload.join(space.next().value)}},"event":"a:b"}`);
        const result = await freezeBatchText(`{"events":[${events.join(',')}]}`);
        if (!result.ok) throw new Error(`${result.path}: ${result.message}`);
        expect(result.items.map(({ frozen: one }) => one.body.toString())).toEqual(events.map(frozen));
      }),
    );
  });

  it.each([
    ['not JSON', '{"event":', 'invalid_json', ''],
    ['empty', '', 'invalid_json', ''],
    ['an array', '[]', 'invalid_request', ''],
    ['a string', '"x"', 'invalid_request', ''],
    ['null', 'null', 'invalid_request', ''],
    ['no event', '{"payload":{}}', 'invalid_request', 'event'],
    ['an event that is a number', '{"event":1,"payload":{}}', 'invalid_request', 'event'],
    ['an empty type', '{"event":"","payload":{}}', 'invalid_request', 'event'],
    ['a type with a space', '{"event":"a b","payload":{}}', 'invalid_request', 'event'],
    ['a type with a NUL', String.raw`{"event":"a\u0000","payload":{}}`, 'invalid_request', 'event'],
    ['the handshake’s type', '{"event":"webhook:verify","payload":{}}', 'invalid_request', 'event'],
    ['a type reserved for Posthorn', '{"event":"delivery:failed","payload":{}}', 'invalid_request', 'event'],
    ['no payload', '{"event":"a:b"}', 'invalid_request', 'payload'],
    ['a payload that is null', '{"event":"a:b","payload":null}', 'invalid_request', 'payload'],
    ['a payload that is an array', '{"event":"a:b","payload":[]}', 'invalid_request', 'payload'],
    ['an unknown field', '{"event":"a:b","payload":{},"extra":1}', 'invalid_request', 'extra'],
    ['a repeated field', '{"event":"a:b","event":"a:b","payload":{}}', 'invalid_request', 'event'],
    ['a repeated key', '{"event":"a:b","payload":{"d":1,"d":2}}', 'invalid_request', 'payload.d'],
    [
      'a repeated key with another spelling',
      String.raw`{"event":"a:b","payload":{"a":1,"\u0061":2}}`,
      'invalid_request',
      'payload.a',
    ],
  ])('refuses %s and names the field', (_what, text, code, path) => {
    expect(refused(text)).toEqual({ code, path });
  });

  it.each([
    ['{"event":"a:b","payload":{"password":hunter2}}', 'unexpected character "h" at position 37'],
    ['{"a":NaN}', 'a', 'unknown field'],
    ['{"event":NaN}', 'unexpected character "N" at position 9'],
    ['{"event":"a:b","payload":NaN}', 'unexpected character "N" at position 25'],
    ['{"event":"a:b","payload":{"a":1}', 'unexpected end at position 32'],
    ['{"event":"a:b","payload":{}}}', 'unexpected character "}" at position 28'],
    ['nope', 'unexpected character "o" at position 1'],
    ['', 'the text is empty'],
  ])('refuses %s, quotes at most one character and gives its position', (text, ...texts) => {
    expect(JSON.stringify(freezeText(text))).toContain(JSON.stringify(texts.at(-1)).slice(1, -1));
    expect(JSON.stringify(freezeText(text))).not.toContain('hunter2');
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(freezeEvent(Buffer.from('{"event":"a:b","payload":{"a":"\xff"}}', 'latin1'))).toMatchObject({
      code: 'invalid_json',
      message: 'not JSON: invalid UTF-8',
    });
  });

  it('keeps half a surrogate pair as written: a refusal would lose the event for every endpoint', () => {
    const text = String.raw`{"event":"a:b","payload":{"body":"Hi \ud83d","\udc00":"\ud83d\ude00"}}`;
    expect(frozen(text)).toBe(text);
  });

  it('accepts a key that is repeated below the top level', () => {
    expect(frozen('{"event":"a:b","payload":{"x":{"d":1,"d":2}}}')).toContain('{"d":1,"d":2}');
  });

  it('accepts 256 KiB and refuses one byte more, counted without white space', () => {
    const ofBytes = (bytes: number) => `{"event":"a:b","payload":{"a": "${'x'.repeat(bytes - 8)}"}}`;
    expect(refused(ofBytes(MAX_PAYLOAD_BYTES))).toBeNull();
    expect(refused(ofBytes(MAX_PAYLOAD_BYTES + 1))).toEqual({ code: 'payload_too_large', path: 'payload' });
  });

  it('accepts a nesting of 1000 and refuses 1001, in metadata as well', () => {
    expect(refused(nested(1_000))).toBeNull();
    expect(refused(nested(1_001))).toEqual({ code: 'invalid_request', path: 'payload' });
    expect(refused(nested(1_000).replaceAll('"a"', '"metadata"'))).toBeNull();
    expect(refused(nested(1_001).replaceAll('"a"', '"metadata"'))).toEqual({
      code: 'invalid_request',
      path: 'payload',
    });
  });

  // Invalid JSON follows each limit. A reader that went on would find it.
  it.each([
    ['nesting', `{"event":"a:b","payload":{"a":${'['.repeat(1_000)}!`, 'invalid_request', 'payload'],
    ['size', `{"event":"a:b","payload":{"a":[${'0,'.repeat(MAX_PAYLOAD_BYTES / 2)}!`, 'payload_too_large', 'payload'],
    [
      'size of a string',
      `{"event":"a:b","payload":{"a":"${'x'.repeat(MAX_PAYLOAD_BYTES)}\n`,
      'payload_too_large',
      'payload',
    ],
    ['size of a key', `{"event":"a:b","payload":{"${'x'.repeat(MAX_PAYLOAD_BYTES)}\n`, 'payload_too_large', 'payload'],
    ['repeated keys', '{"event":"a:b","payload":{"d":1,"d":!', 'invalid_request', 'payload.d'],
    ['unknown fields', '{"other"!', 'invalid_json', ''],
    ['unknown fields', '{"other":!', 'invalid_request', 'other'],
    ['the size of a type', `{"event":"${'x'.repeat(3_000)}\n`, 'invalid_request', 'event'],
    ['the size of a field’s name', `{"${'x'.repeat(3_000)}\n`, 'invalid_request', ''],
    ['an object around all', '[!', 'invalid_request', ''],
  ])('stops reading at the first exceeded limit: %s', (_what, text, code, path) => {
    expect(refused(text)).toEqual({ code, path });
  });

  it('cuts a long key in a refusal, which would otherwise be as large as the request', () => {
    const key = 'k'.repeat(1_000);
    expect(refused(`{"${key}":1}`)?.path).toHaveLength(65);
    expect(refused(`{"event":"a:b","payload":{"${key}":1,"${key}":2}}`)?.path).toHaveLength(73);
  });

  it('treats a key named __proto__ like any other', () => {
    expect(frozen('{"event":"a:b","payload":{"__proto__":{"x":1}}}')).toContain('"__proto__":{"x":1}');
  });

  it('metadata.disable_webhook_events suppresses only message:created, and only if it is exactly true', () => {
    const suppressed = (type: string, value: string) => {
      const result = freezeText(`{"event":"${type}","payload":{"metadata":{"disable_webhook_events":${value}}}}`);
      return result.ok && result.frozen.suppressed;
    };
    expect(suppressed('message:created', 'true')).toBe(true);
    expect(suppressed('message:created', '"true"')).toBe(false);
    expect(suppressed('message:created', '1')).toBe(false);
    expect(suppressed('conversation:created', 'true')).toBe(false);
    expect(suppressed('message:created', 'true,"disable_webhook_events":false')).toBe(false);
    expect(suppressed('message:created', 'false,"disable_webhook_events":true')).toBe(true);
    expect(suppressed('message:created', '{"disable_webhook_events":true}')).toBe(false);
  });

  it('never throws, for any text', async () => {
    const texts = fc.oneof(fc.string(), fc.json());
    fc.assert(fc.property(texts, (text) => void freezeText(text)));
    await fc.assert(fc.asyncProperty(texts, async (text) => void (await freezeBatchText(`{"events":[${text}]}`))));
  });
});

describe('freezeBatch', () => {
  it('freezes each event like freezeEvent, in order, with its key', async () => {
    const result = await freezeBatchText(
      '{"events":[ {"event":"a:b","payload":{"n":1.0}} , {"payload":{},"event":"c:d","idempotencyKey":"k 1"} ]}',
    );
    expect(result).toMatchObject({ ok: true, items: [{ idempotencyKey: null }, { idempotencyKey: 'k 1' }] });
    if (result.ok) expect(result.items[0]?.frozen.body.toString()).toBe('{"event":"a:b","payload":{"n":1.0}}');
  });

  it.each([
    ['{"events":[]}', 'events'],
    ['{"events":{}}', 'events'],
    ['{}', 'events'],
    ['{"events":[1]}', 'events[0]'],
    ['{"events":[{"event":"a:b","payload":{}},{"event":"a:b","payload":1}]}', 'events[1].payload'],
    ['{"events":[{"event":"a:b","payload":{},"idempotencyKey":""}]}', 'events[0].idempotencyKey'],
    ['{"events":[{"event":"a:b","payload":{},"idempotencyKey":7}]}', 'events[0].idempotencyKey'],
    ['{"events":[{"event":"a:b","payload":{},"other":7}]}', 'events[0].other'],
    [`{"events":[${Array.from({ length: 501 }, () => '{"event":"a:b","payload":{}}').join(',')}]}`, 'events'],
    ['{"events":[{"event":"a:b","payload":{}},7]}', 'events[1]'],
    ['{"events":[{"event":"a:b","payload":{}}],"events":[]}', 'events'],
  ])('refuses %.60s and names the field', async (text, path) => {
    expect(await freezeBatchText(text)).toMatchObject({ ok: false, path });
  });

  it.each([
    ['8 M of [', `{"events":[${'['.repeat(1_000)}!`, 'events[0]'],
    ['nesting in a payload', `{"events":[{"payload":{"a":${'['.repeat(1_000)}!`, 'events[0].payload'],
    ['white space between events', `{"events":[{"event":"a:b","payload":{}},${' '.repeat(512 * 1024 + 1)}!`, ''],
    ['the 501st event', `{"events":[${'{"event":"a:b","payload":{}},'.repeat(500)}!`, 'events'],
  ])('stops reading at the first exceeded limit: %s', async (_what, text, path) => {
    expect(await freezeBatchText(text)).toMatchObject({ code: 'invalid_request', path });
  });

  it('accepts 512 KiB of an event with white space, as for a single event, and refuses more', async () => {
    const spaced = (bytes: number) => `{"a":[0,0${' '.repeat(bytes / 2)},0${' '.repeat(bytes / 2 - 13)}]}`;
    const batch = (bytes: number) => freezeBatchText(`{"events":[{"event":"a:b","payload":${spaced(bytes)}}]}`);
    expect(spaced(512 * 1024)).toHaveLength(512 * 1024);
    expect(await batch(512 * 1024)).toMatchObject({ ok: true });
    expect(await batch(512 * 1024 + 2)).toMatchObject({ code: 'payload_too_large', path: 'events[0].payload' });
  });

  it('yields to the event loop at least once per 256 KiB and one payload', async () => {
    const events = Array.from({ length: 40 }, () => `{"event":"a:b","payload":{"a":"${'x'.repeat(64 * 1024)}"}}`);
    const body = Buffer.from(`{"events":[${events.join(',')}]}`);
    let turns = 0;
    const count = () => {
      turns += 1;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    const result = await freezeBatch(body);
    clearImmediate(immediate);
    expect(result).toMatchObject({ ok: true });
    expect(turns).toBeGreaterThanOrEqual(Math.floor(body.length / (256 * 1024 + 64 * 1024)) - 1);
  });
});

describe('readDraft', () => {
  const given = (text: string) => {
    const draft = readDraft(Buffer.from(text));
    return draft.ok ? [draft.type, draft.payload && Buffer.from(draft.payload.bytes).toString()] : draft.path;
  };

  it('reads the fields that are present', () => {
    expect(given('')).toEqual([null, null]);
    expect(given(' \n')).toEqual([null, null]);
    expect(given('{}')).toEqual([null, null]);
    expect(given('{"event":"a:b"}')).toEqual(['a:b', null]);
    expect(given('{"payload":{ "n": 1.0 } , "event":"a:b"}')).toEqual(['a:b', '{"n":1.0}']);
    expect(given('{"event":1}')).toBe('event');
    expect(given('{"other":1}')).toBe('other');
  });

  it('freezes like freezeEvent', () => {
    const draft = readDraft(Buffer.from('{"payload":{ "n": 1.0 }}'));
    if (!draft.ok || !draft.payload) throw new Error('no payload');
    expect(freeze('a:b', draft.payload).body.toString()).toBe(frozen('{"event":"a:b","payload":{"n":1.0}}'));
  });
});
