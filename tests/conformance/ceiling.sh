#!/bin/sh
# Shows what the suite can show at best: runs it against the test kit's fixture
# directly, and through the alias shim in front of a toy multiplexer. Whatever
# fails here is the fixture's or the shim's fault, and not the gateway's.
#
#   tests/conformance/ceiling.sh [OUT-DIR]
set -u

here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$(mktemp -d)}
fixture=$here/../../target/debug/mcp-fixture
children=
trap 'kill $children 2>/dev/null' EXIT
mkdir -p "$out"

# Starts `mcp-fixture ARGS…` and leaves its endpoint in $url.
start() {
    log=$out/$1.out
    "$fixture" "$@" >"$log" &
    children="$children $!"
    until grep -q listening "$log"; do sleep 0.1; done
    url=$(sed 's/listening on //' "$log")
}

failed=0
(cd "$here" && cargo build --quiet --package testkit) || exit 1
start http --always-sse
echo "# directly"
"$here/run.sh" "$url" "$out/direct" || failed=1
start multiplex --url "$url" --target one
start alias --url "$url" --target one
echo "# through the alias shim and a toy multiplexer"
"$here/run.sh" "$url" "$out/alias" || failed=1
exit $failed
