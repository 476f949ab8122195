// Reads a dashboard with the types that Grafana publishes of its own schema. A field that they do not
// have, or a missing one that they need, is an error.
package main

import (
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	plugins.RegisterDefaultPlugins() // of the panels and of Prometheus's queries
	text, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = (&dashboard.Dashboard{}).UnmarshalJSONStrict(text)
	}
	// A right dashboard gives an empty list of errors, which is not nil.
	if err != nil && err.Error() != "" {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
