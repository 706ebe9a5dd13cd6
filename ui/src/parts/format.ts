/** How numbers, sizes and times are said everywhere in the UI. All of it is pure; `now` is always an argument. */

const grouped = new Intl.NumberFormat('en-US')

/** `12,345` */
export function number(value: number): string {
  return grouped.format(value)
}

/** `1 target`, `2 targets`; `many` for words that need more than an s. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`
}

/** Short enough for a tile: `950`, `12.3k`, `4.1M`. */
export function compact(value: number): string {
  if (value < 10_000) return number(value)
  if (value < 999_500) return `${short(value / 1000)}k`
  return `${short(value / 1_000_000)}M`
}

/** `0.4 ms`, `12 ms`, `1.25 s`, `2 min 5 s`, `1 h 3 min` */
export function duration(ms: number): string {
  if (ms < 0.95) return ms === 0 ? '0 ms' : `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)} s`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  return span(Math.round(ms / 1000))
}

/** Whole seconds in the two largest units that say something: `45 s`, `2 min 5 s`, `3 d 4 h`. */
export function span(seconds: number): string {
  const units: [number, string][] = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ]
  const first = units.findIndex(([size]) => seconds >= size)
  if (first === -1) return '0 s'
  let rest = Math.floor(seconds)
  const words: string[] = []
  for (const [size, unit] of units.slice(first, first + 2)) {
    const many = Math.floor(rest / size)
    rest -= many * size
    if (many > 0) words.push(`${many} ${unit}`)
  }
  return words.join(' ')
}

/** `512 B`, `1.5 KB`, `23 MB`, in steps of 1024 */
export function bytes(value: number): string {
  if (value < 1024) return `${value} B`
  const units = ['KB', 'MB', 'GB', 'TB']
  let scaled = value / 1024
  let unit = 0
  while (scaled >= 1023.5 && unit < units.length - 1) {
    scaled /= 1024
    unit += 1
  }
  return `${short(scaled)} ${units[unit]}`
}

/** `12%`, `0.4%`; null of nothing */
export function share(part: number, whole: number): string | null {
  if (whole === 0) return null
  const percent = (part / whole) * 100
  if (percent === 0 || percent >= 9.95) return `${Math.round(percent)}%`
  return percent < 0.1 ? '<0.1%' : `${percent.toFixed(1)}%`
}

/** `just now`, `12 s ago`, `in 5 s`, `3 min ago`, `2 h ago`, `4 d ago` */
export function relative(at: string, now: number): string {
  const away = (now - Date.parse(at)) / 1000
  if (Number.isNaN(away)) return at
  // Clocks of two machines differ a little; nobody wants to read that something began in one second.
  if (away > -2 && away < 5) return 'just now'
  const words = coarse(Math.abs(away))
  return away < 0 ? `in ${words}` : `${words} ago`
}

function coarse(seconds: number): string {
  if (seconds < 59.5) return `${Math.round(seconds)} s`
  if (seconds < 3570) return `${Math.round(seconds / 60)} min`
  if (seconds < 84_600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** `2026-11-21 08:17:40`, in the time zone of the person */
export function absolute(at: string): string {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return at
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** `time, everything and files` */
export function listed(words: string[]): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}

/** As a sentence of its own: reasons of the gateway begin small, because the log puts words before them. */
export function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?:]$/.test(begun) ? begun : `${begun}.`
}

function short(value: number): string {
  return value < 9.95 ? value.toFixed(1).replace(/\.0$/, '') : String(Math.round(value))
}
