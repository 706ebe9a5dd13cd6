import { objectOf, textOf } from '../../../mcp/json'
import type { Asked } from '../asked'

/** The gateway says which target asks. */
const TARGET = 'agentgateway.dev/target'

export function askerOf({ question }: Asked): string | null {
  return textOf(objectOf(question.params._meta)[TARGET])
}

/** Who asks, before what is asked: a person should know whom they tell something. */
export function Asker({ asked, wants }: { asked: Asked; wants: string }) {
  const target = askerOf(asked)
  return (
    <p className="question-asker">
      {target === null ? (
        'The server'
      ) : (
        <>
          The target <strong className="mono">{target}</strong>
        </>
      )}{' '}
      {wants}
    </p>
  )
}
