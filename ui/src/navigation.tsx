import { useEffect, useId, useState } from 'react'
import { useStatus } from './api/live'
import type { Status } from './api/types'
import { ConnectionMark } from './connection'
import './navigation.css'
import { IconButton } from './parts/button'
import { counted } from './parts/format'
import { Icon, type IconName } from './parts/icon'
import { Link } from './parts/link'
import { conditionOf } from './parts/tone'
import { ThemeSwitch } from './parts/theme-switch'
import { usePlace, type PageId } from './router'

interface Entry {
  page: PageId
  label: string
  icon: IconName
  /** What is wrong there, in few words; null if nothing is. */
  trouble?: (status: Status) => string | null
}

const groups: { title: string | null; entries: Entry[] }[] = [
  {
    title: null,
    entries: [
      { page: '', label: 'Overview', icon: 'overview' },
      { page: 'listeners', label: 'Listeners', icon: 'listeners' },
    ],
  },
  {
    title: 'MCP',
    entries: [
      { page: 'backends', label: 'Backends', icon: 'backends', trouble: failing },
      { page: 'playground', label: 'Tool Playground', icon: 'playground' },
      { page: 'sessions', label: 'Sessions', icon: 'sessions' },
      { page: 'activity', label: 'Activity', icon: 'activity' },
    ],
  },
  {
    title: 'Gateway',
    entries: [
      {
        page: 'configuration',
        label: 'Configuration',
        icon: 'configuration',
        trouble: ({ config }) => (config.problem === null ? null : 'not in force'),
      },
    ],
  },
]

function failing({ backends }: Status): string | null {
  const many = backends.flatMap(({ targets }) => targets).filter((target) => conditionOf(target).tone === 'bad').length
  return many === 0 ? null : `${counted(many, 'target')} failing`
}

/** Beside the page; on a phone a bar above it, with a menu. */
export function Navigation() {
  const { page } = usePlace()
  const status = useStatus()
  const [open, setOpen] = useState(false)
  useEffect(() => setOpen(false), [page])
  return (
    <header className="navigation" data-open={open} onKeyDown={(event) => event.key === 'Escape' && setOpen(false)}>
      <div className="navigation-bar">
        <Link to="" className="navigation-brand">
          <Mark />
          <span>agentgateway</span>
        </Link>
        <span className="navigation-bar-end">
          <ConnectionMark />
          <IconButton
            className="navigation-toggle"
            label="Menu"
            icon={open ? 'close' : 'menu'}
            aria-expanded={open}
            aria-controls="navigation-menu"
            onClick={() => setOpen(!open)}
          />
        </span>
      </div>
      <div className="navigation-menu" id="navigation-menu">
        <nav aria-label="Pages">
          {groups.map(({ title, entries }) => (
            <Group key={title} title={title} entries={entries} page={page} status={status} />
          ))}
        </nav>
        <div className="navigation-foot">
          <span className="navigation-connection">
            <ConnectionMark />
          </span>
          <div className="navigation-foot-line">
            <span className="quiet mono">{status === null ? '' : `v${status.version}`}</span>
            <ThemeSwitch />
          </div>
        </div>
      </div>
    </header>
  )
}

interface GroupProps {
  title: string | null
  entries: Entry[]
  page: PageId | null
  status: Status | null
}

function Group({ title, entries, page, status }: GroupProps) {
  const id = useId()
  return (
    <div className="navigation-group">
      {title !== null && (
        <p className="navigation-title" id={id}>
          {title}
        </p>
      )}
      <ul aria-labelledby={title === null ? undefined : id}>
        {entries.map((entry) => {
          const trouble = status === null ? null : (entry.trouble?.(status) ?? null)
          return (
            <li key={entry.page}>
              <Link
                to={entry.page}
                className="navigation-link"
                aria-current={entry.page === page ? 'page' : undefined}
                aria-describedby={trouble === null ? undefined : `${id}-${entry.page}`}
              >
                <Icon name={entry.icon} />
                {entry.label}
              </Link>
              {trouble !== null && (
                <span className="navigation-trouble" id={`${id}-${entry.page}`} title={trouble}>
                  <Icon name="error" />
                  <span className="visually-hidden">{trouble}</span>
                </span>
              )}
            </li>
          )
        })}
      </ul>
    </div>
  )
}

/** Many lines that become one. */
function Mark() {
  return (
    <svg className="navigation-mark" viewBox="0 0 20 20" aria-hidden="true">
      <path d="M1 10h7M8 10c4 0 3-6.5 7-6.5h4M8 10h11M8 10c4 0 3 6.5 7 6.5h4" />
      <circle cx="8" cy="10" r="2.5" />
    </svg>
  )
}
