package recsys

/*
#include "glue.h"
*/
import "C"

import (
	"runtime/cgo"
	"time"
	"unsafe"
)

// A Store is a key-value store behind a circuit breaker: in-process, Redis (package
// recsys.example/recsys/redis), or another driver in C (see [AdoptStore]).
type Store struct {
	object[*C.recsys_store]
}

// NewMemoryStore makes an in-process store. The name is for messages and metrics; the options may be
// nil.
func NewMemoryStore(name string, options *CacheOptions) (*Store, error) {
	a := newArena()
	defer a.release()
	text, o := a.text(name), options.c(a)
	var out *C.recsys_store
	if err := a.call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_store_create_memory(text, o, &out, err)
	}); err != nil {
		return nil, err
	}
	return AdoptStore(unsafe.Pointer(out)), nil
}

// AdoptStore makes a Store of a recsys_store that other C code has created, and takes over one
// reference. It is for packages that bind another driver.
func AdoptStore(store unsafe.Pointer) *Store {
	s := new(Store)
	s.open((*C.recsys_store)(store), func(c *C.recsys_store) { C.recsys_store_unref(c) })
	return s
}

// With runs a function of C on the store, whose pointer is valid until it returns. It is for packages
// that bind another driver.
func (s *Store) With(run func(store unsafe.Pointer) error) error {
	c, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave()
	return run(unsafe.Pointer(c))
}

// Ref returns a second Store of the same content, with a Close of its own.
func (s *Store) Ref() (*Store, error) {
	c, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer s.leave()
	return AdoptStore(unsafe.Pointer(C.recsys_store_ref(c))), nil
}

// Name returns the store's name.
func (s *Store) Name() string {
	c, err := s.enter()
	if err != nil {
		return ""
	}
	defer s.leave()
	return C.GoString(C.recsys_store_get_name(c))
}

func (s *Store) with(run func(a *arena, c *C.recsys_store, err *C.recsys_error) C.recsys_status) error {
	c, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave()
	a := newArena()
	defer a.release()
	return call(func(err *C.recsys_error) C.recsys_status { return run(a, c, err) })
}

