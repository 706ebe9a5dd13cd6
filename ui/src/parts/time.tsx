import { useNow } from './clock'
import { absolute, relative } from './format'

/** How long ago, with the date and the time as its tooltip. */
export function Time({ at }: { at: string }) {
  const now = useNow()
  return (
    <time dateTime={at} title={absolute(at)}>
      {relative(at, now)}
    </time>
  )
}
