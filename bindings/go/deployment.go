package recsys

/*
#include "glue.h"
*/
import "C"

import (
	"runtime/cgo"
	"syscall"
	"time"
)

// A Deployment is a slot with the operator's steps around it: load a candidate and check it, use it,
// roll back. If a step fails, the active model goes on serving.
type Deployment struct {
	object[*C.recsys_deployment]
}

// DeploymentOptions of a deployment. Zero means the default.
type DeploymentOptions struct {
	Registry       *Registry     // for models:/ URIs
	Canaries       int           // queries compared before a candidate is accepted; 0 = 32
	Model          *ModelOptions // for loading
	MinItemsRatio  float32       // candidate's items / active's items; 0 = 0.5; negative = no check
	AllowIDKind    bool          // accept a candidate with ids of another kind
	AllowNoCatalog bool          // … without a catalogue, though the active model has one
	AllowNoSeen    bool          // … without seen lists, though the active model has them

	// Limits beyond which a candidate is rejected, each from 0 to 1; 0 = none.
	MinOverlap    float32 // share of the active model's recommendations that the candidate's keep
	MaxScoreShift float32 // difference of the scores of both
	MaxEmptyShare float32 // share of answers without an item

	RecentRequests  int           // recorded ones that are kept to warm up a candidate; 0 = 256; negative = none
	Watch           time.Duration // for so long [Deployment.Record] watches a new model; 0 = 5 minutes; negative = never
	WatchMinAnswers int           // recorded before the watch decides; 0 = 100
	MaxErrorRise    float32       // of the share of failed answers over that of the model before; 0 = 0.2; negative = no limit
	MaxEmptyRise    float32       // the same of empty answers

	MaxMemory    uint64        // bytes that the models, and the one that is loaded, may have together; 0 = no limit
	History      string        // path of a file that keeps [Deployment.Events] for the next start; "" = in memory only
	MaxHistory   int           // events that are kept; 0 = 200
	PollInterval time.Duration // of [Deployment.PollWait]; 0 = 30 seconds
	MaxPollWait  time.Duration // between polls of a source that fails; 0 = 10 intervals
	PollJitter   float32       // an interval is longer or shorter by up to this share; 0 = 0.1; negative = none
}

// NewDeployment makes a deployment; nothing is loaded yet. Source is a models:/ URI or a path, which
// Reload loads; "": the caller gives every model. The options may be nil.
func NewDeployment(source string, options *DeploymentOptions) (*Deployment, error) {
	a := newArena()
	defer a.release()
	o := (*C.recsys_deployment_options)(nil)
	if options != nil {
		o = (*C.recsys_deployment_options)(a.space(C.sizeof_recsys_deployment_options))
		*o = C.recsys_deployment_options{struct_size: C.sizeof_recsys_deployment_options, n_canaries: a.count(options.Canaries),
			model_options: options.Model.c(a), min_items_ratio: C.float(options.MinItemsRatio),
			min_overlap: C.float(options.MinOverlap), max_score_shift: C.float(options.MaxScoreShift), max_empty_share: C.float(options.MaxEmptyShare),
			n_recent: a.countOrNone(options.RecentRequests), watch_s: a.countOrNone(int(options.Watch / time.Second)),
			watch_min_answers: a.count(options.WatchMinAnswers), max_error_rise: C.float(options.MaxErrorRise), max_empty_rise: C.float(options.MaxEmptyRise),
			max_memory: C.uint64_t(options.MaxMemory), history: a.optional(options.History), max_history: a.count(options.MaxHistory),
			poll_interval_ms: a.count(int(options.PollInterval.Milliseconds())), max_poll_wait_ms: a.count(int(options.MaxPollWait.Milliseconds())),
			poll_jitter: C.float(options.PollJitter),
			flags:       flag(options.AllowIDKind, C.RECSYS_DEPLOYMENT_ALLOW_ID_KIND) | flag(options.AllowNoCatalog, C.RECSYS_DEPLOYMENT_ALLOW_NO_CATALOG) | flag(options.AllowNoSeen, C.RECSYS_DEPLOYMENT_ALLOW_NO_SEEN)}
		if options.Registry != nil {
			registry, err := options.Registry.enter()
			if err != nil {
				return nil, err
			}
			defer options.Registry.leave()
			o.registry = registry
		}
	}
	text := a.optional(source)
	var out *C.recsys_deployment
	if err := a.call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_deployment_create(text, o, &out, err)
	}); err != nil {
		return nil, err
	}
	d := new(Deployment)
	d.open(out, func(c *C.recsys_deployment) { C.recsys_deployment_destroy(c) })
	return d, nil
}

