const ESCAPES: Record<number, string> = { 9: '\\t', 10: '\\n', 13: '\\r', 34: '\\"', 92: '\\\\' };

/** Returns bytes as one line of printable ASCII, with escapes such as `\r`, `\n` and `\xff` for all others. */
export function printable(bytes: Uint8Array): string {
  const characters = Array.from(bytes, (byte) => {
    const isPrintable = byte >= 0x20 && byte < 0x7f;
    return ESCAPES[byte] ?? (isPrintable ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`);
  });
  return characters.join('');
}
