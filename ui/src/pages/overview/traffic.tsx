import type { ReactNode } from 'react'
import type { Traffic } from '../../api/types'
import { Bars } from '../../parts/bars'
import { Card } from '../../parts/card'
import { compact, counted, duration, share } from '../../parts/format'
import { Link } from '../../parts/link'
import { figuresOf } from './figures'
import './traffic.css'

/** The last hour at a glance. */
export function TrafficCard({ traffic }: { traffic: Traffic }) {
  const { calls, errors, peak, medianMs, minutes } = figuresOf(traffic)
  const hour = minutes === 60 ? 'last hour' : `last ${counted(minutes, 'minute')}`
  const failed = share(errors, calls)
  const slowest = Math.max(0, ...traffic.p50Ms.map((value) => value ?? 0))
  return (
    <Card
      title={
        <>
          Traffic <span className="traffic-hour">{hour}</span>
        </>
      }
      actions={<Link to="activity">Every call</Link>}
      className="traffic"
    >
      <div className="traffic-charts">
        <Chart
          name="Calls"
          figure={compact(calls)}
          aside={calls === 0 ? 'none yet' : `at most ${compact(peak)} a minute`}
          minutes={minutes}
        >
          <Bars values={traffic.calls} label={`${counted(calls, 'call')} in the ${hour}, at most ${peak} in a minute`} />
        </Chart>
        <Chart
          name="Errors"
          figure={compact(errors)}
          aside={failed === null ? 'no calls' : `${failed} of the calls`}
          minutes={minutes}
        >
          <Bars values={traffic.errors} errors={traffic.errors} label={`${counted(errors, 'error')} in the ${hour}`} />
        </Chart>
        <Chart
          name="Median duration"
          figure={medianMs === null ? '–' : duration(medianMs)}
          aside={slowest === 0 ? 'no calls' : `slowest minute ${duration(slowest)}`}
          minutes={minutes}
        >
          <Bars
            values={traffic.p50Ms}
            label={medianMs === null ? 'No calls to measure' : `Half of the calls took less than ${duration(medianMs)}`}
          />
        </Chart>
      </div>
    </Card>
  )
}

interface ChartProps {
  name: string
  figure: string
  aside: string
  minutes: number
  children: ReactNode
}

function Chart({ name, figure, aside, minutes, children }: ChartProps) {
  return (
    <div className="traffic-chart">
      <h3 className="traffic-name">{name}</h3>
      <p className="traffic-figure">{figure}</p>
      <p className="traffic-aside">{aside}</p>
      {children}
      <p className="traffic-axis" aria-hidden="true">
        <span>{minutes} min ago</span>
        <span>now</span>
      </p>
    </div>
  )
}
