import { createHash } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import pg from 'pg';

/** A pooler in transaction mode that supports named statements, like PgBouncer from 1.21 on (Debian's is older). It assigns a server
 *  connection to a client for one transaction, newest first, refuses unknown startup parameters, and prepares a client's
 *  statement on each server connection that needs it. */
export interface TransactionPooler {
  port: number;
  /** How often a client got another server connection than before. */
  readonly switches: number;
  /** Statements that it received although they need a session: LISTEN, and session locks. */
  readonly misplaced: string[];
  close(): Promise<void>;
}

const CARRIED = ['user', 'database', 'application_name', 'client_encoding'];
const MOST_SERVERS = 4;
const NEEDS_SESSION = /\bLISTEN\b|\bpg_(try_)?advisory_(un)?lock\b/i;

interface Server {
  socket: Socket;
  prepared: Set<string>;
  /** Handles a frame for the client that uses this server. */
  onFrame: (frame: Buffer) => void;
}

export async function openTransactionPooler(targetUrl: string): Promise<TransactionPooler> {
  const free: Server[] = [];
  const waiting: ((server: Server) => void)[] = [];
  const sockets = new Set<Socket>();
  let opened = 0;
  let switches = 0;
  const misplaced: string[] = [];

  async function acquire(): Promise<Server> {
    const server = free.pop();
    if (server) return server;
    if (opened >= MOST_SERVERS) return new Promise((resolve) => waiting.push(resolve));
    opened += 1;
    return openServer();
  }
  function release(server: Server): void {
    const next = waiting.shift();
    if (next) next(server);
    else free.push(server);
  }

  async function openServer(): Promise<Server> {
    const client = new pg.Client({ connectionString: targetUrl });
    client.on('error', () => {});
    await client.connect();
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
    stream.setNoDelay(true).removeAllListeners('data');
    const server: Server = { socket: stream, prepared: new Set(), onFrame: () => {} };
    stream.on(
      'data',
      frames(
        () => true,
        (frame) => server.onFrame(frame),
      ),
    );
    sockets.add(stream);
    return server;
  }

  function serve(client: Socket): void {
    sockets.add(client.setNoDelay(true));
    const statements = new Map<string, Buffer>();
    let batch: Buffer[] = [];
    let server: Server | null = null;
    let last: Server | null = null;
    let turn = Promise.resolve();

    let isGreeted = false;
    client.on('error', () => {});
    client.on('close', () => {
      sockets.delete(client);
      if (!server) return;
      server.socket.destroy(); // during a transaction
      opened -= 1;
    });
    const take = (frame: Buffer): void => {
      if (!isGreeted) {
        isGreeted = greet(client, frame);
        return;
      }
      const statement = frame.toString('latin1', 5);
      if (['Q', 'P'].includes(typeOf(frame)) && NEEDS_SESSION.test(statement)) misplaced.push(statement);
      batch.push(frame);
      if (!['Q', 'S'].includes(typeOf(frame))) return;
      const whole = batch;
      batch = [];
      turn = turn.then(() => exchange(whole));
    };
    client.on(
      'data',
      frames(() => isGreeted, take),
    );

    /** Sends frames that end with a Query or a Sync, and forwards the response up to ReadyForQuery. */
    async function exchange(whole: Buffer[]): Promise<void> {
      const now = (server ??= await acquire());
      if (last && last !== now) switches += 1;
      last = now;
      let unasked = 0;
      const added: string[] = [];
      const prepare = (rest: Buffer): Buffer => {
        added.push(keyOf(rest));
        now.prepared.add(keyOf(rest));
        return frameOf('P', cString(keyOf(rest)), rest);
      };
      const sent = whole.flatMap((frame) => {
        const [first, afterFirst] = readCString(frame, 5);
        if (typeOf(frame) === 'P' && first) {
          const rest = frame.subarray(afterFirst);
          statements.set(first, rest);
          if (!now.prepared.has(keyOf(rest))) return prepare(rest);
          client.write(frameOf('1'));
          return [];
        }
        if (typeOf(frame) !== 'B') return frame;
        const [name, afterName] = readCString(frame, afterFirst);
        const rest = statements.get(name);
        if (!rest) return frame;
        const bound = frameOf('B', cString(first), cString(keyOf(rest)), frame.subarray(afterName));
        if (now.prepared.has(keyOf(rest))) return bound;
        unasked += 1;
        return [prepare(rest), bound];
      });
      await new Promise<void>((resolve) => {
        now.onFrame = (frame) => {
          if (typeOf(frame) === 'E') for (const key of added) now.prepared.delete(key);
          if (typeOf(frame) === '1' && unasked > 0) unasked -= 1;
          else client.write(frame);
          if (typeOf(frame) === 'Z') resolve(frame[5] === 'I'.charCodeAt(0) ? letGo() : undefined);
        };
        now.socket.write(Buffer.concat(sent));
      });
      function letGo(): void {
        server = null;
        release(now);
      }
    }
  }

  const listener = createServer(serve);
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    port: (listener.address() as AddressInfo).port,
    get switches() {
      return switches;
    },
    misplaced,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

const SSL_REQUEST = 80_877_103;

/** Returns whether the session has started. */
function greet(client: Socket, frame: Buffer): boolean {
  if (frame.readInt32BE(4) === SSL_REQUEST) {
    client.write('N');
    return false;
  }
  const words = frame.subarray(8).toString().split('\0');
  const refused = words.find((word, index) => index % 2 === 0 && word && !CARRIED.includes(word));
  if (refused) {
    const fields = ['SFATAL', 'C08P01', `Munsupported startup parameter: ${refused}`].map(cString);
    client.end(frameOf('E', ...fields, Buffer.from([0])));
    return false;
  }
  client.write(
    Buffer.concat([frameOf('R', Buffer.alloc(4)), frameOf('K', Buffer.alloc(8)), frameOf('Z', Buffer.from('I'))]),
  );
  return true;
}

/** Splits a stream into messages: a length that includes itself, preceded by a type except in a client's first messages. */
function frames(isTyped: () => boolean, onFrame: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const head = isTyped() ? 1 : 0;
      if (rest.length < head + 4) return;
      const end = head + rest.readInt32BE(head);
      if (rest.length < end) return;
      const frame = rest.subarray(0, end);
      rest = rest.subarray(end);
      onFrame(frame);
    }
  };
}

const typeOf = (frame: Buffer): string => String.fromCharCode(frame[0] ?? 0);
const keyOf = (statement: Buffer): string => createHash('sha256').update(statement).digest('hex');
const cString = (text: string): Buffer => Buffer.from(`${text}\0`);

/** Returns the text and the start of the next field. */
function readCString(frame: Buffer, from: number): [string, number] {
  const end = frame.indexOf(0, from);
  return end < 0 ? ['', from] : [frame.toString('utf8', from, end), end + 1];
}

function frameOf(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.from(`${type}....`);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
