package recsys

/*
#include "glue.h"
*/
import "C"

import (
	"io"
	"runtime/cgo"
	"strings"
	"unsafe"
)

// Stats are a set of metrics for Prometheus. Objects that count into a set keep it alive.
type Stats struct {
	object[*C.recsys_stats]
}

// NewStats makes a set without metrics.
func NewStats() (*Stats, error) {
	var out *C.recsys_stats
	if err := call(func(err *C.recsys_error) C.recsys_status { return C.recsys_stats_create(&out, err) }); err != nil {
		return nil, err
	}
	return newStats(out), nil
}

func newStats(c *C.recsys_stats) *Stats {
	s := new(Stats)
	s.open(c, func(c *C.recsys_stats) { C.recsys_stats_unref(c) })
	return s
}

// Ref returns a second Stats of the same set, with a Close of its own.
func (s *Stats) Ref() (*Stats, error) {
	c, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer s.leave()
	return newStats(C.recsys_stats_ref(c)), nil
}

// use enters an optional set for the options of another object.
func (s *Stats) use(a *arena) (*C.recsys_stats, func()) {
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

// A Metric is one time series: a name with one set of label values. It keeps its set alive.
type Metric struct {
	stats *Stats
	c     *C.recsys_metric
}

// Counter returns the counter of this name and these labels, making it if it is new. The labels are
// the finished list without braces, `route="/health"`; "" is none.
func (s *Stats) Counter(name, help, labels string) (*Metric, error) {
	return s.add(func(a *arena, c *C.recsys_stats, out **C.recsys_metric, err *C.recsys_error) C.recsys_status {
		return C.recsys_stats_add_counter(c, a.cut(name), a.cut(help), a.optional(labels), out, err)
	})
}

// Gauge is Counter for a gauge.
func (s *Stats) Gauge(name, help, labels string) (*Metric, error) {
	return s.add(func(a *arena, c *C.recsys_stats, out **C.recsys_metric, err *C.recsys_error) C.recsys_status {
		return C.recsys_stats_add_gauge(c, a.cut(name), a.cut(help), a.optional(labels), out, err)
	})
}

// Histogram is Counter for a histogram with these upper bounds, ascending; nil = 100 µs to 10 s.
func (s *Stats) Histogram(name, help, labels string, bounds []float64) (*Metric, error) {
	return s.add(func(a *arena, c *C.recsys_stats, out **C.recsys_metric, err *C.recsys_error) C.recsys_status {
		return C.recsys_stats_add_histogram(c, a.cut(name), a.cut(help), a.optional(labels),
			(*C.double)(unsafe.Pointer(unsafe.SliceData(bounds))), C.size_t(len(bounds)), out, err)
	})
}

func (s *Stats) add(get func(*arena, *C.recsys_stats, **C.recsys_metric, *C.recsys_error) C.recsys_status) (*Metric, error) {
	c, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer s.leave()
	a := newArena()
	defer a.release()
	m := new(Metric)
	if err := call(func(err *C.recsys_error) C.recsys_status { return get(a, c, &m.c, err) }); err != nil {
		return nil, err
	}
	m.stats = newStats(C.recsys_stats_ref(c))
	return m, nil
}

// Add counts n more. It never locks; a metric of another kind ignores it.
func (m *Metric) Add(n uint64) { C.recsys_metric_add(m.c, C.uint64_t(n)) }

// Set sets a gauge.
func (m *Metric) Set(value float64) { C.recsys_metric_set(m.c, C.double(value)) }

// Record records a value in a histogram.
func (m *Metric) Record(value float64) { C.recsys_metric_record(m.c, C.double(value)) }

// Get returns the present value; of a histogram, how many values it has.
func (m *Metric) Get() float64 { return float64(C.recsys_metric_get(m.c)) }

// WriteTo writes all metrics in the Prometheus text format 0.0.4.
func (s *Stats) WriteTo(w io.Writer) (int64, error) {
	c, err := s.enter()
	if err != nil {
		return 0, err
	}
	defer s.leave()
	var pieces []string
	handle := cgo.NewHandle(&pieces)
	defer handle.Delete()
	if err := call(func(err *C.recsys_error) C.recsys_status {
		return C.rg_stats_format(c, C.uintptr_t(handle), err)
	}); err != nil {
		return 0, err
	}
	n, err := io.WriteString(w, strings.Join(pieces, ""))
	return int64(n), err
}
