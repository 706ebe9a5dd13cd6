import type { ReactNode } from 'react'
import type { Tone } from './badge'
import './banner.css'
import { Icon, type IconName } from './icon'

const icons: Record<Tone, IconName> = { ok: 'check', warn: 'warning', bad: 'error', info: 'info', quiet: 'info' }

interface BannerProps {
  tone: Tone
  title: ReactNode
  children?: ReactNode
  actions?: ReactNode
}

/** Something that the person should know before all else on the page. */
export function Banner({ tone, title, children, actions }: BannerProps) {
  return (
    <div className={`banner banner-${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      <Icon name={icons[tone]} />
      <div className="banner-words">
        <p className="banner-title">{title}</p>
        {children !== undefined && <div className="banner-text">{children}</div>}
      </div>
      {actions !== undefined && <div className="banner-actions">{actions}</div>}
    </div>
  )
}
