import { useEffect, useRef, useState } from 'react'
import { ApiFailure, editConfig, saveConfig, textOf } from '../../api/client'
import { useStatus } from '../../api/live'
import type { EditReport, Route } from '../../api/types'
import { Banner } from '../../parts/banner'
import { Button } from '../../parts/button'
import { Code } from '../../parts/code'
import { Diff } from '../../parts/diff'
import { Link } from '../../parts/link'

type Step =
  | { at: 'offered' }
  | { at: 'saving' }
  /** Saved; the gateway has yet to say that it is in force. */
  | { at: 'waiting' }
  | { at: 'failed'; text: string }

/** A reload takes well under a second; this long means that something else is wrong. */
const PATIENCE_MS = 15_000

/** The route does not let this page in. That is the default, and mended with one entry in the configuration. */
export function BrowserAccess({ route, onSaved }: { route: Route; onSaved: () => void }) {
  const config = useStatus()?.config
  const [step, setStep] = useState<Step>({ at: 'offered' })
  const [preview, setPreview] = useState<EditReport | null>(null)
  const writable = config?.writable === true
  useEffect(() => {
    if (!writable) return
    // Without a preview the button still works, and says what is in its way.
    edited(route).then(setPreview, () => setPreview(null))
  }, [route.key, writable])
  useLate(step.at === 'waiting', () =>
    setStep({ at: 'failed', text: 'The file is saved, but this page is still not allowed. Does another rule of the route keep it out?' }),
  )
  const apply = async () => {
    setStep({ at: 'saving' })
    try {
      const { applied, problem } = await save(route)
      if (applied) onSaved()
      setStep(
        applied ? { at: 'waiting' } : { at: 'failed', text: problem?.text ?? 'The file is saved, but the gateway has not taken it over.' },
      )
    } catch (thrown) {
      setStep({ at: 'failed', text: textOf(thrown) })
    }
  }
  return (
    <Banner
      tone="warn"
      title="Browser access is not allowed"
      actions={
        writable && (
          <Button variant="primary" busy={step.at === 'saving' || step.at === 'waiting'} onClick={apply}>
            Apply CORS
          </Button>
        )
      }
    >
      <p>
        This page comes from <span className="mono">{location.origin}</span>, and the route lets no page from there call it.
        {writable
          ? ' One entry in its CORS policy changes that.'
          : ' The configuration cannot be written from here, so add this to the route by hand:'}
      </p>
      {!writable && <ByHand source={config?.source ?? 'default'} />}
      {preview !== null && step.at !== 'waiting' && (
        <details className="browser-access-diff">
          <summary>What is changed in {config?.path ?? 'the file'}</summary>
          <Diff diff={preview.diff} />
        </details>
      )}
      <p role="status">{step.at === 'waiting' && 'Saved. Waiting until it is in force …'}</p>
      {step.at === 'failed' && (
        <p className="browser-access-failure" role="alert">
          {step.text} <Link to="configuration">See the configuration</Link>
        </p>
      )}
    </Banner>
  )
}

function ByHand({ source }: { source: string }) {
  const text = `policies:\n  cors:\n    allowOrigins: ["${location.origin}"]`
  return (
    <>
      <Code text={text} language="yaml" copy label="What to add" />
      {source === 'default' && (
        <p>
          The gateway runs without a file. Start it with one: <span className="mono">agentgateway -f config.yaml</span>
        </p>
      )}
    </>
  )
}

/** This is gone as soon as the page is let in. If it stays, that should be said. */
function useLate(waiting: boolean, onLate: () => void) {
  const late = useRef(onLate)
  late.current = onLate
  useEffect(() => {
    if (!waiting) return undefined
    const timer = setTimeout(() => late.current(), PATIENCE_MS)
    return () => clearTimeout(timer)
  }, [waiting])
}

function edited(route: Route): Promise<EditReport> {
  return editConfig({ kind: 'allowOrigin', route: route.key, origin: location.origin })
}

/** Someone may save the file in between; the edit is then made to what they saved. */
async function save(route: Route, attempts = 3) {
  const { revision, text } = await edited(route)
  try {
    return await saveConfig(revision, text)
  } catch (failure) {
    if (attempts > 1 && failure instanceof ApiFailure && failure.code === 'changed') return save(route, attempts - 1)
    throw failure
  }
}
