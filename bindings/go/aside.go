package recsys

/*
#include "glue.h"
*/
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/cgo"
	"time"
)

// An Aside is a cache in front of a slow database, kept in a store that many processes may share: one
// load for each expiry, never an old value after an invalidation, stale values when loading fails.
// docs/caching.md explains it.
type Aside struct {
	object[*C.recsys_aside]
}

// An Outcome says where a value came from.
type Outcome uint32

// The outcomes.
const (
	Hit      Outcome = C.RECSYS_ASIDE_HIT      // from the cache, fresh
	Stale    Outcome = C.RECSYS_ASIDE_STALE    // from the cache, older than its time to live
	Negative Outcome = C.RECSYS_ASIDE_NEGATIVE // a cached "does not exist"
	Miss     Outcome = C.RECSYS_ASIDE_MISS     // not in the cache, or refreshed by this call
	Unknown  Outcome = C.RECSYS_ASIDE_UNKNOWN  // the store failed
)

// String returns "hit", "stale", "negative", "miss" or "unknown"; "" for 0.
func (o Outcome) String() string {
	names := [...]string{"", "hit", "stale", "negative", "miss", "unknown"}
	if int(o) < len(names) {
		return names[o]
	}
	return fmt.Sprintf("Outcome(%d)", uint32(o))
}

// AsideFormat says what the store has under a key.
type AsideFormat uint32

const (
	FormatEnvelope AsideFormat = C.RECSYS_ASIDE_FORMAT_ENVELOPE // a value in an envelope of this library
	FormatPlain    AsideFormat = C.RECSYS_ASIDE_FORMAT_PLAIN    // the value as it is, for other programs
)

// AsideOptions of a cache. Zero means the default.
type AsideOptions struct {
	JSON          bool          // values must be JSON; others are refused with ErrFormat
	NoStale       bool          // no value is returned after its time to live
	NoNegative    bool          // a "does not exist" is not cached
	NoJitter      bool          // times to live are exact
	NoRefresh     bool          // no early refresh
	TTL           time.Duration // 0 = 5 minutes
	Stale         time.Duration // a stale value is kept this long; 0 = as TTL, at most 10 minutes
	NegativeTTL   time.Duration // 0 = 30 seconds, at most TTL
	Jitter        int           // times to live are shortened by 0 to this many percent; 0 = 10
	Lease         time.Duration // how long a loader may take before another one starts; 0 = 2 seconds
	Wait          time.Duration // for another caller's loader; 0 = twice Lease
	MaxLoads      int           // loaders at once in this process while the store is away; 0 = 32
	JournalKeys   int           // room for invalidations while the store is away; 0 = 4096
	MaxValueBytes uint64        // larger values are not stored; 0 = 1 MiB
	Beta          float64       // > 1 refreshes earlier, < 1 later; 0 = 1
	Stats         *Stats        // nil: count only for Aside.Stats
	Label         string        // name of the logical db; "": the store's name
	Format        AsideFormat   // 0 = FormatEnvelope; of domains: see there
	TrustOthers   bool          // with FormatPlain: return JSON that other programs have stored
}

// c writes the options; leave gives back what it entered.
func (o *AsideOptions) c(a *arena) (out *C.recsys_aside_options, leave func()) {
	leave = func() {}
	if o == nil {
		return nil, leave
	}
	out = (*C.recsys_aside_options)(a.space(C.sizeof_recsys_aside_options))
	*out = C.recsys_aside_options{struct_size: C.sizeof_recsys_aside_options,
		flags: flag(o.JSON, C.RECSYS_ASIDE_JSON) | flag(o.NoStale, C.RECSYS_ASIDE_NO_STALE) |
			flag(o.NoNegative, C.RECSYS_ASIDE_NO_NEGATIVE) | flag(o.NoJitter, C.RECSYS_ASIDE_NO_JITTER) |
			flag(o.NoRefresh, C.RECSYS_ASIDE_NO_REFRESH) | flag(o.TrustOthers, C.RECSYS_ASIDE_TRUST_OTHERS),
		ttl_ms: a.ms32(o.TTL), stale_ms: a.ms32(o.Stale), negative_ttl_ms: a.ms32(o.NegativeTTL),
		jitter_percent: a.count(o.Jitter), lease_ms: a.ms32(o.Lease), wait_ms: a.ms32(o.Wait),
		max_loads: a.count(o.MaxLoads), journal_keys: a.count(o.JournalKeys),
		max_value_bytes: C.uint64_t(o.MaxValueBytes), beta: C.double(o.Beta), label: a.optional(o.Label),
		format: C.uint32_t(o.Format)}
	out.stats, leave = o.Stats.use(a)
	return out, leave
}

