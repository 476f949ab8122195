//go:build go1.23

package recsys_test

import (
	"fmt"
	"slices"
	"testing"

	"recsys.example/recsys"
)

func TestSequencesWalkOverEverything(t *testing.T) {
	b, err := recsys.NewBuilder()
	must(t, err)
	defer b.Close()
	const n = 2500 // several pages
	must(t, recsys.SetArray(b, "item_factors", make([]float32, n), 1))
	must(t, recsys.SetArray(b, "user_factors", make([]float32, 3), 1))
	path := t.TempDir() + "/bundle"
	must(t, b.Write(path))
	model, err := recsys.LoadModel(path, nil)
	must(t, err)
	defer model.Close()
	next := int64(0)
	for id, err := range model.AllItems() {
		must(t, err)
		if number, _ := id.Int(); number != next {
			t.Fatalf("%v instead of %d", id, next)
		}
		next++
	}
	if next != n {
		t.Errorf("%d items", next)
	}
	for range model.AllUsers() {
		break // leaving early is allowed
	}
	model.Close()
	for _, err := range model.AllItems() {
		if err != recsys.ErrClosed {
			t.Errorf("after Close: %v", err)
		}
	}
	store, err := recsys.NewMemoryStore("test", nil)
	must(t, err)
	defer store.Close()
	var want, got []string
	for i := 0; i < 500; i++ {
		want = append(want, fmt.Sprintf("user:%03d", i))
		must(t, store.Set(want[i], nil, 0))
	}
	must(t, store.Set("item:1", nil, 0))
	for key, err := range store.Keys("user:", "") {
		must(t, err)
		got = append(got, key)
	}
	slices.Sort(got)
	if !slices.Equal(slices.Compact(got), want) {
		t.Errorf("%d keys", len(got))
	}
}
