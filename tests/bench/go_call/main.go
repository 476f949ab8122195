// Command gocall measures what a recommend call costs in Go beyond the same call in C.
//
// Both answer the same request (K = 10) from the same small model on one thread. The rounds of C and
// Go take turns in one process, so that the machine's other work hits both; the figures are medians of
// the rounds, in nanoseconds a call.
package main

/*
#cgo pkg-config: recsys
#include <stdlib.h>
#include <time.h>
#include <recsys/recsys.h>

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// Nanoseconds a call; negative after a failure.
static double measure(recsys_recommender *recommender, recsys_model *model, uint64_t users, int n)
{
    recsys_request request = RECSYS_REQUEST_INIT;
    double start = seconds();
    for (int i = 0; i < n; i++) {
        recsys_reply reply = RECSYS_REPLY_INIT;
        request.user.number = (uint64_t)i % users;
        request.k = 10;
        if (recsys_recommend(recommender, model, &request, 1, &reply, NULL) != RECSYS_OK)
            return -1;
    }
    return 1e9 * (seconds() - start) / n;
}
*/
import "C"

import (
	"fmt"
	"log"
	"math/rand"
	"os"
	"path/filepath"
	"sort"
	"time"
	"unsafe"

	"recsys.example/recsys"
)

const (
	users, items, dimensions = 100, 40, 16
	rounds, calls            = 1001, 200
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// build writes a model of random vectors and returns its path.
func build(folder string) string {
	random := rand.New(rand.NewSource(1))
	vectors := func(n int) []float32 {
		out := make([]float32, n*dimensions)
		for i := range out {
			out[i] = float32(random.NormFloat64())
		}
		return out
	}
	b, err := recsys.NewBuilder()
	check(err)
	defer b.Close()
	check(recsys.SetArray(b, "user_factors", vectors(users), dimensions))
	check(recsys.SetArray(b, "item_factors", vectors(items), dimensions))
	path := filepath.Join(folder, "bundle")
	check(b.Write(path))
	return path
}

// measure returns nanoseconds a call of a function.
func measure(call func(user int64) error) float64 {
	start := time.Now()
	for i := 0; i < calls; i++ {
		check(call(int64(i % users)))
	}
	return float64(time.Since(start).Nanoseconds()) / calls
}

func median(values []float64) float64 {
	sort.Float64s(values)
	return values[len(values)/2]
}

func main() {
	folder, err := os.MkdirTemp("", "recsys-bench")
	check(err)
	defer os.RemoveAll(folder)
	path := build(folder)
	check(recsys.SetBLASThreads(1))
	model, err := recsys.LoadModel(path, nil)
	check(err)
	recommender, err := recsys.NewRecommender(nil)
	check(err)

	text := C.CString(path)
	defer C.free(unsafe.Pointer(text))
	var inC *C.recsys_model
	var one *C.recsys_recommender
	if C.recsys_model_load(text, nil, &inC, nil) != C.RECSYS_OK || C.recsys_recommender_create(nil, &one, nil) != C.RECSYS_OK {
		log.Fatal("the model does not load in C")
	}
	answers := recsys.NewAnswers(1, 10)
	requests := make([]recsys.Request, 1)
	var c, reply, reused, into []float64
	var again recsys.Reply
	for round := 0; round < rounds; round++ {
		c = append(c, float64(C.measure(one, inC, users, calls)))
		reply = append(reply, measure(func(user int64) error {
			_, err := recommender.Recommend(model, recsys.Request{User: recsys.IntID(user), K: 10})
			return err
		}))
		reused = append(reused, measure(func(user int64) error {
			return recommender.RecommendTo(model, recsys.Request{User: recsys.IntID(user), K: 10}, &again)
		}))
		into = append(into, measure(func(user int64) error {
			requests[0] = recsys.Request{User: recsys.IntID(user), K: 10}
			return recommender.RecommendInto(model, requests, answers)
		}))
	}
	base := median(c)
	fmt.Printf("{\"bench\": \"go_call\", \"c_ns\": %.0f, \"recommend_over_c_ns\": %.0f, "+
		"\"recommend_to_over_c_ns\": %.0f, \"recommend_into_over_c_ns\": %.0f}\n",
		base, median(reply)-base, median(reused)-base, median(into)-base)
}
