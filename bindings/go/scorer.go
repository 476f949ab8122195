package recsys

/*
#include "glue.h"
*/
import "C"

import "unsafe"

// A Scorer gives the exact top-K for vectors of your own. It is a pool of the library's scorers, one
// for each call that runs at the same time, and is not tied to a model.
type Scorer struct {
	object[*scorers]
}

type scorers = stack[*C.recsys_scorer]

// NewScorer makes a scorer. The options may be nil.
func NewScorer(options *ScorerOptions) (*Scorer, error) {
	var own *ScorerOptions
	if options != nil {
		copied := *options
		own = &copied
	}
	pool := &scorers{made: func() (out *C.recsys_scorer, err error) {
		a := newArena()
		defer a.release()
		o := own.c(a)
		err = a.call(func(err *C.recsys_error) C.recsys_status { return C.recsys_scorer_create(o, &out, err) })
		return out, err
	}}
	first, err := pool.take()
	if err != nil {
		return nil, err
	}
	pool.put(first)
	s := new(Scorer)
	s.open(pool, func(pool *scorers) {
		for _, c := range pool.all() {
			C.recsys_scorer_destroy(c)
		}
	})
	return s, nil
}

// with runs a call on a scorer of the pool, inside the model and the filter, which may be nil.
func (s *Scorer) with(model *Model, filter *Filter, run func(*C.recsys_scorer, *C.recsys_model, *C.recsys_filter) error) error {
	pool, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave()
	m, err := model.enter()
	if err != nil {
		return err
	}
	defer model.leave()
	var f *C.recsys_filter
	if filter != nil {
		if f, err = filter.enter(); err != nil {
			return err
		}
		defer filter.leave()
	}
	c, err := pool.take()
	if err != nil {
		return err
	}
	defer pool.put(c)
	return run(c, m, f)
}

// A Query asks a scorer.
type Query struct {
	Vector []float32 // as many numbers as the model has dimensions; normalised by the caller for cosine
	Offset float64   // added to every raw score, as a user's bias is
	K      int       // 1 or more; more than the model has = all items
}

// A Scored is one answer of a scorer.
type Scored struct {
	Item  ID
	Score float32 // raw, before the link
}

// TopK gives the best items for each query. The filter may be nil: every item.
func (s *Scorer) TopK(model *Model, queries []Query, filter *Filter) ([][]Scored, error) {
	if len(queries) == 0 {
		return [][]Scored{}, nil
	}
	var answers [][]Scored
	err := s.with(model, filter, func(c *C.recsys_scorer, m *C.recsys_model, f *C.recsys_filter) error {
		facts, err := model.known()
		if err != nil {
			return err
		}
		a := newArena()
		defer a.release()
		n, stride := len(queries), 1
		first := (*C.recsys_query)(a.space(uintptr(n) * C.sizeof_recsys_query))
		for i, q := range queries {
			if len(q.Vector) != facts.dimensions {
				return invalid("the vector of query %d has %d numbers, the model's have %d", i, len(q.Vector), facts.dimensions)
			}
			unsafe.Slice(first, n)[i] = C.recsys_query{vector: a.floats(q.Vector), filter: f,
				offset: C.double(q.Offset), k: a.count(q.K)}
			stride = max(stride, min(q.K, int(facts.items)))
		}
		out := (*C.recsys_scored)(a.space(uintptr(n*stride) * C.sizeof_recsys_scored))
		counts := (*C.uint32_t)(a.space(uintptr(n) * 4))
		if err := a.call(func(err *C.recsys_error) C.recsys_status {
			return C.recsys_scorer_top_k(c, m, first, C.size_t(n), out, C.size_t(stride), counts, err)
		}); err != nil {
			return err
		}
		answers = make([][]Scored, n)
		for i := range answers {
			row := unsafe.Slice(out, n*stride)[i*stride:]
			answers[i] = goScored(row[:unsafe.Slice(counts, n)[i]])
		}
		return nil
	})
	return answers, err
}

func goScored(row []C.recsys_scored) []Scored {
	out := make([]Scored, len(row))
	for i := range row {
		out[i] = Scored{goID(&row[i].item), float32(row[i].score)}
	}
	return out
}

// A Matrix of queries, row-major, and the places for their answers, [rows, K] each. Slices that are
// nil are not filled. Places without an answer hold [PaddingID], [PaddingRow] and minus infinity.
type Matrix struct {
	Queries []float32
	Columns int       // floats from one query to the next: the model's dimensions, or more
	Offsets []float64 // one for each query; nil = 0
	K       int
	IDs     []uint64 // for integer ids
	Rows    []uint32
	Scores  []float32 // raw
	Counts  []uint32  // one for each query; required
}

