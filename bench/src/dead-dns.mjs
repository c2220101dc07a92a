// Loaded into a worker before anything else: its name server never responds.
import { createSocket } from 'node:dgram';
import { promises } from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';

const socket = createSocket('udp4').unref();
socket.bind(0, '127.0.0.1');
const { Resolver } = promises;
promises.Resolver = class extends Resolver {
  constructor(options) {
    super(options);
    this.setServers([`127.0.0.1:${socket.address().port}`]);
  }
};
syncBuiltinESMExports();
await new Promise((resolve) => socket.once('listening', resolve));