// Acquire returns the active model, as [Slot.Acquire] does; nil if there is none.
func (d *Deployment) Acquire() *Model {
	c, err := d.enter()
	if err != nil {
		return nil
	}
	defer d.leave()
	return newModel(C.recsys_deployment_acquire(c))
}

func (d *Deployment) with(run func(a *arena, c *C.recsys_deployment, err *C.recsys_error) C.recsys_status) error {
	c, err := d.enter()
	if err != nil {
		return err
	}
	defer d.leave()
	a := newArena()
	defer a.release()
	return call(func(err *C.recsys_error) C.recsys_status { return run(a, c, err) })
}

// Load loads the model at source ("": the deployment's own) as the candidate. It fails with
// [ErrRejected] if the canary rejects it.
func (d *Deployment) Load(source string) error {
	return d.with(func(a *arena, c *C.recsys_deployment, err *C.recsys_error) C.recsys_status {
		return C.recsys_deployment_load(c, a.optional(source), err)
	})
}

// LoadModel makes a model of the caller the candidate, after the same canary. The caller keeps its
// own reference.
func (d *Deployment) LoadModel(model *Model) error {
	m, err := model.enter()
	if err != nil {
		return err
	}
	defer model.leave()
	return d.with(func(_ *arena, c *C.recsys_deployment, err *C.recsys_error) C.recsys_status {
		return C.recsys_deployment_load_model(c, m, err)
	})
}

// Use serves the candidate. It fails with [ErrConflict] if the candidate has another version than
// version; "" is any.
func (d *Deployment) Use(version string) error {
	return d.with(func(a *arena, c *C.recsys_deployment, err *C.recsys_error) C.recsys_status {
		return C.recsys_deployment_use(c, a.optional(version), err)
	})
}

// Rollback serves the previous model again.
func (d *Deployment) Rollback() error {
	return d.with(func(_ *arena, c *C.recsys_deployment, err *C.recsys_error) C.recsys_status {
		return C.recsys_deployment_rollback(c, err)
	})
}

// Reload loads and uses the model that the source names now, if its content has changed.
func (d *Deployment) Reload() (changed bool, err error) {
	flag := C.uint32_t(0)
	err = d.with(func(_ *arena, c *C.recsys_deployment, err *C.recsys_error) C.recsys_status {
		return C.recsys_deployment_reload(c, &flag, err)
	})
	return flag != 0, err
}

// Poll is Reload if the source means something that was not loaded or refused before. It is made to
// be called every few seconds.
func (d *Deployment) Poll() (changed bool, err error) {
	flag := C.uint32_t(0)
	err = d.with(func(_ *arena, c *C.recsys_deployment, err *C.recsys_error) C.recsys_status {
		return C.recsys_deployment_poll(c, &flag, err)
	})
	return flag != 0, err
}

// Record says how requests were answered by model, which [Deployment.Acquire] gave: of answers, so
// many failed, and so many of the others have no item. If a new model answers worse than the one
// before it, this call rolls back. The request may be nil; else its user and its numbers are kept, to
// warm up the next candidate.
func (d *Deployment) Record(model *Model, request *Request, answers, failed, empty int) error {
	m, err := model.enter()
	if err != nil {
		return err
	}
	defer model.leave()
	return d.with(func(a *arena, c *C.recsys_deployment, err *C.recsys_error) C.recsys_status {
		asked := (*C.recsys_request)(nil)
		if request != nil && request.Vector == nil && request.Liked == nil {
			plain := Request{User: request.User, K: request.K, MinRating: request.MinRating, Decade: request.Decade,
				Reasons: request.Reasons, IncludeSeen: request.IncludeSeen, IncludeAdult: request.IncludeAdult}
			asked = (*C.recsys_request)(a.space(C.sizeof_recsys_request))
			plain.write(a, asked, nil)
		}
		return C.recsys_deployment_record(c, m, asked, C.uint64_t(answers), C.uint64_t(failed), C.uint64_t(empty), err)
	})
}

// Reap is [Slot.Reap].
func (d *Deployment) Reap() int {
	c, err := d.enter()
	if err != nil {
		return 0
	}
	defer d.leave()
	return int(C.recsys_deployment_reap(c))
}

// A Deployed is one of the models of a deployment; zero if there is none.
type Deployed struct {
	Name, Version, Fingerprint string
	Since                      time.Time // it became active, previous or candidate
}

