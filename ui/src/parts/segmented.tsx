import { useId } from 'react'
import './segmented.css'

interface SegmentedProps<V extends string> {
  label: string
  options: { value: V; label: string }[]
  value: V
  onChange: (value: V) => void
}

/** One of a few: radio buttons that lie side by side. */
export function Segmented<V extends string>({ label, options, value, onChange }: SegmentedProps<V>) {
  const name = useId()
  return (
    <fieldset className="segmented">
      <legend className="visually-hidden">{label}</legend>
      {options.map((option) => (
        <label key={option.value} className="segmented-option">
          <input
            type="radio"
            className="visually-hidden"
            name={name}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </fieldset>
  )
}
