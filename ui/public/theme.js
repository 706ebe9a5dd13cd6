// Runs before anything is painted: a theme that comes with the page's own script would flash. src/parts/theme.ts does the rest.
try {
  const theme = localStorage.getItem('agentgateway.theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // A browser may forbid storage altogether; then the system decides.
}
