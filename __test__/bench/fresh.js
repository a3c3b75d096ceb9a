'use strict'

// node fresh.js SIDE MODULE     what `require` of it costs this process, which has done nothing else
// Prints { time, memory, threads }: milliseconds, MB, and how many threads more there are.

const fs = require('node:fs')
const { sides } = require('./sides')

const [side, name] = process.argv.slice(2)
const { load } = sides[side]

const threads = () => fs.readdirSync('/proc/self/task').length
const { rss } = process.memoryUsage
// Both once, for what they load themselves.
threads()
rss()
const { now } = performance

const [threadsBefore, memoryBefore, began] = [threads(), rss(), now.call(performance)]
const loaded = load(name)
const time = now.call(performance) - began
const memory = (rss() - memoryBefore) / 1e6
if (typeof loaded !== 'object') throw new Error(`${name} is a ${typeof loaded}`)
console.log(JSON.stringify({ time, memory, threads: threads() - threadsBefore }))
