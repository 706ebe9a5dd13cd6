import type { Fault } from '../../api/types'
import { Badge } from '../../parts/badge'
import { counted } from '../../parts/format'
import type { Check } from './use-check'

/** Whether the text as it stands would be accepted. */
export function CheckState({ check, faults }: { check: Check; faults: Fault[] }) {
  if (check.failure !== null) return <Badge tone="warn">Not checked: {check.failure}</Badge>
  if (faults.length > 0) return <Badge tone="bad">{counted(faults.length, 'fault')}</Badge>
  if (check.report === null) return <Badge tone="quiet">Checking …</Badge>
  return <Badge tone="ok">No faults</Badge>
}
