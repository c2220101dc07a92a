import { type Cost, type Size, sizeFor } from './sizing.js';

const BLOCK = /(?<=<!-- sizing -->\n)[^]*(?=<!-- \/sizing -->)/;
const RATES = [100, 1_000, 10_000, 100_000];

/** Returns docs/sizing.md with its table, between its two markers, computed again. */
export function withSizing(page: string, cost: Cost): string {
  if (!BLOCK.test(page)) throw new Error('docs/sizing.md lacks the lines <!-- sizing --> and <!-- /sizing -->');
  return page.replace(BLOCK, () => `${render(cost)}\n`);
}

function render(cost: Cost): string {
  const sizes = RATES.map((rate) => sizeFor(cost, rate));
  const row = (name: string, cell: (size: Size) => string) => `| ${name} | ${sizes.map(cell).join(' | ')} |`;
  return [
    `| deliveries/s | ${RATES.map((rate) => rate.toLocaleString('en')).join(' | ')} |`,
    `|${'---|'.repeat(RATES.length + 1)}`,
    row('CPU per delivery, all processes', ({ us }) => `${Math.round(us).toLocaleString('en')} µs`),
    row('busy cores: all', ({ cores }) => short(cores)),
    row('of these, Postgres', ({ postgresCores }) => short(postgresCores)),
    row('of these, Redis', ({ redisCores }) => short(redisCores)),
    row('cores to provide, at 60 %', ({ coresToProvide }) => String(coresToProvide)),
    row('API and worker processes, together', ({ processes }) => String(processes)),
    row('connections to Postgres', ({ connections }) => connections.toLocaleString('en')),
    row('Redis memory for retries', ({ redisBytes }) => bytes(redisBytes)),
    row('WAL', ({ walBytesPerSecond }) => `${bytes(walBytesPerSecond)}/s`),
    row('WAL per day', ({ walBytesPerSecond }) => bytes(walBytesPerSecond * 86_400)),
    row('ledger per day', ({ diskBytesPerDay }) => bytes(diskBytesPerDay)),
    row('ledger with RETENTION_DAYS=30', ({ diskBytesPerDay }) => bytes(diskBytesPerDay * 30)),
  ].join('\n');
}

/** Two digits. */
const short = (value: number): string => String(Number(value.toPrecision(2)));

function bytes(value: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  return `${short(value / 1_000 ** step)} ${units[step]}`;
}
