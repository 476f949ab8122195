package recsys_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// squeezed is a text without its spaces at the beginnings of lines.
func squeezed(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}

func TestTheReadmeShowsWhatRuns(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	must(t, err)
	examples := ""
	files, _ := filepath.Glob("example*_test.go")
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		examples += squeezed(string(text))
	}
	blocks := strings.Split(string(readme), "```go\n")[1:]
	if len(blocks) < 3 {
		t.Fatalf("%d blocks of Go", len(blocks))
	}
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		if !strings.Contains(examples, squeezed(code)) {
			t.Errorf("no example has these lines:\n%s", code)
		}
	}
}
