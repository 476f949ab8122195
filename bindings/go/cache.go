package recsys

/*
#include "glue.h"
*/
import "C"

import (
	"time"
	"unsafe"
)

// A Cache is a bounded in-process cache of bytes. It loads nothing by itself; see [Aside].
type Cache struct {
	object[*C.recsys_cache]
}

// CacheOptions of caches and in-process stores. Zero means the default.
type CacheOptions struct {
	Shards        int           // a power of two up to 256; 0 = 16
	MaxBytes      uint64        // of all entries together; 0 = 64 MiB
	MaxValueBytes uint64        // larger values are refused; 0 = 1 MiB
	TTL           time.Duration // of values that are set with 0; 0 = 5 minutes; Never
}

func (o *CacheOptions) c(a *arena) *C.recsys_cache_options {
	if o == nil {
		return nil
	}
	out := (*C.recsys_cache_options)(a.space(C.sizeof_recsys_cache_options))
	*out = C.recsys_cache_options{struct_size: C.sizeof_recsys_cache_options, n_shards: a.count(o.Shards),
		max_bytes: C.uint64_t(o.MaxBytes), max_value_bytes: C.uint64_t(o.MaxValueBytes), ttl_ms: a.ms32(o.TTL)}
	return out
}

// NewCache makes a cache. The options may be nil.
func NewCache(options *CacheOptions) (*Cache, error) {
	a := newArena()
	defer a.release()
	o := options.c(a)
	var out *C.recsys_cache
	if err := a.call(func(err *C.recsys_error) C.recsys_status { return C.recsys_cache_create(o, &out, err) }); err != nil {
		return nil, err
	}
	c := new(Cache)
	c.open(out, func(c *C.recsys_cache) { C.recsys_cache_destroy(c) })
	return c, nil
}

// Get returns a copy of the value of key; [ErrNotFound] if there is none.
func (c *Cache) Get(key string) ([]byte, error) {
	p, err := c.enter()
	if err != nil {
		return nil, err
	}
	defer c.leave()
	var entry *C.recsys_cache_entry
	if err := call(func(err *C.recsys_error) C.recsys_status {
		return C.rg_cache_get(p, chars(key), C.size_t(len(key)), &entry, err)
	}); err != nil {
		return nil, err
	}
	defer C.recsys_cache_release(entry)
	size := C.size_t(0)
	data := C.recsys_cache_entry_get(entry, &size)
	return append([]byte{}, unsafe.Slice((*byte)(data), size)...), nil
}

// Set stores a value. A ttl of 0 is the cache's; [Never] does not expire.
func (c *Cache) Set(key string, value []byte, ttl time.Duration) error {
	p, err := c.enter()
	if err != nil {
		return err
	}
	defer c.leave()
	ms, err := milliseconds(ttl)
	if err != nil {
		return err
	}
	return call(func(err *C.recsys_error) C.recsys_status {
		return C.rg_cache_set(p, chars(key), C.size_t(len(key)), pointer(value), C.size_t(len(value)), ms, err)
	})
}

// Remove removes key; [ErrNotFound] if it has no value.
func (c *Cache) Remove(key string) error {
	p, err := c.enter()
	if err != nil {
		return err
	}
	defer c.leave()
	return call(func(err *C.recsys_error) C.recsys_status {
		return C.rg_cache_remove(p, chars(key), C.size_t(len(key)), err)
	})
}

// Clear removes everything.
func (c *Cache) Clear() error {
	p, err := c.enter()
	if err != nil {
		return err
	}
	defer c.leave()
	C.recsys_cache_clear(p)
	return nil
}

// CacheStats counts.
type CacheStats struct {
	Hits, Misses, Sets, Removals, Evictions, Expirations uint64
	Entries, Bytes, MaxBytes                             uint64
}

// Stats counts.
func (c *Cache) Stats() (CacheStats, error) {
	p, err := c.enter()
	if err != nil {
		return CacheStats{}, err
	}
	defer c.leave()
	s := C.recsys_cache_stats{struct_size: C.sizeof_recsys_cache_stats}
	err = call(func(err *C.recsys_error) C.recsys_status { return C.recsys_cache_get_stats(p, &s, err) })
	return CacheStats{uint64(s.hits), uint64(s.misses), uint64(s.sets), uint64(s.removals), uint64(s.evictions),
		uint64(s.expirations), uint64(s.entries), uint64(s.bytes), uint64(s.max_bytes)}, err
}

// milliseconds is [arena.ms] without an arena.
func milliseconds(d time.Duration) (C.uint64_t, error) {
	var a arena
	ms := a.ms(d)
	return ms, a.failed
}
