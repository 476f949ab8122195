package recsys

/*
#include "glue.h"
*/
import "C"

import "time"

// A Limiter is an exact rate limiter (GCRA) that processes share through a store. Without a store, or
// while it is away, a local limiter decides.
type Limiter struct {
	object[*C.recsys_limiter]
}

// LimiterOptions of a limiter. Zero means the default.
type LimiterOptions struct {
	Strict  bool          // if the local limiter has no room for another key, refuse
	Rate    int           // per period; 0 = 100
	Period  time.Duration // 0 = 1 minute
	Burst   int           // 0 = Rate
	Share   int           // among how many processes the limit is divided while the store is away; 0 = 1
	MaxKeys int           // of the local limiter; 0 = 65536
	Prefix  string        // of keys in the store; "" = "limit:"
}

// NewLimiter makes a limiter. A nil store means the local limiter alone; the options may be nil.
func NewLimiter(store *Store, options *LimiterOptions) (*Limiter, error) {
	a := newArena()
	defer a.release()
	o := (*C.recsys_limiter_options)(nil)
	if options != nil {
		o = (*C.recsys_limiter_options)(a.space(C.sizeof_recsys_limiter_options))
		*o = C.recsys_limiter_options{struct_size: C.sizeof_recsys_limiter_options,
			flags: flag(options.Strict, C.RECSYS_LIMITER_STRICT), rate: a.count(options.Rate),
			period_ms: a.ms32(options.Period), burst: a.count(options.Burst), share: a.count(options.Share),
			max_keys: a.count(options.MaxKeys), prefix: a.optional(options.Prefix)}
	}
	c, leave := store.use(a)
	defer leave()
	var out *C.recsys_limiter
	if err := a.call(func(err *C.recsys_error) C.recsys_status { return C.recsys_limiter_create(c, o, &out, err) }); err != nil {
		return nil, err
	}
	l := new(Limiter)
	l.open(out, func(c *C.recsys_limiter) { C.recsys_limiter_destroy(c) })
	return l, nil
}

// use enters an optional store for another object.
func (s *Store) use(a *arena) (*C.recsys_store, func()) {
	if s == nil {
		return nil, func() {}
	}
	c, err := s.enter()
	if err != nil {
		a.fail(err)
		return nil, func() {}
	}
	return c, s.leave
}

// A Limit is a decision, with the numbers for HTTP's RateLimit fields.
type Limit struct {
	Allowed    bool
	Limit      uint32 // the burst; this process' share of it if the local limiter decided
	Remaining  uint32 // how many requests could pass at once now
	Local      bool   // the local limiter decided
	RetryAfter time.Duration
	ResetAfter time.Duration
}

// Allow asks whether a request of this cost (1 or more) for key may pass now, and counts it if it
// may. It does not fail because the store does.
func (l *Limiter) Allow(key string, cost int) (Limit, error) {
	c, err := l.enter()
	if err != nil {
		return Limit{}, err
	}
	defer l.leave()
	if cost < 1 {
		return Limit{}, invalid("a request cannot cost %d", cost)
	}
	out := C.recsys_limit{struct_size: C.sizeof_recsys_limit}
	err = call(func(err *C.recsys_error) C.recsys_status {
		return C.rg_limiter_allow(c, chars(key), C.size_t(len(key)), C.uint32_t(cost), &out, err)
	})
	return Limit{out.allowed != 0, uint32(out.limit), uint32(out.remaining), out.local != 0,
		time.Duration(out.retry_ms) * time.Millisecond, time.Duration(out.reset_ms) * time.Millisecond}, err
}
