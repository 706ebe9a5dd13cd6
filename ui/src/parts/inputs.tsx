import type { ComponentProps, ReactNode } from 'react'
import { Icon } from './icon'
import './inputs.css'

export function TextInput({ className, ...rest }: ComponentProps<'input'>) {
  return <input type="text" autoComplete="off" spellCheck={false} {...rest} className={`input ${className ?? ''}`} />
}

export function TextArea({ className, ...rest }: ComponentProps<'textarea'>) {
  return <textarea rows={4} autoComplete="off" spellCheck={false} {...rest} className={`input input-area ${className ?? ''}`} />
}

export function Select({ className, children, ...rest }: ComponentProps<'select'>) {
  return (
    <span className={`select ${className ?? ''}`}>
      <select {...rest} className="input">
        {children}
      </select>
      <Icon name="down" />
    </span>
  )
}

/** `label` makes the whole line clickable; without it, put `id` on a label of yours. */
export function Checkbox({ label, className, ...rest }: ComponentProps<'input'> & { label?: ReactNode }) {
  const box = <input {...rest} type="checkbox" className={`checkbox ${className ?? ''}`} />
  if (label === undefined) return box
  return (
    <label className="choice">
      {box}
      <span>{label}</span>
    </label>
  )
}

/** Something that is on or off at once, without a button to confirm it. */
export function Switch({ label, className, ...rest }: ComponentProps<'input'> & { label?: ReactNode }) {
  const box = <input {...rest} type="checkbox" role="switch" className={`switch ${className ?? ''}`} />
  if (label === undefined) return box
  return (
    <label className="choice">
      {box}
      <span>{label}</span>
    </label>
  )
}

export function SearchInput({ className, ...rest }: ComponentProps<'input'>) {
  return (
    <span className={`search ${className ?? ''}`}>
      <Icon name="search" />
      <input placeholder="Search" autoComplete="off" spellCheck={false} {...rest} type="search" className="input" />
    </span>
  )
}
