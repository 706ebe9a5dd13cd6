import type { CallSummary } from '../../api/types'
import { Button } from '../../parts/button'
import { SearchInput, Select } from '../../parts/inputs'
import { choices, isEmpty, optionsOf, type Choice, type Filter } from './filter'
import { isOutcome, outcomes } from './outcome'

interface FiltersProps {
  calls: CallSummary[]
  filter: Filter
  onChange: (changes: Partial<Filter>) => void
  onClear: () => void
}

const labels: Record<Choice, { one: string; any: string }> = {
  target: { one: 'Target', any: 'Every target' },
  client: { one: 'Client', any: 'Every client' },
  method: { one: 'Method', any: 'Every method' },
  outcome: { one: 'Outcome', any: 'Every outcome' },
}

export function Filters({ calls, filter, onChange, onClear }: FiltersProps) {
  return (
    <div className="filters" role="search" aria-label="Filter calls">
      <SearchInput
        className="filters-text"
        aria-label="Search calls"
        placeholder="Search items, clients, errors"
        value={filter.text}
        onChange={(event) => onChange({ text: event.target.value })}
      />
      {choices.map((choice) => (
        <Select
          key={choice}
          className={filter[choice] ? 'filters-choice filters-chosen' : 'filters-choice'}
          aria-label={labels[choice].one}
          value={filter[choice]}
          onChange={(event) => onChange({ [choice]: event.target.value })}
        >
          <option value="">{labels[choice].any}</option>
          {optionsOf(calls, choice, filter[choice]).map((option) => (
            <option key={option} value={option}>
              {choice === 'outcome' && isOutcome(option) ? outcomes[option].word : option}
            </option>
          ))}
        </Select>
      ))}
      {!isEmpty(filter) && (
        <Button variant="quiet" onClick={onClear}>
          Clear
        </Button>
      )}
    </div>
  )
}
