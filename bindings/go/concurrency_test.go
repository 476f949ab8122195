package recsys_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"recsys.example/recsys"
)

// together runs a function in n goroutines at once.
func together(n int, run func(i int)) {
	var wait sync.WaitGroup
	for i := 0; i < n; i++ {
		wait.Add(1)
		go func(i int) { defer wait.Done(); run(i) }(i)
	}
	wait.Wait()
}

func TestGoroutinesShareARecommenderWhileModelsAreSwapped(t *testing.T) {
	slot, err := recsys.NewSlot()
	must(t, err)
	defer slot.Close()
	films, path := fixture(t, "films"), fixturePath(t, "films")
	must(t, slot.Swap(films))
	request := recsys.Request{User: recsys.IntID(1), K: 3, Genres: []string{"Horror"}, Reasons: true}
	want, err := films.Recommend(request)
	must(t, err)
	var stop atomic.Bool
	swapping := make(chan struct{})
	go func() {
		defer close(swapping)
		for i := 0; i < 20; i++ {
			next, err := recsys.LoadModel(path, nil)
			if err == nil {
				err = slot.Swap(next)
				next.Close()
			}
			if err != nil {
				t.Error(err)
			}
			slot.Reap()
		}
		stop.Store(true)
	}()
	together(8, func(int) {
		for !stop.Load() {
			model := slot.Acquire()
			reply, err := model.Recommend(request)
			if err != nil || !reflect.DeepEqual(reply, want) {
				t.Errorf("%+v, %v", reply, err)
				return
			}
			model.Close()
		}
	})
	<-swapping
}

func TestCloseIsSafeWhileCallsRun(t *testing.T) {
	path := fixturePath(t, "films")
	for round := 0; round < 20; round++ {
		model, err := recsys.LoadModel(path, nil)
		must(t, err)
		r, err := recsys.NewRecommender(nil)
		must(t, err)
		together(6, func(i int) {
			for n := 0; n < 20; n++ {
				if i == 0 && n == 10 {
					model.Close()
				}
				if i == 1 && n == 15 {
					r.Close()
				}
				_, err := r.Recommend(model, recsys.Request{User: recsys.IntID(int64(i)), K: 5})
				if err != nil && !errors.Is(err, recsys.ErrClosed) {
					t.Error(err)
				}
			}
		})
		if _, err := r.Recommend(model, recsys.Request{}); err != recsys.ErrClosed {
			t.Errorf("after Close: %v", err)
		}
		if _, err := model.Info(); err != recsys.ErrClosed || model.Close() != nil {
			t.Errorf("after Close: %v", err)
		}
	}
}

func newAside(t *testing.T, options *recsys.AsideOptions) *recsys.Aside {
	t.Helper()
	store, err := recsys.NewMemoryStore("test", nil)
	must(t, err)
	aside, err := recsys.NewAside(store, options)
	must(t, err)
	must(t, store.Close()) // the cache holds a reference of its own
	t.Cleanup(func() { aside.Close() })
	return aside
}

func TestOneLoaderRunsForAll(t *testing.T) {
	aside := newAside(t, nil)
	var loads atomic.Int32
	together(16, func(int) {
		value, _, err := aside.GetOrLoad(context.Background(), "k", func(context.Context) (recsys.Loaded, error) {
			loads.Add(1)
			time.Sleep(20 * time.Millisecond) // so that the others come meanwhile; whether they do decides nothing
			return recsys.Loaded{Value: []byte("v")}, nil
		})
		if string(value) != "v" || err != nil {
			t.Errorf("%q %v", value, err)
		}
	})
	if loads.Load() != 1 {
		t.Errorf("%d loaders ran", loads.Load())
	}
}

func TestTheLoadersErrorComesOut(t *testing.T) {
	aside := newAside(t, nil)
	gone := fmt.Errorf("the table is gone: %w", recsys.ErrConflict)
	_, _, err := aside.GetOrLoad(context.Background(), "k", func(context.Context) (recsys.Loaded, error) {
		return recsys.Loaded{}, gone
	})
	if !errors.Is(err, gone) || !errors.Is(err, recsys.ErrConflict) {
		t.Errorf("%v", err)
	}
	err = aside.Write([]string{"k"}, func(*recsys.Changes) error { return gone })
	if !errors.Is(err, gone) || !errors.Is(err, recsys.ErrConflict) {
		t.Errorf("%v", err)
	}
	// The next call has nothing of the one before.
	value, _, err := aside.GetOrLoad(context.Background(), "k", func(context.Context) (recsys.Loaded, error) {
		return recsys.Loaded{Value: []byte("v")}, nil
	})
	if string(value) != "v" || err != nil {
		t.Errorf("%q %v", value, err)
	}
}

