package recsys

/*
#include "glue.h"
*/
import "C"

import (
	"sync"
	"unsafe"
)

// ScorerOptions are for recommenders and scorers: each of the workspaces that one call at a time
// uses. Zero means the default.
type ScorerOptions struct {
	Threads    int // that scan, the caller's included; 0 = 1
	MaxK       int // reserve room for this K at once; 0 = 100
	MaxBatch   int // … for this many queries; 0 = 1
	Dimensions int // … for vectors this long; 0 = 128
}

func (o *ScorerOptions) c(a *arena) *C.recsys_scorer_options {
	if o == nil {
		return nil
	}
	out := (*C.recsys_scorer_options)(a.space(C.sizeof_recsys_scorer_options))
	*out = C.recsys_scorer_options{struct_size: C.sizeof_recsys_scorer_options, n_threads: a.count(o.Threads),
		max_k: a.count(o.MaxK), max_batch: a.count(o.MaxBatch), dimensions: a.count(o.Dimensions)}
	return out
}

// A workspace serves one call at a time; all of it is memory of C.
type workspace struct {
	c     *C.rg_workspace
	arena *arena
}

func newWorkspace(c *C.recsys_recommender) *workspace {
	w := &workspace{(*C.rg_workspace)(C.calloc(1, C.sizeof_rg_workspace)), newArena()}
	w.c.recommender = c
	return w
}

func (w *workspace) free() {
	C.recsys_recommender_destroy(w.c.recommender)
	w.arena.release()
	C.free(unsafe.Pointer(w.c))
}

// A Recommender answers requests. It is a pool of the library's recommenders, one for each call that
// runs at the same time, and is not tied to a model.
type Recommender struct {
	object[*recommenders]
}

type recommenders = stack[*workspace]

// NewRecommender makes a recommender. The options may be nil.
func NewRecommender(options *ScorerOptions) (*Recommender, error) {
	var own *ScorerOptions
	if options != nil {
		copied := *options
		own = &copied
	}
	pool := &recommenders{made: func() (*workspace, error) {
		a := newArena()
		defer a.release()
		o := own.c(a)
		var out *C.recsys_recommender
		err := a.call(func(err *C.recsys_error) C.recsys_status {
			return C.recsys_recommender_create(o, &out, err)
		})
		if err != nil {
			return nil, err
		}
		return newWorkspace(out), nil
	}}
	first, err := pool.take()
	if err != nil {
		return nil, err
	}
	pool.put(first)
	r := new(Recommender)
	r.open(pool, func(pool *recommenders) {
		for _, w := range pool.all() {
			w.free()
		}
	})
	return r, nil
}

// A use is one call of a recommender on a model.
type use struct {
	recommender *Recommender
	model       *Model
	pool        *recommenders
	w           *workspace
	f           *facts
}

func (r *Recommender) begin(model *Model) (u use, err error) {
	u.recommender, u.model = r, model
	if u.pool, err = r.enter(); err != nil {
		return u, err
	}
	c, err := model.enter()
	if err != nil {
		r.leave()
		return u, err
	}
	if u.f, err = model.known(); err == nil {
		if u.w, err = u.pool.take(); err == nil {
			u.w.c.model = c
			return u, nil
		}
	}
	model.leave()
	r.leave()
	return u, err
}

func (u *use) end() {
	u.w.arena.reset()
	u.pool.put(u.w)
	u.model.leave()
	u.recommender.leave()
}

// write fills the workspace's request, or one in the arena for each of several.
func (u *use) write(requests []Request) (*C.recsys_request, error) {
	first := &u.w.c.request
	if len(requests) != 1 {
		first = (*C.recsys_request)(u.w.arena.space(uintptr(len(requests)) * C.sizeof_recsys_request))
	}
	for i := range requests {
		requests[i].write(u.w.arena, &unsafe.Slice(first, len(requests))[i], u.f)
	}
	if failed := u.w.arena.failed; failed != nil {
		leaveFilters(requests, first, len(requests))
		return nil, failed
	}
	return first, nil
}

