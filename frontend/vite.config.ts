import { defineConfig } from 'vitest/config';

// The account pages are Django's and know no hashed name, so their style sheet keeps its own.
const unhashed = (names: readonly string[]): boolean => names.includes('account.css');

export default defineConfig({
  build: {
    target: 'es2022',
    // No data: URLs and no inline script: the content security policy allows neither.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: { index: 'index.html', account: 'src/styles/account.css' },
      output: {
        assetFileNames: ({ names }) => (unhashed(names) ? '[name][extname]' : 'assets/[name]-[hash][extname]'),
      },
    },
  },
  test: { include: ['test/**/*.test.ts'], restoreMocks: true },
});
