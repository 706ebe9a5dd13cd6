import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const most = 400 * 1024

test('the whole UI is at most 400 KB, fonts included', { skip: process.env.UI_DIR && 'it is served from elsewhere' }, async () => {
  const files = await readdir(dist, { recursive: true, withFileTypes: true })
  const sizes = await Promise.all(
    files.filter((file) => file.isFile()).map(async ({ path, name }) => [name, gzipSync(await readFile(join(path, name))).length]),
  )
  const sum = sizes.reduce((all, [, size]) => all + size, 0)
  assert.ok(sum <= most, `${sum} bytes: ${sizes.map(([name, size]) => `${name} ${size}`).join(', ')}`)
})
