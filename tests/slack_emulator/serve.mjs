// Starts the Slack emulator on this machine only, and tells its port on the first line.
import net from 'node:net'

const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (_port, _host, ...rest) {
  this.on('listening', () => console.log(this.address().port))
  return listen.call(this, 0, '127.0.0.1', ...rest)
}

const { createEmulator } = await import('emulate')
await createEmulator({ service: 'slack', port: 0, baseUrl: 'http://127.0.0.1' })