// NewAside makes a cache over a store. The options may be nil.
func NewAside(store *Store, options *AsideOptions) (*Aside, error) {
	c, err := store.enter()
	if err != nil {
		return nil, err
	}
	defer store.leave()
	a := newArena()
	defer a.release()
	o, leave := options.c(a)
	defer leave()
	var out *C.recsys_aside
	if err := a.call(func(err *C.recsys_error) C.recsys_status { return C.recsys_aside_create(c, o, &out, err) }); err != nil {
		return nil, err
	}
	s := new(Aside)
	s.open(out, func(c *C.recsys_aside) { C.recsys_aside_destroy(c) })
	return s, nil
}

// Get looks a key up, without loading. It fails with [ErrNotFound] for the outcomes Miss and Negative.
func (s *Aside) Get(key string) (value []byte, outcome Outcome, err error) {
	c, err := s.enter()
	if err != nil {
		return nil, 0, err
	}
	defer s.leave()
	out, o := C.recsys_value{}, C.uint32_t(0)
	err = call(func(err *C.recsys_error) C.recsys_status {
		return C.rg_aside_get(c, chars(key), C.size_t(len(key)), &out, &o, err)
	})
	return take(&out), Outcome(o), err
}

// A Loaded is what a loader has read.
type Loaded struct {
	Value    []byte
	Version  uint64        // of the row, if it has one that grows with every change
	TTL      time.Duration // 0 = the cache's
	Uncached bool          // return the value, but do not store it
}

// A Loader reads a value from the truth. An error that is [ErrNotFound] means that it does not exist,
// which is cached too. Any other error makes all callers that wait get the stale value, if there is
// one, else a failure; the caller whose loader it was gets the loader's own error.
//
// It runs on the goroutine that called GetOrLoad. If it loads the same key again, that call gets the
// cached value, or [ErrState].
type Loader func(ctx context.Context) (Loaded, error)

// A loading is one call of GetOrLoad. Each has a handle for good, as making one costs more than a hit.
type loading struct {
	handle     cgo.Handle
	ctx        context.Context
	loader     Loader
	cause      error
	panicked   any
	unfinished bool
}

var loadings = stack[*loading]{made: func() (*loading, error) {
	l := new(loading)
	l.handle = cgo.NewHandle(l)
	return l, nil
}}

// GetOrLoad looks a key up, or loads and stores its value.
//
// The deadline of the context bounds how long the call waits for a loader of another caller; the
// loader gets the context and must heed it itself. A context that is done before the loader begins
// is an error, unless the cache has the value. A cancellation alone does not interrupt the wait, which
// Wait of the options bounds, too.
func (s *Aside) GetOrLoad(ctx context.Context, key string, loader Loader) (value []byte, outcome Outcome, err error) {
	wait, err := remaining(ctx)
	if err != nil {
		return nil, 0, err
	}
	c, err := s.enter()
	if err != nil {
		return nil, 0, err
	}
	defer s.leave()
	l, _ := loadings.take()
	l.ctx, l.loader = ctx, loader
	out, o := C.recsys_value{}, C.uint32_t(0)
	err = call(func(err *C.recsys_error) C.recsys_status {
		return C.rg_aside_get_or_load(c, chars(key), C.size_t(len(key)), C.uintptr_t(l.handle), wait, &out, &o, err)
	})
	value, err = take(&out), withCause(err, l.cause)
	panicked, what := l.unfinished, l.panicked
	l.ctx, l.loader, l.cause, l.panicked, l.unfinished = nil, nil, nil, nil, false
	loadings.put(l)
	if panicked {
		panic(what)
	}
	return value, Outcome(o), err
}

// remaining is the time until the deadline; 0, the cache's own, without one.
func remaining(ctx context.Context) (C.uint32_t, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0, nil
	}
	var a arena
	return a.ms32(max(time.Until(deadline), time.Millisecond)), nil
}