// panics runs a function and returns its panic.
func panics(run func()) (value any) {
	defer func() { value = recover() }()
	run()
	return nil
}

func TestAPanicComesOutOfTheCall(t *testing.T) {
	aside := newAside(t, nil)
	mine := errors.New("mine")
	got := panics(func() {
		_, _, _ = aside.GetOrLoad(context.Background(), "k", func(context.Context) (recsys.Loaded, error) { panic(mine) })
	})
	if got != mine {
		t.Errorf("%v came out of GetOrLoad", got)
	}
	must(t, aside.Set("k2", []byte("old"), 0, 0))
	if got := panics(func() { _ = aside.Write([]string{"k2"}, func(*recsys.Changes) error { panic(mine) }) }); got != mine {
		t.Errorf("%v came out of Write", got)
	}
	if _, _, err := aside.Get("k2"); !errors.Is(err, recsys.ErrNotFound) {
		t.Errorf("a write that panicked has not invalidated: %v", err)
	}
	if value, _, err := aside.GetOrLoad(context.Background(), "k", func(context.Context) (recsys.Loaded, error) {
		return recsys.Loaded{Value: []byte("v")}, nil
	}); string(value) != "v" || err != nil {
		t.Errorf("after a panic: %q %v", value, err)
	}
}

func TestAContextBoundsTheWaitAndReachesTheLoader(t *testing.T) {
	aside := newAside(t, &recsys.AsideOptions{Lease: time.Minute, Wait: recsys.Never})
	type key struct{}
	entered, leave := make(chan struct{}), make(chan struct{})
	first := make(chan error)
	go func() {
		ctx := context.WithValue(context.Background(), key{}, "mine")
		_, _, err := aside.GetOrLoad(ctx, "k", func(ctx context.Context) (recsys.Loaded, error) {
			if ctx.Value(key{}) != "mine" {
				t.Error("the loader has another context")
			}
			close(entered)
			<-leave
			return recsys.Loaded{Value: []byte("v")}, nil
		})
		first <- err
	}()
	<-entered
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, _, err := aside.GetOrLoad(ctx, "k", func(ctx context.Context) (recsys.Loaded, error) {
		if deadline, _ := ctx.Deadline(); !time.Now().Before(deadline) {
			t.Error("a loader began after its deadline")
		}
		<-ctx.Done() // the wait ended a moment early
		return recsys.Loaded{}, ctx.Err()
	})
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, recsys.ErrTimeout) {
		t.Errorf("%v", err)
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := aside.GetOrLoad(canceled, "k", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(leave)
	must(t, <-first)
}

func TestALoaderMayUseTheCache(t *testing.T) {
	aside := newAside(t, nil)
	value, _, err := aside.GetOrLoad(context.Background(), "a", func(ctx context.Context) (recsys.Loaded, error) {
		inner, _, err := aside.GetOrLoad(ctx, "b", func(context.Context) (recsys.Loaded, error) {
			return recsys.Loaded{Value: []byte("inner")}, nil
		})
		if err != nil {
			return recsys.Loaded{}, err
		}
		if _, _, err := aside.GetOrLoad(ctx, "a", nil); !errors.Is(err, recsys.ErrState) {
			t.Errorf("the key's own loader waits for itself: %v", err)
		}
		return recsys.Loaded{Value: append(inner, " outer"...)}, nil
	})
	if string(value) != "inner outer" || err != nil {
		t.Errorf("%q %v", value, err)
	}
}

func TestJSONGoesThroughTheCache(t *testing.T) {
	aside := newAside(t, &recsys.AsideOptions{JSON: true})
	type user struct{ Name string }
	for _, want := range []recsys.Outcome{recsys.Miss, recsys.Hit} {
		got, outcome, err := recsys.GetOrLoadJSON(context.Background(), aside, "u", func(context.Context) (user, error) {
			return user{"Zoë"}, nil
		})
		if got.Name != "Zoë" || outcome != want || err != nil {
			t.Error(got, outcome, err)
		}
	}
}

// A key and a value that lie in memory with pointers: cgo refuses them if it may look around.
func TestKeysAndValuesMayLieAnywhere(t *testing.T) {
	type row struct {
		owner *int
		bytes [8]byte
	}
	r := &row{new(int), [8]byte{'k', 'e', 'y'}}
	store, err := recsys.NewMemoryStore("test", nil)
	must(t, err)
	defer store.Close()
	must(t, store.Set("k", r.bytes[:3], 0))
	values, err := store.Get("k")
	if err != nil || string(values[0]) != "key" {
		t.Error(values, err)
	}
	must(t, store.Replace("k", r.bytes[:1], r.bytes[:2], 0))
	aside := newAside(t, nil)
	must(t, aside.Set("k", r.bytes[:], 0, 0))
	_, _, err = aside.GetOrLoad(context.Background(), "other", func(context.Context) (recsys.Loaded, error) {
		return recsys.Loaded{Value: r.bytes[:3]}, nil
	})
	must(t, err)
}

type closing struct {
	toldSource
	closed *atomic.Bool
}

func (c closing) Close() error { c.closed.Store(true); return nil }

func TestWhatIsForgottenIsClosed(t *testing.T) {
	var closed atomic.Bool
	func() {
		source, err := recsys.NewSource("forgotten", closing{toldSource{}, &closed})
		must(t, err)
		domains, err := recsys.NewDomains(recsys.DomainsOptions{Source: source})
		must(t, err)
		must(t, source.Close())
		runtime.KeepAlive(domains)
	}()
	for i := 0; i < 1000 && !closed.Load(); i++ {
		runtime.GC()
		runtime.Gosched()
		time.Sleep(time.Millisecond)
	}
	if !closed.Load() {
		t.Error("the garbage collector has not closed the domains, which held the source")
	}
}

func TestADriverInGo(t *testing.T) {
	driver := &transactions{}
	source, err := recsys.NewSource("test", driver)
	must(t, err)
	defer source.Close()
	ctx := context.Background()
	tx, err := source.Begin(ctx)
	must(t, err)
	defer tx.Rollback()
	rows, err := tx.Query("echo", nil, true, int64(7), 2.5, "text")
	must(t, err)
	if want := [][]any{{nil, true, int64(7), 2.5, "text"}}; !reflect.DeepEqual(rows.Values, want) {
		t.Errorf("%v", rows.Values)
	}
	must(t, tx.Commit())
	if _, err := tx.Query("echo"); !errors.Is(err, recsys.ErrState) || tx.Commit() == nil {
		t.Errorf("after Commit: %v", err)
	}
	if driver.committed != 1 || driver.begun != 1 {
		t.Errorf("%+v", driver)
	}
	_, err = source.Query(ctx, "panic")
	if !errors.Is(err, recsys.ErrCallback) {
		t.Errorf("a driver that panics: %v", err)
	}
	_, err = source.Query(ctx, "ragged")
	if !errors.Is(err, recsys.ErrInvalid) {
		t.Errorf("rows that are not rows: %v", err)
	}
	if _, err = source.Query(ctx, "echo", struct{}{}); !errors.Is(err, recsys.ErrInvalid) {
		t.Errorf("a parameter without a type: %v", err)
	}
	must(t, source.SetAway(true))
	if _, err = source.Query(ctx, "echo"); !errors.Is(err, recsys.ErrIO) {
		t.Errorf("while the database is away: %v", err)
	}
}

// A driver whose transaction is forgotten.
type forgetting struct {
	transactions
	ended *atomic.Int32
}

func (d *forgetting) End(_ context.Context, _ any, commit bool) error {
	if !commit {
		d.ended.Add(1)
	}
	return nil
}

func TestAForgottenTransactionIsRolledBack(t *testing.T) {
	var ended atomic.Int32
	source, err := recsys.NewSource("forgetting", &forgetting{ended: &ended})
	must(t, err)
	defer source.Close()
	func() {
		_, err := source.Begin(context.Background())
		must(t, err)
	}()
	for i := 0; i < 1000 && ended.Load() == 0; i++ {
		runtime.GC()
		runtime.Gosched()
		time.Sleep(time.Millisecond)
	}
	if ended.Load() != 1 {
		t.Errorf("%d transactions were rolled back", ended.Load())
	}
}

// A driver with transactions, which counts.
type transactions struct{ begun, committed int }

func (d *transactions) Query(ctx context.Context, tx any, statement string, parameters []any) (*recsys.Rows, error) {
	if _, ok := ctx.Deadline(); !ok {
		return nil, errors.New("there is no deadline")
	}
	switch statement {
	case "panic":
		panic("driver")
	case "ragged":
		return &recsys.Rows{Columns: []string{"a", "b"}, Values: [][]any{{1}}}, nil
	}
	if tx != d {
		return nil, fmt.Errorf("the transaction is %v", tx)
	}
	names := make([]string, len(parameters))
	for i := range names {
		names[i] = fmt.Sprintf("c%d", i)
	}
	return &recsys.Rows{Columns: names, Values: [][]any{parameters}}, nil
}

func (d *transactions) Begin(context.Context) (any, error) { d.begun++; return d, nil }

func (d *transactions) End(_ context.Context, tx any, commit bool) error {
	if commit {
		d.committed++
	}
	return nil
}

func TestLogLinesReachGo(t *testing.T) {
	var lock sync.Mutex
	var lines []string
	must(t, recsys.SetLog(recsys.LogInfo, func(_ recsys.LogLevel, line string) {
		lock.Lock()
		defer lock.Unlock()
		lines = append(lines, line)
	}))
	must(t, recsys.SetTrace("deployment"))
	deployment, err := recsys.NewDeployment("", nil)
	must(t, err)
	must(t, deployment.LoadModel(fixture(t, "films")))
	must(t, deployment.Use(""))
	must(t, deployment.Close())
	traced, err := recsys.Trace()
	must(t, err)
	must(t, recsys.SetTrace(""))
	must(t, recsys.SetLog(0, nil))
	if len(lines) == 0 || traced != "deployment" {
		t.Errorf("%d lines, %q is traced", len(lines), traced)
	}
	if err := recsys.SetLog(99, func(recsys.LogLevel, string) {}); !errors.Is(err, recsys.ErrInvalid) {
		t.Error(err)
	}
	if err := recsys.SetTrace("nothing"); !errors.Is(err, recsys.ErrInvalid) {
		t.Error(err)
	}
}

func TestABatcherGivesTheSameReplies(t *testing.T) {
	batcher, err := recsys.NewBatcher(&recsys.BatcherOptions{MaxBatch: 4})
	must(t, err)
	defer batcher.Close()
	model := fixture(t, "texts")
	filter, err := model.NewFilter(recsys.FilterOptions{Exclude: []recsys.ID{recsys.TextID("alpha")}})
	must(t, err)
	defer filter.Close()
	requests := []recsys.Request{{User: recsys.TextID("ann"), K: 3, Reasons: true}, {User: recsys.TextID("bob"), Filter: filter},
		{Liked: []recsys.ID{recsys.TextID("zeta")}}, {Genres: []string{"Crime"}, K: 2}}
	together(16, func(i int) {
		want, err := model.Recommend(requests[i%4])
		if err != nil {
			t.Error(err)
		}
		for n := 0; n < 20; n++ {
			reply, batch, err := batcher.Recommend(context.Background(), model, requests[i%4])
			if err != nil || !reflect.DeepEqual(reply, want) || batch.Requests < 1 || batch.Place >= batch.Requests {
				t.Errorf("%+v in %+v, %v", reply, batch, err)
			}
		}
	})
	_, _, err = batcher.Recommend(context.Background(), model, recsys.Request{User: recsys.IntID(1)})
	if !errors.Is(err, recsys.ErrInvalid) {
		t.Errorf("an id of the other kind: %v", err)
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := batcher.Recommend(canceled, model, requests[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	must(t, batcher.Close())
	if _, _, err := batcher.Recommend(context.Background(), model, requests[0]); err != recsys.ErrClosed {
		t.Errorf("after Close: %v", err)
	}
}
