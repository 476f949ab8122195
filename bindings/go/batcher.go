package recsys

/*
#include "glue.h"
*/
import "C"

import (
	"context"
	"runtime/cgo"
	"time"
)

// A Batcher scores requests that wait at the same time in one scan of the model. It is for large
// models, whose scan costs hardly more for twenty requests than for one; for models whose scan takes
// less than 50 µs or so a [Recommender] is faster. A goroutine that waits holds a thread.
type Batcher struct {
	object[*C.recsys_batcher]
}

// BatcherOptions of a batcher. Zero means the default.
type BatcherOptions struct {
	Scans      int // batches that are scored at the same time; 0 = 1
	Threads    int // of each scan, the caller's included; 0 = 1
	MaxBatch   int // requests of one batch; 0 = 64
	MaxWaiting int // callers that may wait; beyond: ErrExhausted; 0 = 1024
	MaxK       int // reserve room for this K at once; 0 = 100
	Dimensions int // … for vectors this long; 0 = 128
}

// NewBatcher makes a batcher. The options may be nil.
func NewBatcher(options *BatcherOptions) (*Batcher, error) {
	a := newArena()
	defer a.release()
	o := C.recsys_batcher_options{struct_size: C.sizeof_recsys_batcher_options}
	if options != nil {
		o.n_scans, o.n_threads, o.max_batch = a.count(options.Scans), a.count(options.Threads), a.count(options.MaxBatch)
		o.max_waiting, o.max_k = a.count(options.MaxWaiting), a.count(options.MaxK)
		o.dimensions = a.count(options.Dimensions)
	}
	var out *C.recsys_batcher
	if err := a.call(func(err *C.recsys_error) C.recsys_status { return C.recsys_batcher_create(&o, &out, err) }); err != nil {
		return nil, err
	}
	b := new(Batcher)
	b.open(out, func(c *C.recsys_batcher) { C.recsys_batcher_destroy(c) })
	return b, nil
}

// A Batch is what a request was answered in.
type Batch struct {
	Requests, Place int           // in this batch; of this one, from 0
	Wait, Scan      time.Duration // until the scan began; what it took
}

// An asking is one call of Batcher.Recommend.
type asking struct {
	ctx   context.Context
	facts *facts
	reply *Reply
	batch Batch
}

// Recommend answers a request, perhaps together with those of other goroutines; the reply is that of
// [Recommender.Recommend]. The context bounds the wait until the scan begins. A request whose context
// is done leaves the queue before the next scan.
func (b *Batcher) Recommend(ctx context.Context, model *Model, request Request) (*Reply, Batch, error) {
	timeout, err := remaining(ctx)
	if err != nil {
		return nil, Batch{}, err
	}
	c, err := b.enter()
	if err != nil {
		return nil, Batch{}, err
	}
	defer b.leave()
	m, err := model.enter()
	if err != nil {
		return nil, Batch{}, err
	}
	defer model.leave()
	f, err := model.known()
	if err != nil {
		return nil, Batch{}, err
	}
	a := newArena()
	defer a.release()
	r := (*C.recsys_request)(a.space(C.sizeof_recsys_request))
	request.write(a, r, f)
	defer leaveFilters([]Request{request}, r, 1)
	call := &asking{ctx: ctx, facts: f, reply: new(Reply)}
	handle := cgo.NewHandle(call)
	defer handle.Delete()
	err = a.call(func(err *C.recsys_error) C.recsys_status {
		return C.rg_batcher_recommend(c, m, r, timeout, C.uintptr_t(handle), err)
	})
	if err != nil {
		return nil, Batch{}, withCause(err, ctx.Err())
	}
	return call.reply, call.batch, nil
}

//export goReply
func goReply(reply *C.recsys_reply, batch *C.recsys_batch, handle C.uintptr_t, _ *C.recsys_error) C.recsys_status {
	call := cgo.Handle(handle).Value().(*asking)
	call.reply.read(reply, call.facts)
	call.batch = Batch{int(batch.n_requests), int(batch.place), time.Duration(batch.wait_ns), time.Duration(batch.scan_ns)}
	return C.RECSYS_OK
}

//export goIsCancelled
func goIsCancelled(handle C.uintptr_t) C.int32_t {
	if cgo.Handle(handle).Value().(*asking).ctx.Err() != nil {
		return 1
	}
	return 0
}
