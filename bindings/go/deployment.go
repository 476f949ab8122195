package recsys

/*
#include "glue.h"
*/
import "C"

import (
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
			flags: flag(options.AllowIDKind, C.RECSYS_DEPLOYMENT_ALLOW_ID_KIND) | flag(options.AllowNoCatalog, C.RECSYS_DEPLOYMENT_ALLOW_NO_CATALOG) | flag(options.AllowNoSeen, C.RECSYS_DEPLOYMENT_ALLOW_NO_SEEN)}
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
			Candidate: deployed(&out.candidate), LastErrorAt: unixTime(out.last_error_ms)}
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
