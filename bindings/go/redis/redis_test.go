package redis_test

import (
	"context"
	"errors"
	"os"
	"strconv"
	"testing"
	"time"

	"recsys.example/recsys"
	"recsys.example/recsys/redis"
)

// options names the Redis that tests/support/servers.py has started.
func options(t *testing.T, prefix string) redis.Options {
	t.Helper()
	port, err := strconv.ParseUint(os.Getenv("RECSYS_TEST_REDIS"), 10, 16)
	if err != nil {
		t.Fatal("RECSYS_TEST_REDIS is no port; run the tests through tests/support/servers.py")
	}
	return redis.Options{Port: uint16(port), Prefix: prefix, CommandTimeout: 5 * time.Second, ConnectTimeout: 5 * time.Second}
}

func TestACacheOverRedis(t *testing.T) {
	store, err := redis.NewStore("go", options(t, "go-test:"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	aside, err := recsys.NewAside(store, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer aside.Close()
	if _, err := aside.InvalidateMatching("user:", ""); err != nil {
		t.Fatal(err)
	}
	for _, want := range []recsys.Outcome{recsys.Miss, recsys.Hit} {
		value, outcome, err := aside.GetOrLoad(context.Background(), "user:1", func(context.Context) (recsys.Loaded, error) {
			return recsys.Loaded{Value: []byte("Zoë")}, nil
		})
		if string(value) != "Zoë" || outcome != want || err != nil {
			t.Errorf("%q %v %v", value, outcome, err)
		}
	}
	stats, err := redis.StatsOf(store)
	if err != nil || stats.Connected == 0 || stats.ServerVersion == "" {
		t.Errorf("%+v %v", stats, err)
	}
	limiter, err := recsys.NewLimiter(store, &recsys.LimiterOptions{Rate: 1, Period: time.Hour, Burst: 1,
		Prefix: "limit:" + strconv.FormatInt(time.Now().UnixNano(), 36) + ":"})
	if err != nil {
		t.Fatal(err)
	}
	defer limiter.Close()
	for _, want := range []bool{true, false} {
		if limit, err := limiter.Allow("k", 1); err != nil || limit.Allowed != want || limit.Allowed && limit.Local {
			t.Errorf("%+v %v", limit, err)
		}
	}
}

func TestURLs(t *testing.T) {
	o, err := redis.ParseURL("rediss://ann:secret@cache.example:7000/3")
	if err != nil || o.Host != "cache.example" || o.Port != 7000 || o.DB != 3 || o.User != "ann" || !o.TLS {
		t.Errorf("%+v %v", o, err)
	}
	if _, err = redis.ParseURL("http://cache.example"); !errors.Is(err, recsys.ErrInvalid) {
		t.Error(err)
	}
}

func TestStatsOfAnotherStoreAreRefused(t *testing.T) {
	store, err := recsys.NewMemoryStore("memory", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := redis.StatsOf(store); !errors.Is(err, recsys.ErrInvalid) {
		t.Error(err)
	}
}

func TestAServerThatIsNotThere(t *testing.T) {
	store, err := redis.NewStore("none", redis.Options{Port: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.Get("k"); !errors.Is(err, recsys.ErrIO) {
		t.Error(err)
	}
}
