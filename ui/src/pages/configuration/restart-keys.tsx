import { Fragment } from 'react'

/** Keys that a running gateway does not take over. */
export function RestartKeys({ keys }: { keys: string[] }) {
  return (
    <>
      Restart the gateway for{' '}
      {keys.map((key, index) => (
        <Fragment key={key}>
          {index > 0 && (index === keys.length - 1 ? ' and ' : ', ')}
          <code>{key}</code>
        </Fragment>
      ))}
      .
    </>
  )
}
