'use strict'

// How a server's connection leaves HTTP: by a request for an upgrade or a tunnel that somebody follows. The codec stops behind
// the head of such a request, and only then are the bytes behind it somebody else's.

const { ASK_UPGRADE, IS_UPGRADE } = require('../internal/records')
const { endMessage, readStart } = require('./incoming')
const { upgradeWhenListened } = require('./server-options')

function mayFollow({ shouldUpgradeCallback, _events }) {
  return shouldUpgradeCallback !== upgradeWhenListened || _events.upgrade !== undefined
}

/** Has the codec stop at an Upgrade field only when somebody may follow it. */
function watchUpgrades(connection) {
  const upgrades = mayFollow(connection.server)
  if (upgrades === connection.upgrades) return
  connection.upgrades = upgrades
  connection.codec?.httpExpect(upgrades ? ASK_UPGRADE : 0)
}

function asksForUpgrade({ headers }) {
  return headers.upgrade !== undefined && /(?:^|,)\s*upgrade\s*(?:,|$)/i.test(headers.connection)
}

/** Whether a request with that head takes the connection over; asks whoever may say so. */
function leavesHttp(connection, req, info) {
  const { server } = connection
  const isStopped = (info & IS_UPGRADE) !== 0
  // Somebody came to listen since the last request, so the codec did not stop: the message's end is near enough.
  const isLate = !isStopped && !connection.upgrades && mayFollow(server) && asksForUpgrade(req)
  req.upgrade = isStopped || isLate
  if (req.upgrade) {
    req.upgrade = req.method === 'CONNECT' || Boolean(server.shouldUpgradeCallback(req))
  }
  connection.upgradesAtEnd = isLate && req.upgrade
  connection.declined = isStopped && !req.upgrade
  return req.upgrade
}

/** The socket is the listener's from now on, with the bytes behind the request. */
function leave(connection, rest) {
  const { incoming: req, server, socket } = connection
  if (!req.complete) endMessage(req, '')
  readStart(socket)
  const handle = socket._handle
  connection.detach()

  const event = req.method === 'CONNECT' ? 'connect' : 'upgrade'
  if (server.listenerCount(event) === 0) {
    socket.destroy()
    return
  }
  // The codec stopped reading at the switch; for the stream it never did.
  if (handle?.reading) handle.readStart()
  socket.readableFlowing = null
  server.emit(event, req, socket, rest)
}

/** Nobody followed: the codec, which stopped, goes on with the bytes behind the head. */
function goOn(connection, rest) {
  connection.declined = false
  connection.unconsume()
  const { codec } = connection
  const handle = connection.socket._handle
  if (handle?.reading) handle.readStart()
  codec.decline()
  if (connection.codec === codec && rest.length > 0) codec.execute(rest)
}

module.exports = { goOn, leave, leavesHttp, watchUpgrades }
