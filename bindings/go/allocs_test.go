//go:build go1.23 && !race && !asan

package recsys_test

import (
	"testing"

	"recsys.example/recsys"
)

// Sanitizers allocate themselves, and so do the checks of older cgo.
func TestACallIntoMemoryOfOursAllocatesNothing(t *testing.T) {
	model := fixture(t, "films")
	r, err := recsys.NewRecommender(nil)
	must(t, err)
	defer r.Close()
	var reply recsys.Reply
	answers, requests := recsys.NewAnswers(1, 5), []recsys.Request{{User: recsys.IntID(1), K: 5}}
	if n := testing.AllocsPerRun(100, func() { _ = r.RecommendTo(model, requests[0], &reply) }); n > 0 {
		t.Errorf("RecommendTo: %v allocations a call", n)
	}
	if n := testing.AllocsPerRun(100, func() { _ = r.RecommendInto(model, requests, answers) }); n > 0 {
		t.Errorf("RecommendInto: %v allocations a call", n)
	}
}
