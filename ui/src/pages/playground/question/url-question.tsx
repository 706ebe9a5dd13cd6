import { useEffect, useState } from 'react'
import { textOf } from '../../../mcp/json'
import { Banner } from '../../../parts/banner'
import { Button } from '../../../parts/button'
import { Code } from '../../../parts/code'
import { Dialog } from '../../../parts/dialog'
import type { Asked } from '../asked'
import { Asker } from './asker'
import { hostOf } from './host'

/** Elicitation by a page elsewhere. Nothing is opened, and not even looked up, before the person says so. */
export function UrlQuestion({ asked }: { asked: Asked }) {
  const { params } = asked.question
  const url = textOf(params.url) ?? ''
  const host = hostOf(url)
  const [opened, setOpened] = useState(false)
  const { done, resolve } = asked
  useEffect(() => {
    // Not before the person has agreed to go there: to accept is to agree.
    if (done && opened) resolve({ action: 'accept' })
  }, [done, opened, resolve])
  const open = () => {
    window.open(url, '_blank', 'noopener,noreferrer')
    setOpened(true)
  }
  const actions = (
    <>
      <Button variant="quiet" onClick={() => resolve({ action: 'cancel' })}>
        Cancel
      </Button>
      <Button onClick={() => resolve({ action: 'decline' })}>Decline</Button>
      {!opened && (
        <Button variant={done ? 'default' : 'primary'} icon="external" disabled={host === null} onClick={open}>
          Open {host?.name ?? 'the page'}
        </Button>
      )}
      {(opened || done) && (
        <Button variant="primary" onClick={() => resolve({ action: 'accept' })}>
          {opened ? 'Done there, go on' : 'Go on'}
        </Button>
      )}
    </>
  )
  return (
    <Dialog title="A server asks you to visit a page" open onClose={() => resolve({ action: 'cancel' })} actions={actions}>
      <div className="question">
        <Asker asked={asked} wants="asks you to do something at a page of its own choice:" />
        <p className="question-message">{textOf(params.message)}</p>
        {host !== null && (
          <p>
            The page is at <strong className="mono breakable">{host.name}</strong>
          </p>
        )}
        <Code text={url} wrap copy label="The whole address" />
        {host === null && <Banner tone="bad" title="This is no address that can be opened here" />}
        {host?.warning && <Banner tone="warn" title={host.warning} />}
        {done && !opened && <p className="question-note">The server says that this is done already.</p>}
        {opened && <p className="question-note">It is open in another tab. Go on when you are done there.</p>}
      </div>
    </Dialog>
  )
}
