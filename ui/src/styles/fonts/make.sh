#!/bin/sh
# Makes the two fonts of this folder: what the UI shows of them and no more, which is less than half of what the packages hold. Latin-1
# and punctuation, weights 400 to 700, kerning and tabular figures, no ligatures. Run it in `ui` after `npm install`, with
# `pip install fonttools==4.68.0 brotli==1.2.1`, to renew them.
set -eu
export SOURCE_DATE_EPOCH=0
characters='U+0020-007E,U+00A0-00FF,U+0131,U+0152-0153,U+02C6,U+02DA,U+02DC,U+2002-200B,U+2010-2027,U+202F-203A,U+2044,U+20AC,U+2122,U+2190-2193,U+2212,U+2215,U+FEFF,U+FFFD'
here=src/styles/fonts

make() {
  fonttools varLib.instancer -q -o "$here/whole.woff2" "$2" wght=400:700
  pyftsubset "$here/whole.woff2" --unicodes="$characters" --layout-features="$3" --name-IDs='*' --no-hinting --flavor=woff2 --output-file="$here/$1.woff2"
  rm "$here/whole.woff2"
}

from=node_modules/@fontsource-variable
make inter $from/inter/files/inter-latin-wght-normal.woff2 kern,ccmp,locl,calt,case,tnum
make jetbrains-mono $from/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2 kern,ccmp,locl
