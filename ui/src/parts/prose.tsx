/** Words of the gateway, in which names stand between backticks. */
export function Prose({ text }: { text: string }) {
  const parts = text.split(/`([^`\n]+)`/)
  return (
    <span className="breakable">{parts.map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))}</span>
  )
}
