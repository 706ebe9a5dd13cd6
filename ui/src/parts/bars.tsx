import './bars.css'

interface BarsProps {
  /** Null where there is nothing to measure. */
  values: (number | null)[]
  /** How much of each value went wrong. */
  errors?: number[]
  /** What it shows, in words: it takes the place of the picture for those who do not see it. */
  label: string
}

/** A small chart, oldest first. The tallest bar fills the height. */
export function Bars({ values, errors, label }: BarsProps) {
  const most = Math.max(1e-9, ...values.map((value) => value ?? 0))
  return (
    <svg className="bars" viewBox={`0 0 ${values.length} 100`} preserveAspectRatio="none" role="img" aria-label={label}>
      {values.map((value, index) => {
        const height = heightOf(value ?? 0, most)
        const bad = Math.min(height, heightOf(errors?.[index] ?? 0, most))
        return (
          <g key={index}>
            <rect className="bars-ground" x={index + 0.1} y={98} width={0.8} height={2} />
            {height > 0 && <rect className="bars-value" x={index + 0.1} y={100 - height} width={0.8} height={height - bad} />}
            {bad > 0 && <rect className="bars-error" x={index + 0.1} y={100 - bad} width={0.8} height={bad} />}
          </g>
        )
      })}
    </svg>
  )
}

/** One call beside a thousand is still to be seen. */
function heightOf(value: number, most: number): number {
  return value === 0 ? 0 : Math.max(4, (value / most) * 100)
}
