import { expect, it } from 'vitest';
import { openBoardTickets, signBoardTicket } from './board-ticket.js';

const operatorKey = 'an-operator-key-of-a-test';
const NOW = Date.parse('2026-11-29T10:00:00Z');

function openTickets({ key = operatorKey } = {}) {
  const clock = { now: NOW };
  return { clock, tickets: openBoardTickets({ operatorKey: key, now: () => clock.now }) };
}

it('accepts a ticket once', () => {
  const { tickets } = openTickets();
  const { ticket } = signBoardTicket({ operatorKey, now: NOW });
  expect(tickets.accept(ticket)).toBe(true);
  expect(tickets.accept(ticket)).toBe(false);
});

it('refuses a ticket a minute later', () => {
  const { clock, tickets } = openTickets();
  const { ticket, expiresAt } = signBoardTicket({ operatorKey, now: NOW });
  expect(expiresAt.getTime()).toBe(NOW + 60_000);
  clock.now = NOW + 60_000;
  expect(tickets.accept(ticket)).toBe(false);
});

it('refuses a ticket of another operator key, a changed one and anything else', () => {
  const { tickets } = openTickets();
  const { ticket } = signBoardTicket({ operatorKey, now: NOW });
  const [, nonce = '', signature = ''] = ticket.split('.');
  const changed = [
    signBoardTicket({ operatorKey: `${operatorKey}!`, now: NOW }).ticket,
    `${NOW + 999_999}.${nonce}.${signature}`,
    `${ticket}A`,
    ticket.slice(0, -1),
    '',
    '..',
  ];
  for (const one of changed) expect(tickets.accept(one)).toBe(false);
  expect(tickets.accept(ticket)).toBe(true);
});