// Get looks the keys up in one round trip; the value of an absent one is nil.
func (s *Store) Get(keys ...string) ([][]byte, error) {
	out := make([][]byte, len(keys))
	err := s.with(func(a *arena, c *C.recsys_store, err *C.recsys_error) C.recsys_status {
		values := (*C.recsys_value)(a.space(uintptr(len(keys)) * C.sizeof_recsys_value))
		status := C.recsys_store_get(c, a.keys(keys), C.size_t(len(keys)), values, nil, err)
		for i := range out {
			out[i] = take(&unsafe.Slice(values, len(out))[i])
		}
		return status
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Set stores a value. A ttl of 0 is the store's; [Never] does not expire.
func (s *Store) Set(key string, value []byte, ttl time.Duration) error {
	return s.set(key, value, ttl, C.RECSYS_STORE_ALWAYS)
}

// SetIfAbsent is Set, but fails with [ErrExists] if the key has a value.
func (s *Store) SetIfAbsent(key string, value []byte, ttl time.Duration) error {
	return s.set(key, value, ttl, C.RECSYS_STORE_IF_ABSENT)
}

func (s *Store) set(key string, value []byte, ttl time.Duration, when C.uint32_t) error {
	ms, err := milliseconds(ttl)
	if err != nil {
		return err
	}
	return s.with(func(_ *arena, c *C.recsys_store, err *C.recsys_error) C.recsys_status {
		return C.rg_store_set(c, chars(key), C.size_t(len(key)), pointer(value), C.size_t(len(value)), ms, when, err)
	})
}

// Remove removes keys and returns how many had a value.
func (s *Store) Remove(keys ...string) (removed uint64, err error) {
	n := C.uint64_t(0)
	err = s.with(func(a *arena, c *C.recsys_store, err *C.recsys_error) C.recsys_status {
		return C.recsys_store_remove(c, a.keys(keys), C.size_t(len(keys)), &n, err)
	})
	return uint64(n), err
}

// GetOrSet returns the value of key; if there is none it stores this one and returns nil.
func (s *Store) GetOrSet(key string, value []byte, ttl time.Duration) (present []byte, err error) {
	ms, err := milliseconds(ttl)
	if err != nil {
		return nil, err
	}
	var out C.recsys_value
	err = s.with(func(_ *arena, c *C.recsys_store, err *C.recsys_error) C.recsys_status {
		return C.rg_store_get_or_set(c, chars(key), C.size_t(len(key)), pointer(value), C.size_t(len(value)), ms, &out, nil, err)
	})
	return take(&out), err
}

// Replace replaces the value of key if it begins with prefix, else it fails with [ErrNotFound]. A nil
// value removes it.
func (s *Store) Replace(key string, prefix, value []byte, ttl time.Duration) error {
	ms, err := milliseconds(ttl)
	if err != nil {
		return err
	}
	var p *C.char
	if value != nil {
		p = pointer(value)
	}
	return s.with(func(_ *arena, c *C.recsys_store, err *C.recsys_error) C.recsys_status {
		return C.rg_store_replace(c, chars(key), C.size_t(len(key)), pointer(prefix), C.size_t(len(prefix)), p,
			C.size_t(len(value)), ms, err)
	})
}

// Scan returns some of the keys that consist of the literals with any text between each two: "user:"
// and "" are what a shell calls user:*. The cursor is 0 at first and 0 again when all keys have been
// visited. A key may come twice. [Store.Keys] walks over all of them (Go 1.23).
func (s *Store) Scan(cursor uint64, literals ...string) (keys []string, next uint64, err error) {
	handle, at := cgo.NewHandle(&keys), C.uint64_t(cursor)
	defer handle.Delete()
	err = s.with(func(a *arena, c *C.recsys_store, err *C.recsys_error) C.recsys_status {
		return C.rg_store_scan(c, a.keys(literals), C.size_t(len(literals)), &at, C.uintptr_t(handle), err)
	})
	return keys, uint64(at), err
}

//export goTakeText
func goTakeText(text *C.char, size C.size_t, handle C.uintptr_t) C.int32_t {
	list := cgo.Handle(handle).Value().(*[]string)
	*list = append(*list, string(unsafe.Slice((*byte)(unsafe.Pointer(text)), size)))
	return 0
}

// A RateDecision answers [Store.RateLimit].
type RateDecision struct {
	Allowed    bool
	Remaining  uint32
	RetryAfter time.Duration
	ResetAfter time.Duration
}

// RateLimit asks by the store's clock whether cost items may pass now, if one may every emission and
// burst at once. [Limiter] is the better way in.
func (s *Store) RateLimit(key string, emission time.Duration, burst, cost uint32) (RateDecision, error) {
	var out C.recsys_rate_decision
	err := s.with(func(_ *arena, c *C.recsys_store, err *C.recsys_error) C.recsys_status {
		return C.rg_store_rate_limit(c, chars(key), C.size_t(len(key)), C.uint64_t(emission.Microseconds()),
			C.uint32_t(burst), C.uint32_t(cost), &out, err)
	})
	return RateDecision{out.allowed != 0, uint32(out.remaining), time.Duration(out.retry_us) * time.Microsecond,
		time.Duration(out.reset_us) * time.Microsecond}, err
}

// Probe asks the store whether it works again, if its breaker is open and the pause is over. nil: the
// breaker is closed.
func (s *Store) Probe() error {
	return s.with(func(_ *arena, c *C.recsys_store, err *C.recsys_error) C.recsys_status {
		return C.recsys_store_probe(c, err)
	})
}

// StoreStats counts.
type StoreStats struct {
	BreakerOpen                         bool // calls fail at once
	Calls, Failures, Refused, Opened    uint64
	Entries, Bytes, MaxBytes, Evictions uint64 // of an in-process store
}

// Stats counts.
func (s *Store) Stats() (StoreStats, error) {
	out := C.recsys_store_stats{struct_size: C.sizeof_recsys_store_stats}
	err := s.with(func(_ *arena, c *C.recsys_store, err *C.recsys_error) C.recsys_status {
		return C.recsys_store_get_stats(c, &out, err)
	})
	return StoreStats{out.breaker == C.RECSYS_BREAKER_OPEN, uint64(out.calls), uint64(out.failures), uint64(out.refused),
		uint64(out.opened), uint64(out.entries), uint64(out.bytes), uint64(out.max_bytes), uint64(out.evictions)}, err
}
