'use strict'

// Sockets around descriptors that somebody else opened: pipes, FIFOs, and what is none.

const { execFileSync } = require('node:child_process')
const dgram = require('node:dgram')
const fs = require('node:fs')
const { createHash } = require('node:crypto')
const { scenario } = require('../common/harness')
const { LIFE, closed, event, outcome } = require('../common/tools')

const only = { over: ['local'] }
const { O_RDWR, O_RDONLY, O_WRONLY, O_NONBLOCK } = fs.constants

// Descriptors of both ends of a FIFO without a name: [to read, to write].
function fifo(run) {
  const file = run.path()
  execFileSync('mkfifo', [file])
  const reader = fs.openSync(file, O_RDONLY | O_NONBLOCK)
  const writer = fs.openSync(file, O_WRONLY)
  fs.unlinkSync(file)
  return [reader, writer]
}

scenario('a FIFO, read and written', only, async (run) => {
  const [reader, writer] = fifo(run)
  const input = new run.server.net.Socket({ fd: reader, writable: false })
  const output = new run.client.net.Socket({ fd: writer, readable: false })
  run.server.log.watch('input', input, LIFE)
  run.client.log.watch('output', output, LIFE)
  const { readable, writable, pending, readyState, remoteAddress, localAddress } = input
  run.server.log({ readable, writable, pending, readyState, remoteAddress, localAddress })
  run.client.log(output.address(), output.readable, output.writable)
  run.client.log(output.write('one', () => run.client.log('written')))
  await event(input, 'data')
  output.write('two ')
  output.write(Buffer.from('three '))
  output.end('four')
  await closed(input, output)
  run.server.log(input.bytesRead, input.bytesWritten)
  run.client.log(output.bytesRead, output.bytesWritten)
})

scenario('16 MiB through a FIFO', only, async (run) => {
  const [reader, writer] = fifo(run)
  const input = new run.server.net.Socket({ fd: reader, writable: false })
  const output = new run.client.net.Socket({ fd: writer, readable: false })
  const hash = createHash('sha256')
  input.on('data', (chunk) => hash.update(chunk))
  for (let i = 0; i < 256; i++) output.write(Buffer.alloc(65536, i))
  output.end()
  run.client.log('waits', output.writableNeedDrain, output.writableLength > 0)
  await closed(input, output)
  run.server.log(hash.digest('hex'), input.bytesRead)
  run.client.log(output.bytesWritten)
})

scenario('the wrong way through a FIFO', only, async (run) => {
  const [reader, writer] = fifo(run)
  const input = new run.server.net.Socket({ fd: reader })
  run.server.log.watch('input', input, LIFE)
  input.write('upstream', (error) => run.server.log('written', error))
  const output = new run.client.net.Socket({ fd: writer })
  run.client.log.watch('output', output, LIFE)
  await closed(input, output)
})

scenario('a FIFO whose reader is gone', only, async (run) => {
  const [reader, writer] = fifo(run)
  const output = new run.client.net.Socket({ fd: writer, readable: false })
  run.client.log.watch('output', output, LIFE)
  fs.closeSync(reader)
  await run.turns(4)
  run.client.log('still open', output.destroyed)
  output.write('nobody', (error) => run.client.log('written', error))
  await closed(output)
  run.server.log('done')
})

scenario('a FIFO opened for both', only, async (run) => {
  const file = run.path()
  execFileSync('mkfifo', [file])
  const socket = new run.client.net.Socket({ fd: fs.openSync(file, O_RDWR) })
  fs.unlinkSync(file)
  run.client.log.watch('socket', socket, LIFE)
  socket.write('to itself')
  await event(socket, 'data')
  socket.end()
  await event(socket, 'finish')
  socket.destroy()
  await closed(socket)
  run.server.log('done')
})

scenario('a paused FIFO', only, async (run) => {
  const [reader, writer] = fifo(run)
  const input = new run.server.net.Socket({ fd: reader, writable: false, pauseOnCreate: true })
  run.server.log.watch('input', input, LIFE)
  fs.writeSync(writer, 'early')
  await run.turns(4)
  run.server.log('nothing yet', input.bytesRead)
  input.resume()
  await event(input, 'data')
  fs.closeSync(writer)
  await closed(input)
  run.client.log('done')
})

// Node keeps it to itself.
function descriptorOf(udp) {
  const state = Object.getOwnPropertySymbols(udp).map((key) => udp[key])
  return state.find((value) => value?.handle).handle.fd
}

scenario('descriptors that are no streams', only, async (run) => {
  const udp = dgram.createSocket('udp4').bind(0, '127.0.0.1')
  await event(udp, 'listening')
  const opened = {
    file: fs.openSync(__filename),
    directory: fs.openSync(__dirname),
    'character device': fs.openSync('/dev/null'),
    terminal: fs.openSync('/dev/ptmx', O_RDWR),
  }
  const all = {
    ...opened,
    datagrams: descriptorOf(udp),
    closed: 9999,
    negative: -1,
    text: '1',
    half: 1.5,
  }
  for (const { log, net } of [run.server, run.client]) {
    for (const [name, fd] of Object.entries(all)) {
      log(
        name,
        outcome(() => new net.Socket({ fd })),
      )
    }
    for (const fd of [opened.file, all.datagrams, all.closed]) {
      const server = net.createServer()
      log.watch('server', server, ['listening', 'error', 'close'])
      server.listen({ fd })
      await event(server, 'error')
      log(server.listening, server.address())
    }
  }
  for (const fd of Object.values(opened)) fs.closeSync(fd)
  udp.close()
})

scenario('a descriptor that another socket has', { over: ['tcp'] }, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected()
  server.log.watch('peer', peer, ['data', 'error', 'close'])
  const { fd } = socket._handle
  client.log(outcome(() => new client.net.Socket({ fd })))
  socket.end('still there')
  peer.end()
  await closed(socket, peer)
  await run.close(listener)
})

scenario('standard output stays open', only, async (run) => {
  const { server, client } = run
  const { child, exited } = run.spawn(client, 'close-output.js', {})
  const output = await event(child.stdout, 'data')
  client.log(String(output))
  const { code, stderr } = await exited
  server.log('gone', code, stderr)
})