// Recommend answers one request. Requests of unknown users are answered too; the reply says by which
// strategy.
func (r *Recommender) Recommend(model *Model, request Request) (*Reply, error) {
	reply := new(Reply)
	if err := r.RecommendTo(model, request, reply); err != nil {
		return nil, err
	}
	return reply, nil
}

// RecommendTo is Recommend into a reply that was used before, whose items are overwritten: it allocates
// nothing if they have room. After a failure the reply is as it was.
func (r *Recommender) RecommendTo(model *Model, request Request, reply *Reply) error {
	u, err := r.begin(model)
	if err != nil {
		return err
	}
	defer u.end()
	w := u.w
	request.write(w.arena, &w.c.request, u.f)
	if w.c.request.filter != nil {
		defer request.Filter.leave()
	}
	if w.arena.failed != nil {
		return w.arena.failed
	}
	if status := C.rg_recommend(w.c); status != C.RECSYS_OK {
		return failure(status, &w.c.err)
	}
	reply.read(&w.c.reply, u.f)
	return nil
}

// RecommendBatch answers several requests at once, which is faster than one after the other. An
// error in one of several requests is in the Err of its reply; the others are answered.
func (r *Recommender) RecommendBatch(model *Model, requests []Request) ([]Reply, error) {
	if len(requests) == 0 {
		return []Reply{}, nil
	}
	u, err := r.begin(model)
	if err != nil {
		return nil, err
	}
	defer u.end()
	first, err := u.write(requests)
	if err != nil {
		return nil, err
	}
	defer leaveFilters(requests, first, len(requests))
	replies := (*C.recsys_reply)(u.w.arena.space(uintptr(len(requests)) * C.sizeof_recsys_reply))
	replies.struct_size = C.sizeof_recsys_reply
	status := C.recsys_recommend(u.w.c.recommender, u.w.c.model, first, C.size_t(len(requests)), replies, &u.w.c.err)
	if status != C.RECSYS_OK {
		return nil, failure(status, &u.w.c.err)
	}
	out := make([]Reply, len(requests))
	for i := range out {
		out[i].read(&unsafe.Slice(replies, len(out))[i], u.f)
	}
	return out, nil
}

// Answers are the places for the answers of RecommendInto, row-major: those to request q are in
// Items[q*Stride : q*Stride+Counts[q]], and in the same places of Rows and Scores. Places without an
// answer hold the zero ID, [PaddingRow] and minus infinity.
type Answers struct {
	Stride     int
	Items      []ID     // nil: not wanted
	Rows       []uint32 // rows of the item_* arrays; nil: not wanted
	Scores     []float32
	Counts     []uint32
	Strategies []Strategy
}

// PaddingRow is in the places of rows that have no answer.
const PaddingRow uint32 = C.RECSYS_PADDING_ROW

// NewAnswers makes room for n requests of at most stride answers each, items and rows included.
func NewAnswers(n, stride int) *Answers {
	return &Answers{stride, make([]ID, n*stride), make([]uint32, n*stride), make([]float32, n*stride),
		make([]uint32, n), make([]Strategy, n)}
}

func (a *Answers) check(n int) error {
	room := n * a.Stride
	if a.Stride < 1 || len(a.Scores) < room || len(a.Counts) < n || len(a.Strategies) < n ||
		(a.Items != nil && len(a.Items) < room) || (a.Rows != nil && len(a.Rows) < room) {
		return invalid("the answers have no room for %d requests of %d items", n, a.Stride)
	}
	return nil
}

