// Naive cache-aside with go-redis/cache: get; on a miss load and set. See ../README.md.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"sort"
	"sync"
	"syscall"
	"time"

	"github.com/go-redis/cache/v9"
	"github.com/redis/go-redis/v9"
)

func cpuSeconds() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return float64(used.Utime.Sec+used.Stime.Sec) + float64(used.Utime.Usec+used.Stime.Usec)*1e-6
}

func get(ctx context.Context, c *cache.Cache, key string, value []byte) (hit bool) {
	var found []byte
	err := c.Get(ctx, key, &found)
	if err == nil {
		if len(found) != len(value) {
			panic("a value of another size")
		}
		return true
	}
	if err != cache.ErrCacheMiss {
		panic(err)
	}
	if err := c.Set(&cache.Item{Ctx: ctx, Key: key, Value: value, TTL: time.Hour}); err != nil {
		panic(err)
	}
	return false
}

func main() {
	port := flag.Int("port", 0, "of the Redis server")
	keys := flag.Int("keys", 10000, "how many keys are read")
	bytes := flag.Int("bytes", 200, "size of a value")
	threads := flag.Int("threads", 1, "goroutines that read")
	seconds := flag.Float64("seconds", 2, "how long")
	flag.Parse()

	ctx := context.Background()
	client := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", *port), PoolSize: 16})
	c := cache.New(&cache.Options{Redis: client})
	value := make([]byte, *bytes)
	for i := range value {
		value[i] = byte('a' + i%26)
	}
	names := make([]string, *keys)
	for i := range names {
		names[i] = fmt.Sprintf("go:user:profile:%d", i)
		get(ctx, c, names[i], value)
	}

	var all sync.WaitGroup
	times := make([][]float64, *threads)
	misses := make([]int, *threads)
	cpu := cpuSeconds()
	start := time.Now()
	end := start.Add(time.Duration(*seconds * float64(time.Second)))
	for t := 0; t < *threads; t++ {
		all.Add(1)
		go func(t int) {
			defer all.Done()
			random := rand.New(rand.NewSource(int64(t)))
			for before := time.Now(); before.Before(end); {
				if !get(ctx, c, names[random.Intn(*keys)], value) {
					misses[t]++
				}
				after := time.Now()
				times[t] = append(times[t], float64(after.Sub(before).Nanoseconds())*1e-3)
				before = after
			}
		}(t)
	}
	all.Wait()
	elapsed, used := time.Since(start).Seconds(), cpuSeconds()-cpu
	var sum []float64
	missed := 0
	for t := range times {
		sum = append(sum, times[t]...)
		missed += misses[t]
	}
	sort.Float64s(sum)
	n := float64(len(sum))
	_ = json.NewEncoder(os.Stdout).Encode(map[string]float64{
		"per_s": n / elapsed, "cpu_us": used / n * 1e6, "misses": float64(missed),
		"p50_us": sum[len(sum)/2], "p99_us": sum[int(n*0.99)]})
}
