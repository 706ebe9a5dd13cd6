import type { Target } from '../../api/types'
import { useNow } from '../../parts/clock'
import { counted, sentence } from '../../parts/format'
import { Prose } from '../../parts/prose'
import { Time } from '../../parts/time'

/** Why calls to a target are refused, and until when. */
export function BreakerWords({ breaker }: { breaker: Target['breaker'] }) {
  const now = useNow()
  const { nextTrialAt: next } = breaker
  return (
    <>
      {counted(breaker.failures, 'failure')} in a row opened its breaker.{' '}
      {breaker.reason !== null && <Prose text={`The last: ${sentence(breaker.reason)} `} />}
      {next === null ? (
        'One call is being tried now; the others are refused until it has an answer.'
      ) : Date.parse(next) <= now ? (
        'The next call is let through, and an answer closes it.'
      ) : (
        <>
          A call is let through <Time at={next} />, and an answer closes it.
        </>
      )}
    </>
  )
}