// RecommendInto is RecommendBatch into memory of the caller, without reasons. The first request that
// cannot be answered makes it fail.
func (r *Recommender) RecommendInto(model *Model, requests []Request, out *Answers) error {
	if err := out.check(len(requests)); err != nil || len(requests) == 0 {
		return err
	}
	u, err := r.begin(model)
	if err != nil {
		return err
	}
	defer u.end()
	first, err := u.write(requests)
	if err != nil {
		return err
	}
	defer leaveFilters(requests, first, len(requests))
	room := len(requests) * out.Stride
	var ids *C.recsys_id
	var rows *C.uint32_t
	if out.Items != nil {
		ids = (*C.recsys_id)(u.w.arena.space(uintptr(room) * C.sizeof_recsys_id))
	}
	if out.Rows != nil {
		rows = (*C.uint32_t)(unsafe.Pointer(&out.Rows[0]))
	}
	status := C.recsys_recommend_into(u.w.c.recommender, u.w.c.model, first, C.size_t(len(requests)), C.size_t(out.Stride), ids, rows,
		(*C.float)(unsafe.Pointer(&out.Scores[0])), (*C.uint32_t)(unsafe.Pointer(&out.Counts[0])), nil,
		(*C.uint32_t)(unsafe.Pointer(&out.Strategies[0])), &u.w.c.err)
	if status != C.RECSYS_OK {
		return failure(status, &u.w.c.err)
	}
	for i := range out.Items[:min(len(out.Items), room)] {
		out.Items[i] = goID(&unsafe.Slice(ids, room)[i]) // padding becomes the zero ID
	}
	return nil
}

// Similar answers with the items most similar to item, by the cosine, that meet the filters of the
// request. Items that its user has seen are left out.
func (r *Recommender) Similar(model *Model, item ID, request Request) (*Reply, error) {
	u, err := r.begin(model)
	if err != nil {
		return nil, err
	}
	defer u.end()
	requests := []Request{request}
	first, err := u.write(requests)
	if err != nil {
		return nil, err
	}
	defer leaveFilters(requests, first, 1)
	u.w.c.reply.struct_size = C.sizeof_recsys_reply
	status := C.recsys_recommend_similar(u.w.c.recommender, u.w.c.model, u.w.arena.id(item), first, &u.w.c.reply, &u.w.c.err)
	if status != C.RECSYS_OK {
		return nil, failure(status, &u.w.c.err)
	}
	reply := new(Reply)
	reply.read(&u.w.c.reply, u.f)
	return reply, nil
}

// ScoreItems gives the scores that the request would give to these items, after and before the link,
// with the same bits as Recommend; NaN for an item that the model does not have. The reply has no
// items.
func (r *Recommender) ScoreItems(model *Model, request Request, items []ID) (scores, raws []float32, reply *Reply, err error) {
	u, err := r.begin(model)
	if err != nil {
		return nil, nil, nil, err
	}
	defer u.end()
	requests := []Request{request}
	first, err := u.write(requests)
	if err != nil {
		return nil, nil, nil, err
	}
	defer leaveFilters(requests, first, 1)
	scores, raws = make([]float32, len(items)), make([]float32, len(items))
	u.w.c.reply.struct_size = C.sizeof_recsys_reply
	status := C.recsys_recommend_score_items(u.w.c.recommender, u.w.c.model, first, u.w.arena.ids(items), C.size_t(len(items)),
		(*C.float)(unsafe.Pointer(unsafe.SliceData(scores))), (*C.float)(unsafe.Pointer(unsafe.SliceData(raws))),
		&u.w.c.reply, &u.w.c.err)
	if status != C.RECSYS_OK {
		return nil, nil, nil, failure(status, &u.w.c.err)
	}
	reply = new(Reply)
	reply.read(&u.w.c.reply, u.f)
	return scores, raws, reply, nil
}

var shared struct {
	once        sync.Once
	recommender *Recommender
	err         error
}

// Recommend answers one request with a recommender that all models share.
func (m *Model) Recommend(request Request) (*Reply, error) {
	r, err := sharedRecommender()
	if err != nil {
		return nil, err
	}
	return r.Recommend(m, request)
}

// Similar is [Recommender.Similar] with a recommender that all models share.
func (m *Model) Similar(item ID, request Request) (*Reply, error) {
	r, err := sharedRecommender()
	if err != nil {
		return nil, err
	}
	return r.Similar(m, item, request)
}

func sharedRecommender() (*Recommender, error) {
	shared.once.Do(func() { shared.recommender, shared.err = NewRecommender(nil) })
	return shared.recommender, shared.err
}