// A DeploymentStatus says where a deployment stands.
type DeploymentStatus struct {
	Loading                     bool // a step runs
	Swaps, Failures, Retired    uint64
	Active, Previous, Candidate Deployed
	LastError                   error // of the last step that failed; nil if none has
	LastErrorAt                 time.Time

	Step          string // what the step that runs does: "find", "fetch", "load", "warm", "check", "swap"; else "none"
	StepSince     time.Time
	Watching      bool   // the active model is new, and its recorded answers are watched
	Withdrawn     uint64 // rollbacks because of recorded answers
	Answers       uint64 // recorded, of the active model
	FailedAnswers uint64
	EmptyAnswers  uint64
	Recent        uint64 // recorded requests that are kept to warm up a candidate
	MemoryBytes   uint64 // of the three models, mapped or not
	NeededBytes   uint64 // estimated for the last model that was to be loaded
	MaxMemory     uint64
	FailedPolls   int // in a row, for a reason that may pass
}

// A DeploymentEvent is something that happened: a model began to be served, or a step failed.
type DeploymentEvent struct {
	Time                       time.Time
	Took                       time.Duration // the step until then
	Step, Source               string
	Name, Version, Fingerprint string // "" if the step failed before the model was known
	Err                        error  // why the step failed; nil: the model began to be served
	Message                    string
}

// PollWait is how long to wait before the next [Deployment.Poll].
func (d *Deployment) PollWait() time.Duration {
	c, err := d.enter()
	if err != nil {
		return 0
	}
	defer d.leave()
	return time.Duration(C.recsys_deployment_get_poll_wait(c)) * time.Millisecond
}

// Events is the history, oldest first: what served when, and why steps failed.
func (d *Deployment) Events() ([]DeploymentEvent, error) {
	found := []DeploymentEvent{}
	handle := cgo.NewHandle(&found)
	defer handle.Delete()
	err := d.with(func(_ *arena, c *C.recsys_deployment, err *C.recsys_error) C.recsys_status {
		return C.rg_deployment_list(c, C.uintptr_t(handle), err)
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

//export goTakeEvent
func goTakeEvent(event *C.recsys_deployment_event, handle C.uintptr_t) C.int32_t {
	found := cgo.Handle(handle).Value().(*[]DeploymentEvent)
	seen := DeploymentEvent{Time: unixTime(event.time_ms), Took: time.Duration(event.took_ms) * time.Millisecond,
		Step: C.GoString(event.step), Source: C.GoString(event.source), Name: C.GoString(event.name),
		Version: C.GoString(event.version), Fingerprint: C.GoString(event.fingerprint), Message: C.GoString(event.message)}
	if event.kind == C.RECSYS_DEPLOYMENT_FAILED {
		seen.Err = &Error{Status: Status(event.status), Message: seen.Message}
	}
	*found = append(*found, seen)
	return 0
}

// Status does not wait for a step that runs.
func (d *Deployment) Status() (DeploymentStatus, error) {
	var now DeploymentStatus
	err := d.with(func(a *arena, c *C.recsys_deployment, err *C.recsys_error) C.recsys_status {
		out := (*C.recsys_deployment_status)(a.space(C.sizeof_recsys_deployment_status))
		out.struct_size = C.sizeof_recsys_deployment_status
		status := C.recsys_deployment_get_status(c, out, err)
		now = DeploymentStatus{Loading: out.loading != 0, Swaps: uint64(out.n_swaps), Failures: uint64(out.n_failures),
			Retired: uint64(out.n_retired), Active: deployed(&out.active), Previous: deployed(&out.previous),
			Candidate: deployed(&out.candidate), LastErrorAt: unixTime(out.last_error_ms),
			Step: C.GoString(C.recsys_deployment_step_name(out.step)), StepSince: unixTime(out.step_since_ms),
			Watching: out.watching != 0, Withdrawn: uint64(out.n_withdrawn), Answers: uint64(out.n_answers),
			FailedAnswers: uint64(out.n_failed_answers), EmptyAnswers: uint64(out.n_empty_answers), Recent: uint64(out.n_recent),
			MemoryBytes: uint64(out.memory_bytes), NeededBytes: uint64(out.needed_bytes), MaxMemory: uint64(out.max_memory),
			FailedPolls: int(out.n_failed_polls)}
		if out.last_error.status != C.RECSYS_OK {
			now.LastError = &Error{Status: Status(out.last_error.status),
				Errno:   syscall.Errno(out.last_error.sys_errno),
				Message: roomText(out.last_error.message[:])}
		}
		return status
	})
	return now, err
}

func deployed(c *C.recsys_deployment_entry) Deployed {
	return Deployed{roomText(c.name[:]), roomText(c.version[:]), roomText(c.fingerprint[:]), unixTime(c.since_ms)}
}

// unixTime is the zero Time for 0.
func unixTime(ms C.uint64_t) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms))
}
