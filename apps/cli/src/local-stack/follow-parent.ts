// Loaded into every process of the local stack with --import. The channel to the stack closes when the stack ends, even by
// SIGKILL: then this process ends too, in its orderly way, or after half a minute in any way.
if (process.channel) {
  process.once('disconnect', () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 30_000).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  process.channel.unref(); // listening must not keep a process alive that has come to its end
}
