import react from '@vitejs/plugin-react'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

/**
 * Chunks by what they are for, so that they keep their names: each page that is loaded when it is opened is one of its own; what pages
 * share is `parts`; CodeMirror and our code around it are `editor`, only for pages that show one.
 */
const chunks = [
  { name: 'editor', test: /src\/editor\/(codemirror|yaml)\/|node_modules\/(@codemirror|@lezer|@marijn|style-mod|crelt|w3c-keyname)\// },
  { name: 'mcp', test: /src\/mcp\// },
  { name: 'parts', test: /src\/(parts|api|router)|node_modules\/(react|react-dom|scheduler)\// },
]

/** Browsers that have CSS nesting, `light-dark()` and everything else that the sources use as they are. */
const browsers = ['chrome123', 'firefox121', 'safari17.5']

/** Which layer wins is decided by which is named first. Chunks come in an order of their own, so it is said before all of them. */
const layers: Plugin = {
  name: 'layers-first',
  enforce: 'post',
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type === 'asset' && file.fileName.endsWith('.css')) file.source = `@layer base, parts;${file.source}`
    }
  },
}

/** For `npm run dev`: a gateway that runs beside it. It answers its own pages only, so requests have to look like theirs. */
const gateway = 'http://127.0.0.1:15000'

export default defineConfig({
  base: '/ui/',
  plugins: [react(), layers],
  server: { proxy: { '/api': { target: gateway, changeOrigin: true, headers: { origin: gateway } } } },
  test: { include: ['src/**/*.test.ts'] },
  build: {
    target: browsers,
    cssTarget: browsers,
    sourcemap: false,
    // The binary embeds what is built. Stable names make a change of one page a change of one file there.
    assetsDir: '',
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    rolldownOptions: {
      output: {
        entryFileNames: 'app.js',
        chunkFileNames: '[name].js',
        assetFileNames: ({ names }) => (names[0]?.endsWith('.css') ? 'app.css' : '[name][extname]'),
        codeSplitting: { includeDependenciesRecursively: false, groups: chunks },
      },
    },
  },
})
