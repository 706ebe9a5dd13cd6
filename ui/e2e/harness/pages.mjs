/** Every page: where it is, what the navigation calls it, and what it calls itself. */
export const pages = [
  { path: '', name: 'Overview', heading: 'Overview' },
  { path: 'listeners', name: 'Listeners', heading: 'Listeners' },
  { path: 'backends', name: 'Backends', heading: 'Backends' },
  { path: 'playground', name: 'Tool Playground', heading: 'Tool Playground' },
  { path: 'sessions', name: 'Sessions', heading: 'Sessions' },
  { path: 'activity', name: 'Activity', heading: 'Activity' },
  { path: 'configuration', name: 'Configuration', heading: 'Configuration' },
]
