import type { Failure } from '../../../mcp/failure'
import { Banner } from '../../../parts/banner'
import { Code } from '../../../parts/code'

const TITLES: Record<Failure['kind'], string> = {
  unreachable: 'No answer came',
  http: 'HTTP refused the request',
  rpc: 'The server answered with an error',
  answer: 'The answer makes no sense',
  session: 'The session is over',
  refused: 'What the server asked for was refused here',
  cancelled: 'Cancelled',
}

/** Why there is no result. */
export function FailureNote({ failure }: { failure: Failure }) {
  if (failure.kind === 'cancelled')
    return (
      <Banner tone="warn" title="Cancelled">
        What the server did until then, it did.
      </Banner>
    )
  return (
    <Banner tone="bad" title={TITLES[failure.kind]}>
      {failure.kind !== 'refused' && <p>{failure.message}</p>}
      {failure.kind === 'rpc' && failure.data !== undefined && (
        <Code text={JSON.stringify(failure.data, null, 2)} language="json" wrap label="Data of the error" />
      )}
      {failure.kind === 'answer' && failure.body !== '' && <Code text={failure.body.slice(0, 4000)} wrap label="What came back" />}
      {failure.kind === 'refused' && <p>This era has no way to tell the server, so the call was not made again.</p>}
    </Banner>
  )
}
