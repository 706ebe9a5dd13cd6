import { useState } from 'react'
import { routeName, urlOf } from '../../api/names'
import type { Route } from '../../api/types'
import { Card } from '../../parts/card'
import { Code } from '../../parts/code'
import { CopyButton } from '../../parts/copy-button'
import { Empty } from '../../parts/empty'
import { Field } from '../../parts/field'
import { Select } from '../../parts/inputs'
import { Link } from '../../parts/link'
import { Tabs } from '../../parts/tabs'
import { guidesFor, nameFor } from './clients'
import './connect.css'

/** The URL for clients, and what to paste into each of them. */
export function Connect({ routes }: { routes: Route[] }) {
  const [chosen, setChosen] = useState<string | null>(null)
  const [client, setClient] = useState('claude-code')
  const route = routes.find(({ key }) => key === chosen) ?? routes[0]
  if (route === undefined) {
    return (
      <Card title="Connect a client">
        <Empty title="There is no route yet" action={<Link to="configuration">Open the configuration</Link>}>
          Clients connect to a route of a listener.
        </Empty>
      </Card>
    )
  }
  const url = urlOf(route.endpoint, location.hostname)
  const guides = guidesFor(url, nameFor(routeName(route, routes), routes.length > 1))
  const guide = guides.find(({ id }) => id === client)
  return (
    <Card title="Connect a client" className="connect">
      {routes.length > 1 && (
        <Field label="Route">
          {(props) => (
            <Select {...props} value={route.key} onChange={(event) => setChosen(event.target.value)}>
              {routes.map((each) => (
                <option key={each.key} value={each.key}>
                  {routeName(each, routes)}
                </option>
              ))}
            </Select>
          )}
        </Field>
      )}
      <div className="connect-url">
        <span className="mono breakable">{url}</span>
        <CopyButton text={url} label="Copy URL" />
      </div>
      <Tabs label="Client" tabs={guides} selected={client} onSelect={setClient}>
        {guide?.snippets.map(({ where, language, text }) => (
          <div key={where} className="connect-snippet">
            <p>{where}</p>
            <Code text={text} language={language} label={where} copy wrap />
          </div>
        ))}
      </Tabs>
    </Card>
  )
}
