import { useState } from 'react'
import { sameJson } from '../../mcp/json'
import type { Root } from '../../mcp/types'
import { Button, IconButton } from '../../parts/button'
import { TextInput } from '../../parts/inputs'

/** The folders that a server is told when it asks where it may work. They are only names: nothing is read. */
export function RootsEditor({ roots, onChange }: { roots: Root[]; onChange: (roots: Root[]) => void }) {
  // Servers hear of a change when a field is left, and not of every letter.
  const [edited, setEdited] = useState(roots)
  const done = () => !sameJson(edited, roots) && onChange(edited)
  const change = (at: number, changes: Partial<Root>) =>
    setEdited(edited.map((root, index) => (index === at ? { ...root, ...changes } : root)))
  return (
    <fieldset className="roots">
      <legend>Roots</legend>
      <p className="field-hint">What servers are told when they ask for the folders to work in. Nothing is read from there.</p>
      <ul onBlur={done}>
        {edited.map((root, index) => (
          <li key={index}>
            <TextInput
              aria-label={`URI of root ${index + 1}`}
              className="mono"
              placeholder="file:///home/me/project"
              value={root.uri}
              onChange={(event) => change(index, { uri: event.target.value })}
            />
            <TextInput
              aria-label={`Name of root ${index + 1}`}
              placeholder="Name"
              value={root.name ?? ''}
              onChange={(event) => change(index, { name: event.target.value })}
            />
            <IconButton
              label={`Remove root ${index + 1}`}
              icon="trash"
              size="small"
              onClick={() => {
                const left = edited.toSpliced(index, 1)
                setEdited(left)
                onChange(left)
              }}
            />
          </li>
        ))}
      </ul>
      <Button size="small" icon="plus" onClick={() => setEdited([...edited, { uri: '', name: '' }])}>
        Add a root
      </Button>
    </fieldset>
  )
}