//export goLoad
func goLoad(load *C.recsys_aside_load, handle C.uintptr_t, err *C.recsys_error) (status C.recsys_status) {
	l := cgo.Handle(handle).Value().(*loading)
	defer func() {
		if l.unfinished {
			l.panicked = recover()
			status = report(&Error{Status: ErrCallback, Message: fmt.Sprintf("the loader panicked: %v", l.panicked)}, err)
		}
	}()
	l.unfinished = true
	loaded, problem := l.load()
	l.unfinished = false
	if problem != nil {
		l.cause = problem
		return report(problem, err)
	}
	ms, problem := milliseconds(loaded.TTL)
	if problem != nil {
		l.cause = problem
		return report(problem, err)
	}
	return C.rg_aside_load_set(load, pointer(loaded.Value), C.size_t(len(loaded.Value)), C.uint64_t(loaded.Version), ms,
		flag(loaded.Uncached, C.RECSYS_ASIDE_UNCACHED), err)
}

func (l *loading) load() (Loaded, error) {
	if err := l.ctx.Err(); err != nil {
		return Loaded{}, err
	}
	// The wait may have ended with the deadline a moment before the context's own timer.
	if deadline, ok := l.ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return Loaded{}, context.DeadlineExceeded
	}
	return l.loader(l.ctx)
}

// GetOrLoadJSON is [Aside.GetOrLoad] for values that are stored as JSON.
func GetOrLoadJSON[T any](ctx context.Context, s *Aside, key string, load func(ctx context.Context) (T, error)) (T, Outcome, error) {
	var out T
	text, outcome, err := s.GetOrLoad(ctx, key, func(ctx context.Context) (Loaded, error) {
		value, err := load(ctx)
		if err != nil {
			return Loaded{}, err
		}
		text, err := json.Marshal(value)
		return Loaded{Value: text}, err
	})
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	return out, outcome, err
}

// Set stores a value that the caller knows to be true now. If the truth can change meanwhile, use
// [Aside.Write]. The version is 0 if there is none; a ttl of 0 is the cache's.
func (s *Aside) Set(key string, value []byte, version uint64, ttl time.Duration) error {
	c, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave()
	ms, err := milliseconds(ttl)
	if err != nil {
		return err
	}
	return call(func(err *C.recsys_error) C.recsys_status {
		return C.rg_aside_set(c, chars(key), C.size_t(len(key)), pointer(value), C.size_t(len(value)),
			C.uint64_t(version), ms, err)
	})
}

// Changes belong to one Write.
type Changes struct{ c *C.recsys_aside_changes }

// Set gives the value that keys[index] has after this write, and the row's version, which is not 0.
// It replaces a cached value of a lower version.
func (c *Changes) Set(index int, value []byte, version uint64) error {
	if c.c == nil || index < 0 {
		return invalid("the writer has returned, or there is no key %d", index)
	}
	return call(func(err *C.recsys_error) C.recsys_status {
		return C.rg_aside_changes_set(c.c, C.size_t(index), pointer(value), C.size_t(len(value)), C.uint64_t(version), err)
	})
}

type writing struct {
	writer     func(*Changes) error
	cause      error
	panicked   any
	unfinished bool
}

// Write runs the writer, which changes the truth and commits, and then invalidates the keys, or writes
// through what the writer has set. If the writer fails or panics the keys are invalidated too, as the
// write may have happened.
func (s *Aside) Write(keys []string, writer func(*Changes) error) error {
	w := &writing{writer: writer}
	handle := cgo.NewHandle(w)
	defer handle.Delete()
	err := s.with(func(a *arena, c *C.recsys_aside, err *C.recsys_error) C.recsys_status {
		return C.rg_aside_write(c, a.keys(keys), C.size_t(len(keys)), C.uintptr_t(handle), err)
	})
	if w.unfinished {
		panic(w.panicked)
	}
	return withCause(err, w.cause)
}

