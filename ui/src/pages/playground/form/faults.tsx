import { createContext, useContext } from 'react'
import type { FieldFault } from './check'

const Faults = createContext<FieldFault[]>([])

export const FaultsProvider = Faults.Provider

/** What is wrong with the value at a path, as a sentence about it; null if nothing is. */
export function useFault(path: string | null, name: string): string | null {
  const fault = useContext(Faults).find((each) => each.path === path)
  return fault === undefined ? null : `${name} ${fault.text}`
}