// PaddingID is in the places of integer ids that have no answer.
const PaddingID uint64 = C.RECSYS_PADDING_ID

func (q *Matrix) check(dimensions int) error {
	n := len(q.Counts)
	room := n * q.K
	switch {
	case q.K < 1:
		return invalid("K is %d; it must be 1 or more", q.K)
	case q.Columns < dimensions || len(q.Queries) < n*q.Columns:
		return invalid("%d queries of %d columns are asked, for a model of %d dimensions; %d floats are given",
			n, q.Columns, dimensions, len(q.Queries))
	case q.Offsets != nil && len(q.Offsets) < n, q.IDs != nil && len(q.IDs) < room,
		q.Rows != nil && len(q.Rows) < room, q.Scores != nil && len(q.Scores) < room:
		return invalid("a slice is too short for %d queries of %d answers", n, q.K)
	}
	return nil
}

// TopKMatrix answers a matrix of queries, as many as Counts has places, without copying anything.
func (s *Scorer) TopKMatrix(model *Model, q *Matrix, filter *Filter) error {
	if len(q.Counts) == 0 {
		return nil
	}
	return s.with(model, filter, func(c *C.recsys_scorer, m *C.recsys_model, f *C.recsys_filter) error {
		facts, err := model.known()
		if err == nil {
			err = q.check(facts.dimensions)
		}
		if err != nil {
			return err
		}
		return call(func(err *C.recsys_error) C.recsys_status {
			return C.recsys_scorer_top_k_matrix(c, m, (*C.float)(unsafe.Pointer(unsafe.SliceData(q.Queries))),
				C.size_t(len(q.Counts)), C.size_t(q.Columns), (*C.double)(unsafe.Pointer(unsafe.SliceData(q.Offsets))), f,
				C.uint32_t(q.K), (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(q.IDs))),
				(*C.uint32_t)(unsafe.Pointer(unsafe.SliceData(q.Rows))), (*C.float)(unsafe.Pointer(unsafe.SliceData(q.Scores))),
				(*C.uint32_t)(unsafe.Pointer(unsafe.SliceData(q.Counts))), err)
		})
	})
}

// Similar gives the k items most similar to item by the cosine, without item itself. The filter may
// be nil.
func (s *Scorer) Similar(model *Model, item ID, k int, filter *Filter) ([]Scored, error) {
	var found []Scored
	err := s.with(model, filter, func(c *C.recsys_scorer, m *C.recsys_model, f *C.recsys_filter) error {
		facts, err := model.known()
		if err != nil {
			return err
		}
		a := newArena()
		defer a.release()
		room := max(min(k, int(facts.items)), 1)
		out := (*C.recsys_scored)(a.space(uintptr(room) * C.sizeof_recsys_scored))
		id, wanted, count := a.id(item), a.count(k), C.uint32_t(0)
		if err := a.call(func(err *C.recsys_error) C.recsys_status {
			return C.recsys_scorer_similar(c, m, id, f, wanted, out, &count, err)
		}); err != nil {
			return err
		}
		found = goScored(unsafe.Slice(out, count))
		return nil
	})
	return found, err
}

// BLASInfo describes the BLAS that the process uses.
type BLASInfo struct {
	Threads      int    // 0 if unknown
	Config, Core string // "" if unknown
}

// BLAS describes the BLAS that the process uses.
func BLAS() (BLASInfo, error) {
	info := C.recsys_blas_info{struct_size: C.sizeof_recsys_blas_info}
	err := call(func(err *C.recsys_error) C.recsys_status { return C.recsys_blas_get_info(&info, err) })
	return BLASInfo{int(info.n_threads), C.GoString(info.config), C.GoString(info.core)}, err
}

// UseAMX lets this process use AMX, the matrix registers of some x86-64 processors: scorers,
// recommenders and batchers created afterwards answer batches of 32 queries and more faster. The
// answers are the same. It is [ErrUnsupported] where there is no AMX.
func UseAMX() error {
	return call(func(err *C.recsys_error) C.recsys_status { return C.recsys_amx_use(err) })
}

// SetBLASThreads sets how many threads each BLAS call of this process uses; call it first of all. A
// program that owns its process sets 1, because goroutines that score are threads already.
func SetBLASThreads(n int) error {
	if n < 1 {
		return invalid("BLAS cannot use %d threads", n)
	}
	return call(func(err *C.recsys_error) C.recsys_status { return C.recsys_blas_set_threads(C.uint32_t(n), err) })
}
