import { useState } from 'react'

/** On a ground that shows where it is transparent. Small ones are enlarged without being smoothed. */
export function Picture({ url, label }: { url: string; label: string }) {
  const [size, setSize] = useState<{ width: number; height: number } | null>(null)
  const tiny = size !== null && size.width <= 32 && size.height <= 32
  return (
    <>
      <img
        className={`picture ${tiny ? 'picture-tiny' : ''}`}
        src={url}
        alt={label}
        onLoad={({ currentTarget }) => setSize({ width: currentTarget.naturalWidth, height: currentTarget.naturalHeight })}
      />
      {size !== null && (
        <p className="quiet mono">
          {size.width} × {size.height}
        </p>
      )}
    </>
  )
}

export function Sound({ url, label }: { url: string; label: string }) {
  return <audio className="sound" controls src={url} aria-label={label} />
}
