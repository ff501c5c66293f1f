// Starts the Slack emulator on this machine only, and tells its port on the first line.
import net from 'node:net'

const listen = net.Server.prototype.listen
const free = net.createServer()
await new Promise((ready) => listen.call(free, 0, '127.0.0.1', ready))
const { port } = free.address()
await new Promise((gone) => free.close(gone))

net.Server.prototype.listen = function (_port, _host, ...rest) {
  this.on('listening', () => console.log(port))
  return listen.call(this, port, '127.0.0.1', ...rest)
}

const { createEmulator } = await import('emulate')
await createEmulator({ service: 'slack', port, baseUrl: `http://127.0.0.1:${port}` })
