import type { ReactNode } from 'react'
import { Bench } from './bench'
import { ItemList } from './item-list'

/** The tools' place before there is a connection. */
export function NoTools({ children }: { children: ReactNode }) {
  return (
    <Bench
      list={
        <ItemList
          title="Available Tools"
          sections={[]}
          selected={null}
          onSelect={() => undefined}
          empty="They are listed here once there is a connection."
        />
      }
    >
      {children}
    </Bench>
  )
}
