#!/usr/bin/env bash
# UnmarshalJSONStrict of Grafana's Go SDK returns an error that is not nil for a right dashboard
#
# Seen: 2026-11-30, github.com/grafana/grafana-foundation-sdk/go v0.0.22, Go 1.26.8.
#
# One would guess: func (*Dashboard) UnmarshalJSONStrict([]byte) error returns nil if every field is known and
# every needed one is there, as any function that returns an error does.
#
# In fact: it returns its list of errors, a cog.BuildErrors, also if the list is empty. As an error that is an
# interface with a type and no value, which is not nil: `if err != nil` is true for every dashboard, and the
# message of the "error" is empty. Only its text, or the length of the list, tells right from wrong.
#
# Needs go (PATH) and the Go module proxy. Prints what it sees; exit status 0: still so, 1: otherwise, 2: could not
# be tried.
set -eu
command -v go > /dev/null || { echo "no go in PATH" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > main.go <<'GO'
package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	for _, text := range []string{
		`{"schemaVersion": 39, "title": "A", "annotations": {"list": []}, "templating": {"list": []}}`,
		`{"schemaVersion": 39, "titel": "A", "annotations": {"list": []}, "templating": {"list": []}}`,
	} {
		err := (&dashboard.Dashboard{}).UnmarshalJSONStrict([]byte(text))
		fmt.Printf("nil: %t, text: %q, for %s\n", err == nil, fmt.Sprint(err), text)
	}
}
GO
go mod init finding > go.log 2>&1 &&
  go get github.com/grafana/grafana-foundation-sdk/go@v0.0.22 >> go.log 2>&1 || { cat go.log >&2; exit 2; }
go run . > out 2> go.log || { cat go.log >&2; exit 2; }
cat out
grep -q '^nil: false, text: "", for .*"title"' out && grep -q '^nil: false, text: ".*unexpected field.*titel' out