//export goChange
func goChange(changes *C.recsys_aside_changes, handle C.uintptr_t, err *C.recsys_error) (status C.recsys_status) {
	w := cgo.Handle(handle).Value().(*writing)
	c := &Changes{changes}
	defer func() {
		c.c = nil
		if w.unfinished {
			w.panicked = recover()
			status = report(&Error{Status: ErrCallback, Message: fmt.Sprintf("the writer panicked: %v", w.panicked)}, err)
		}
	}()
	w.unfinished = true
	w.cause = w.writer(c)
	w.unfinished = false
	if w.cause != nil {
		return report(w.cause, err)
	}
	return C.RECSYS_OK
}

func (s *Aside) with(run func(a *arena, c *C.recsys_aside, err *C.recsys_error) C.recsys_status) error {
	c, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave()
	a := newArena()
	defer a.release()
	return call(func(err *C.recsys_error) C.recsys_status { return run(a, c, err) })
}

// Invalidate forgets keys whose truth has changed; call it after the change was committed.
func (s *Aside) Invalidate(keys ...string) error {
	return s.with(func(a *arena, c *C.recsys_aside, err *C.recsys_error) C.recsys_status {
		return C.recsys_aside_invalidate(c, a.keys(keys), C.size_t(len(keys)), err)
	})
}

// InvalidateMatching forgets every key that consists of the literals with any text between each two:
// "user:" and "" mean all keys that begin with user:.
func (s *Aside) InvalidateMatching(literals ...string) (removed uint64, err error) {
	n := C.uint64_t(0)
	err = s.with(func(a *arena, c *C.recsys_aside, err *C.recsys_error) C.recsys_status {
		return C.recsys_aside_invalidate_matching(c, a.keys(literals), C.size_t(len(literals)), &n, err)
	})
	return uint64(n), err
}

// InvalidateAll forgets everything in this cache at once, in all processes.
func (s *Aside) InvalidateAll() error {
	return s.with(func(_ *arena, c *C.recsys_aside, err *C.recsys_error) C.recsys_status {
		return C.recsys_aside_invalidate_all(c, err)
	})
}

// Flush waits until all invalidations have reached the store; 0 = 2 seconds. After ErrTimeout some
// have not, and stay remembered.
func (s *Aside) Flush(timeout time.Duration) error {
	return s.with(func(a *arena, c *C.recsys_aside, err *C.recsys_error) C.recsys_status {
		return C.recsys_aside_flush(c, a.ms32(timeout), err)
	})
}

// AsideStats counts.
type AsideStats struct {
	Journal                                 uint32 // invalidations that have not reached the store yet
	Hits, Stale, Negative, Misses, Unknown  uint64
	Loads, LoadFailures, Shared             uint64
	Waited, Early, Fills, FillsRefused      uint64
	IdentityMismatches, Damaged             uint64
	Invalidations, Replayed, Epochs, TooBig uint64
	Foreign                                 uint64 // values of other programs that were found
}

// Stats counts.
func (s *Aside) Stats() (AsideStats, error) {
	o := C.recsys_aside_stats{struct_size: C.sizeof_recsys_aside_stats}
	err := s.with(func(_ *arena, c *C.recsys_aside, err *C.recsys_error) C.recsys_status {
		return C.recsys_aside_get_stats(c, &o, err)
	})
	return AsideStats{uint32(o.journal), uint64(o.hits), uint64(o.stale), uint64(o.negative), uint64(o.misses),
		uint64(o.unknown), uint64(o.loads), uint64(o.load_failures), uint64(o.shared), uint64(o.waited), uint64(o.early),
		uint64(o.fills), uint64(o.fills_refused), uint64(o.identity_mismatches), uint64(o.damaged),
		uint64(o.invalidations), uint64(o.replayed), uint64(o.epochs), uint64(o.too_large),
		uint64(o.foreign)}, err
}

// FormatKey makes a key of a fixed text and values: "chat:history:{id}" with one value. A value cannot
// change another part of the key.
func FormatKey(pattern string, values ...string) (string, error) {
	a := newArena()
	defer a.release()
	size := C.size_t(C.RECSYS_KEY_MAX + 1)
	text, list, out := a.text(pattern), a.keys(values), (*C.char)(a.space(uintptr(size)))
	if err := a.call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_key_format(text, list, C.size_t(len(values)), out, &size, err)
	}); err != nil {
		return "", err
	}
	return C.GoStringN(out, C.int(size)), nil
}
