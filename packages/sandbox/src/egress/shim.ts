// What runs in the container beside a command that may connect somewhere: it takes connections on its loopback and sends them, each as a
// stream of HTTP/2, over its own output to this process, where the proxy is. It decides nothing. A text, since it is given to `node -e`.

export const proxyPort = 3_128;

export const shim = `
const { createServer } = require('node:net');
const { connect } = require('node:http2');
const { Duplex, pipeline } = require('node:stream');
const line = Duplex.from({ readable: process.stdin, writable: process.stdout });
let session;
const server = createServer({ allowHalfOpen: true }, (client) => {
  client.on('error', () => {});
  const stream = session.request({ ':method': 'CONNECT', ':authority': 'egress' }, { endStream: false });
  const end = () => { client.destroy(); stream.destroy(); };
  stream.on('error', end);
  client.on('close', () => stream.destroy());
  stream.on('close', () => (stream.readableEnded ? client.destroySoon() : client.destroy()));
  client.pipe(stream);
  stream.pipe(client);
});
server.listen(${proxyPort}, '127.0.0.1', () => {
  session = connect('http://egress', { createConnection: () => line });
  session.on('error', () => process.exit(1));
  session.on('close', () => process.exit(0));
});
`;
