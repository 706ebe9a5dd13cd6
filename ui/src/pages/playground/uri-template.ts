/** URI templates (RFC 6570), as far as a form can fill them: every operator, with texts for values. */

interface Operator {
  first: string
  separator: string
  /** Whether names stand before values. */
  named: boolean
  /** What stands after the name of an empty value. */
  empty: string
  /** Whether reserved characters pass as they are. */
  reserved: boolean
}

const PLAIN: Operator = { first: '', separator: ',', named: false, empty: '', reserved: false }
const OPERATORS: Record<string, Operator> = {
  '+': { ...PLAIN, reserved: true },
  '#': { ...PLAIN, first: '#', reserved: true },
  '.': { ...PLAIN, first: '.', separator: '.' },
  '/': { ...PLAIN, first: '/', separator: '/' },
  ';': { ...PLAIN, first: ';', separator: ';', named: true },
  '?': { ...PLAIN, first: '?', separator: '&', named: true, empty: '=' },
  '&': { ...PLAIN, first: '&', separator: '&', named: true, empty: '=' },
}

const EXPRESSION = /\{([+#./;?&]?)([^{}]*)\}/g

interface Variable {
  name: string
  /** How many characters count, if not all. */
  prefix: number | null
}

function variablesIn(list: string): Variable[] {
  return list.split(',').flatMap((spec) => {
    const [, name = '', prefix] = /^([^:*]+)(?::(\d+)|\*)?$/.exec(spec.trim()) ?? []
    return name === '' ? [] : [{ name, prefix: prefix === undefined ? null : Number(prefix) }]
  })
}

/** The names of the variables, each once, in order. */
export function variablesOf(template: string): string[] {
  const names = [...template.matchAll(EXPRESSION)].flatMap(([, , list = '']) => variablesIn(list).map(({ name }) => name))
  return [...new Set(names)]
}

/** Puts values in. What has none is left out, as the standard says of undefined variables. */
export function expand(template: string, values: Record<string, string | undefined>): string {
  return template.replace(EXPRESSION, (_, sign: string, list: string) => {
    const operator = OPERATORS[sign] ?? PLAIN
    const parts = variablesIn(list).flatMap(({ name, prefix }) => {
      const value = values[name]
      if (value === undefined) return []
      const cut = prefix === null ? value : [...value].slice(0, prefix).join('')
      const encoded = encode(cut, operator.reserved)
      if (!operator.named) return [encoded]
      return [encoded === '' ? name + operator.empty : `${name}=${encoded}`]
    })
    return parts.length === 0 ? '' : operator.first + parts.join(operator.separator)
  })
}

function encode(value: string, reserved: boolean): string {
  const encoded = encodeURIComponent(value).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
  if (!reserved) return encoded
  // What is escaped already stays as it is, and reserved characters come back.
  return encoded
    .replace(/%25([0-9A-F]{2})/gi, '%$1')
    .replace(/%(3A|2F|3F|23|5B|5D|40|21|24|26|27|28|29|2A|2B|2C|3B|3D)/g, (code) => decodeURIComponent(code))
}
