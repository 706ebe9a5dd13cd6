import { getEffectiveConfig, textOf } from '../../api/client'
import { useStatus } from '../../api/live'
import { Banner } from '../../parts/banner'
import { Button } from '../../parts/button'
import { Code } from '../../parts/code'
import { Loading } from '../../parts/loading'
import { useLoaded } from '../../parts/use-loaded'

/** What the gateway made of the file when it last took it over. */
export function Effective() {
  const loadedAt = useStatus()?.config.loadedAt
  const { value, error, reload } = useLoaded(`in force since ${loadedAt}`, getEffectiveConfig)
  return (
    <div className="effective">
      <p className="quiet">
        The configuration that the gateway works with now, as JSON: every key, with the defaults of those that the file does not have.
        Values that come from variables are shown as the file spells them.
      </p>
      {error !== null && (
        <Banner tone="bad" title="It could not be loaded" actions={<Button onClick={reload}>Try again</Button>}>
          {textOf(error)}
        </Banner>
      )}
      {value !== null && <Code text={JSON.stringify(value, null, 2)} language="json" copy label="Configuration in force" />}
      {value === null && error === null && <Loading />}
    </div>
  )
}
