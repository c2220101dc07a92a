const HEAD = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${HEAD}transfer-encoding: chunked\r\n\r\n`;

/** Responses that never end: `start`, then `again` while the client reads. */
export const ENDLESS_RESPONSES: Record<string, { start: string; again: string; byteByByte?: true }> = {
  'interim responses (103)': { start: '', again: 'HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n' },
  'one header of a 103': { start: 'HTTP/1.1 103 Early Hints\r\nlink: ', again: 'x' },
  'one header': { start: `${HEAD}x: `, again: 'x' },
  'many headers': { start: HEAD, again: 'x: y\r\n' },
  'a reason phrase': { start: 'HTTP/1.1 200 ', again: 'OK ' },
  'empty lines': { start: '', again: '\r\n' },
  'one chunk extension': { start: `${CHUNKED}1;`, again: 'x' },
  'many chunk extensions': { start: CHUNKED, again: '1;x=y\r\na\r\n' },
  'chunks of a byte': { start: CHUNKED, again: '1\r\na\r\n' },
  'one trailer': { start: `${CHUNKED}0\r\nx: `, again: 'x' },
  'many trailers': { start: `${CHUNKED}0\r\n`, again: 'x: y\r\n' },
  'a body': { start: `${HEAD}content-length: 1000000000\r\n\r\n`, again: 'x' },
  'empty lines, byte by byte': { start: '', again: '\n', byteByByte: true },
  'a body, byte by byte': { start: `${HEAD}content-length: 1000000000\r\n\r\n`, again: 'x', byteByByte: true },
};
