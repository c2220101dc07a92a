import { expect, it } from 'vitest';
import { readRecord } from './read-record.js';

const ID = 'evt_01jd4q8y3ne9mav5w2xkq7rf0c';

it('reads an id, a 202 as it is, and an idempotency key', () => {
  expect(readRecord(ID)).toEqual({ line: ID, account: null, event: { id: ID } });
  const response = JSON.stringify({ id: ID, accountId: 'acme', event: 'message:created', deliveries: 2, fanOut: null });
  expect(readRecord(response)).toEqual({ line: response, account: 'acme', event: { id: ID } });
  const key = '{"account":"acme","idempotencyKey":"m_1","id":null}';
  expect(readRecord(key)).toEqual({ line: key, account: 'acme', event: { idempotencyKey: 'm_1' } });
});

it('says what is wrong with a line', () => {
  expect(readRecord('dlv_01jd4q8y3ne9mav5w2xkq7rf0c')).toContain('is not the id of an event');
  expect(readRecord('{"id":"evt_1"}')).toContain('id is invalid');
  expect(readRecord('{"idempotencyKey":"ü"}')).toContain('idempotencyKey is invalid');
  expect(readRecord('{"account":"acme"}')).toBe('it has no id and no idempotencyKey.');
  for (const line of ['{"id":', '{}x', '[]', 'null']) expect(typeof readRecord(line)).toBe('string');
});
