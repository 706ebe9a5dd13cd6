import './icon.css'

/** Drawn on a grid of 16, as strokes of 1.5. */
const paths = {
  overview: 'M2.5 2.5h4.5v6H2.5zM9.5 2.5h4v3h-4zM9.5 8h4v5.5h-4zM2.5 11h4.5v2.5H2.5z',
  listeners: 'M2 8h4M6 4.5v7M6 6l4-3.5M6 10l4 3.5M12 2.5h2M12 13.5h2M6 8h8',
  backends: 'M2.5 2.5h11v4.5h-11zM2.5 9h11v4.5h-11zM5 4.75h.01M5 11.25h.01M7.5 4.75h3.5M7.5 11.25h3.5',
  playground: 'M3 3.5l4 4.5-4 4.5M8.5 12.5H13',
  sessions:
    'M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM1.5 13.5c0-2.5 2-4 4.5-4s4.5 1.5 4.5 4M10.5 2.8a2.5 2.5 0 0 1 0 4.4M12 10c1.6.5 2.5 1.8 2.5 3.5',
  activity: 'M1.5 8.5h3l2-5.5 3 10 2-4.5h3',
  configuration:
    'M2.5 4.5h6M12 4.5h1.5M2.5 11.5H4M7.5 11.5h6M10.25 6.25a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5zM5.75 13.25a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5z',
  check: 'M3 8.5l3.5 3.5L13 4.5',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  warning: 'M8 2.5l6 11H2zM8 7v3M8 11.75v.01',
  error: 'M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5zM8 5v3.5M8 11v.01',
  info: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.5V11M8 5v.01',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.5 10.5L14 14',
  plus: 'M8 3v10M3 8h10',
  trash: 'M2.5 4.5h11M6 4.5V2.5h4v2M4 4.5l.5 9h7l.5-9M6.75 7v4M9.25 7v4',
  edit: 'M3 13l.7-3L10.5 3.2l2.3 2.3L6 12.3zM9 4.7L11.3 7',
  restart: 'M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3',
  play: 'M4.5 2.5l8.5 5.5-8.5 5.5z',
  pause: 'M5 3v10M11 3v10',
  stop: 'M3.5 3.5h9v9h-9z',
  down: 'M3.5 6L8 10.5 12.5 6',
  up: 'M3.5 10L8 5.5l4.5 4.5',
  right: 'M6 3.5L10.5 8 6 12.5',
  left: 'M10 3.5L5.5 8l4.5 4.5',
  arrow: 'M2.5 8h11M9.5 4l4 4-4 4',
  external: 'M6.5 3H3v10h10V9.5M9.5 2.5h4v4M13.5 2.5L7.5 8.5',
  link: 'M6.5 9.5l3-3M7 4.5l1-1a3 3 0 0 1 4.5 4.5l-1 1M9 11.5l-1 1A3 3 0 0 1 3.5 8l1-1',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1.5V3M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1',
  moon: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7z',
  auto: 'M1.5 2.5h13v8.5h-13zM5.5 13.5h5M8 11v2.5',
  tool: 'M9.5 6.5L3 13M13.5 4.5a3.5 3.5 0 0 1-4.7 3.3 3.5 3.5 0 0 1 2.7-5.3L10 4.5 11.5 6z',
  prompt: 'M2.5 3h11v8H7l-3 2.5V11H2.5zM5.5 6h5M5.5 8.5h3',
  resource: 'M4 1.5h5.5L12.5 5v9.5H4zM9 1.5V5.5h3.5',
  template: 'M4 1.5h5.5L12.5 5v9.5H4zM9 1.5V5.5h3.5M7 8l-1.5 1.75L7 11.5M9.5 8L11 9.75 9.5 11.5',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.5V8l2.5 1.5',
  eye: 'M1.5 8C3 5 5.3 3.5 8 3.5S13 5 14.5 8C13 11 10.7 12.5 8 12.5S3 11 1.5 8zM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
  file: 'M4 1.5h5.5L12.5 5v9.5H4zM6.5 8h3.5M6.5 11h3.5',
  save: 'M8 2v7.5M4.5 6.5L8 10l3.5-3.5M2.5 13.5h11',
  image: 'M2 3h12v10H2zM2 11l3.5-3.5L9 11l2-2 3 2.5M10.5 6h.01',
  sound: 'M2.5 6h2.5L8.5 3v10L5 10H2.5zM11 5.5a3.5 3.5 0 0 1 0 5M13 3.5a6 6 0 0 1 0 9',
  wrap: 'M2 4h12M2 8h9.5a2.25 2.25 0 0 1 0 4.5H8M10 10.5l-2 2 2 2M2 12.5h3',
} as const

export type IconName = keyof typeof paths

/** Says nothing to screen readers: the words stand beside it, or on the button around it. */
export function Icon({ name, className }: { name: IconName; className?: string }) {
  return (
    <svg className={`icon ${className ?? ''}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  )
}
