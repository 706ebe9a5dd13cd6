import { textOf } from '../../../mcp/json'
import type { Asked } from '../asked'
import { FormQuestion } from './form-question'
import './question.css'
import { SamplingQuestion } from './sampling-question'
import { UrlQuestion } from './url-question'

/** What a server asks, put to the person: in both eras the same, one question after the other. */
export function QuestionDialog({ asked }: { asked: Asked | null }) {
  if (asked === null) return null
  const { method, params } = asked.question
  if (method === 'sampling/createMessage') return <SamplingQuestion key={asked.id} asked={asked} />
  return textOf(params.mode) === 'url' ? <UrlQuestion key={asked.id} asked={asked} /> : <FormQuestion key={asked.id} asked={asked} />
}
