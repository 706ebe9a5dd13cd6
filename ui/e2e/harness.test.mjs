import assert from 'node:assert/strict'
import { builtin, serving } from './harness/configs.mjs'
import { browserTest } from './harness/test.mjs'
import { until } from './harness/until.mjs'

// A watch that sees nothing would let every other test pass.
browserTest('what no page may do is seen', { config: serving([builtin('time')]) }, async ({ page, watch, go, accessible }) => {
  await go()
  watch.verdict()
  await accessible('Overview')
  await page.evaluate(() => {
    console.error('an error of the page')
    setTimeout(() => Promise.reject(new Error('nobody handles this')))
    document.body.insertAdjacentHTML('beforeend', '<p style="color: red">red</p><img src="https://elsewhere.example/a.png"><button></button>')
    fetch('http://127.0.0.1:1/').catch(() => {})
  })
  for (const sign of [/console: an error of the page/, /unhandled: .*nobody handles this/, /style-src-attr forbids/, /a request left for http:\/\/127\.0\.0\.1:1\//, /img-src forbids https:\/\/elsewhere\.example/]) {
    await until(() => watch.problems().some((problem) => sign.test(problem)), String(sign))
  }
  await assert.rejects(accessible('a page with faults'), /critical: (image-alt|button-name)/)
  assert.throws(() => watch.verdict(), /an error of the page/)
  watch.allow(/./)
})
