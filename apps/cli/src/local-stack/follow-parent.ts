// Every process of the local stack loads this with --import. The channel to the stack closes when the stack ends, even by SIGKILL. Then
// this process shuts down as on SIGTERM, and exits after half a minute at the latest.
if (process.channel) {
  process.once('disconnect', () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 30_000).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  process.channel.unref(); // listening must not keep the process alive
}
