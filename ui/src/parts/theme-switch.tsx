import { IconButton } from './button'
import type { IconName } from './icon'
import { setTheme, useTheme, type Theme } from './theme'

const next: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' }
const icons: Record<Theme, IconName> = { system: 'auto', light: 'sun', dark: 'moon' }
const words: Record<Theme, string> = { system: 'as the system', light: 'light', dark: 'dark' }

/** One button that goes round: as the system, light, dark. */
export function ThemeSwitch() {
  const theme = useTheme()
  return (
    <IconButton
      size="small"
      icon={icons[theme]}
      label={`Theme: ${words[theme]}. Change to ${words[next[theme]]}`}
      onClick={() => setTheme(next[theme])}
    />
  )
}
