package recsys

/*
#include "glue.h"
*/
import "C"

import (
	"encoding/json"
	"runtime/cgo"
	"syscall"
	"time"
	"unsafe"
)

// A Registry has published models: versions, and aliases that point at them. OpenRegistry makes one
// over a directory, package recsys.example/recsys/mlflow one over an MLflow server.
type Registry struct {
	object[*C.recsys_registry]
}

// OpenRegistry opens the registry at directory root, which must exist.
func OpenRegistry(root string) (*Registry, error) {
	a := newArena()
	defer a.release()
	text := a.text(root)
	var out *C.recsys_registry
	if err := a.call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_registry_open(text, &out, err)
	}); err != nil {
		return nil, err
	}
	return newRegistry(out), nil
}

func newRegistry(c *C.recsys_registry) *Registry {
	r := new(Registry)
	r.open(c, func(c *C.recsys_registry) { C.recsys_registry_unref(c) })
	return r
}

// AdoptRegistry makes a Registry of a recsys_registry that other C code has created, and takes over
// one reference. The Go packages of drivers use it.
func AdoptRegistry(registry unsafe.Pointer) *Registry {
	return newRegistry((*C.recsys_registry)(registry))
}

// With calls use with the recsys_registry, which stays open until use has returned. For packages of
// drivers.
func (r *Registry) With(use func(pointer unsafe.Pointer) error) error {
	c, err := r.enter()
	if err != nil {
		return err
	}
	defer r.leave()
	return use(unsafe.Pointer(c))
}

// Ref returns a second Registry of the same models, with a Close of its own.
func (r *Registry) Ref() (*Registry, error) {
	c, err := r.enter()
	if err != nil {
		return nil, err
	}
	defer r.leave()
	return newRegistry(C.recsys_registry_ref(c)), nil
}

// A Location is one published version. LoadModel takes its path, which is "" if the bundle was not
// fetched yet.
type Location struct {
	Name, Version, Path string
	Stamp               string // another text if the version may be another one than before
	Kept                bool   // the registry did not answer; this is what it said last
}

func (l *Location) read(c *C.recsys_registry_location) {
	*l = Location{roomText(c.name[:]), roomText(c.version[:]), roomText(c.path[:]), roomText(c.stamp[:]),
		c.flags&C.RECSYS_REGISTRY_KEPT != 0}
}

func (l *Location) write(a *arena) *C.recsys_registry_location {
	out := (*C.recsys_registry_location)(a.space(C.sizeof_recsys_registry_location))
	out.struct_size = C.sizeof_recsys_registry_location
	fillText(out.name[:], l.Name)
	fillText(out.version[:], l.Version)
	fillText(out.path[:], l.Path)
	fillText(out.stamp[:], l.Stamp)
	if l.Kept {
		out.flags = C.RECSYS_REGISTRY_KEPT
	}
	return out
}

// fillText is the other way of roomText; what has no room is cut.
func fillText(room []C.char, text string) {
	for i := 0; i < len(text) && i < len(room)-1; i++ {
		room[i] = C.char(text[i])
	}
}

// with runs a call on the registry.
func (r *Registry) with(run func(a *arena, c *C.recsys_registry, err *C.recsys_error) C.recsys_status) error {
	c, err := r.enter()
	if err != nil {
		return err
	}
	defer r.leave()
	a := newArena()
	defer a.release()
	return call(func(err *C.recsys_error) C.recsys_status { return run(a, c, err) })
}

// locate is with for a call that gives a location.
func (r *Registry) locate(run func(a *arena, c *C.recsys_registry, out *C.recsys_registry_location, err *C.recsys_error) C.recsys_status) (location Location, err error) {
	err = r.with(func(a *arena, c *C.recsys_registry, err *C.recsys_error) C.recsys_status {
		out := (*C.recsys_registry_location)(a.space(C.sizeof_recsys_registry_location))
		out.struct_size = C.sizeof_recsys_registry_location
		status := run(a, c, out, err)
		location.read(out)
		return status
	})
	return location, err
}

// Resolve finds the bundle that a URI means now: models:/NAME/3, models:/NAME/latest,
// models:/NAME@ALIAS or models:/NAME/Production.
func (r *Registry) Resolve(uri string) (Location, error) {
	return r.locate(func(a *arena, c *C.recsys_registry, out *C.recsys_registry_location, err *C.recsys_error) C.recsys_status {
		return C.recsys_registry_resolve(c, a.cut(uri), out, err)
	})
}

// Find is Resolve without fetching: one request to a server.
func (r *Registry) Find(uri string) (Location, error) {
	return r.locate(func(a *arena, c *C.recsys_registry, out *C.recsys_registry_location, err *C.recsys_error) C.recsys_status {
		return C.recsys_registry_find(c, a.cut(uri), out, err)
	})
}

// Fetch fetches the bundle of what Find has found.
func (r *Registry) Fetch(found Location) (Location, error) {
	err := r.with(func(a *arena, c *C.recsys_registry, err *C.recsys_error) C.recsys_status {
		location := found.write(a)
		status := C.recsys_registry_fetch(c, location, err)
		found.read(location)
		return status
	})
	return found, err
}

// Describe gives a version beyond its bundle as a JSON object: metrics, params and tags of the
// training for an MLflow server, {} for a directory.
func (r *Registry) Describe(found Location) (json.RawMessage, error) {
	var out C.recsys_value
	err := r.with(func(a *arena, c *C.recsys_registry, err *C.recsys_error) C.recsys_status {
		return C.recsys_registry_describe(c, found.write(a), &out, err)
	})
	return take(&out), err
}

// A RegistryStatus tells how a registry has answered Find and Resolve.
type RegistryStatus struct {
	Kept       bool      // it has not answered yet; what it said last was taken instead
	AnsweredAt time.Time // zero: never
	FailedAt   time.Time
	LastError  error // nil: none yet
}

// Status waits for no other call.
func (r *Registry) Status() (RegistryStatus, error) {
	var now RegistryStatus
	err := r.with(func(a *arena, c *C.recsys_registry, err *C.recsys_error) C.recsys_status {
		out := (*C.recsys_registry_status)(a.space(C.sizeof_recsys_registry_status))
		out.struct_size = C.sizeof_recsys_registry_status
		status := C.recsys_registry_get_status(c, out, err)
		now = RegistryStatus{Kept: out.kept != 0, AnsweredAt: unixTime(out.answered_ms), FailedAt: unixTime(out.failed_ms)}
		if out.failure.status != C.RECSYS_OK {
			now.LastError = &Error{Status: Status(out.failure.status), Errno: syscall.Errno(out.failure.sys_errno),
				Message: roomText(out.failure.message[:])}
		}
		return status
	})
	return now, err
}

// Publish copies the bundle into the registry as the next version of name.
func (r *Registry) Publish(bundle, name string) (Location, error) {
	return r.locate(func(a *arena, c *C.recsys_registry, out *C.recsys_registry_location, err *C.recsys_error) C.recsys_status {
		return C.recsys_registry_publish(c, a.cut(bundle), a.cut(name), out, err)
	})
}

// SetAlias points alias at a version.
func (r *Registry) SetAlias(name, alias, version string) error {
	return r.with(func(a *arena, c *C.recsys_registry, err *C.recsys_error) C.recsys_status {
		return C.recsys_registry_set_alias(c, a.cut(name), a.cut(alias), a.cut(version), err)
	})
}

// RemoveAlias removes an alias.
func (r *Registry) RemoveAlias(name, alias string) error {
	return r.with(func(a *arena, c *C.recsys_registry, err *C.recsys_error) C.recsys_status {
		return C.recsys_registry_remove_alias(c, a.cut(name), a.cut(alias), err)
	})
}

// A RegistryEntry is a version, or an alias and the version that it points at.
type RegistryEntry struct {
	Name, Version string
	Alias         string // "": a version itself
}

// List lists every version, oldest first, then every alias, of name; of all models if name is "".
func (r *Registry) List(name string) ([]RegistryEntry, error) {
	entries := []RegistryEntry{}
	handle := cgo.NewHandle(&entries)
	defer handle.Delete()
	err := r.with(func(a *arena, c *C.recsys_registry, err *C.recsys_error) C.recsys_status {
		return C.rg_registry_list(c, a.optional(name), C.uintptr_t(handle), err)
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

//export goTakeEntry
func goTakeEntry(entry *C.recsys_registry_entry, handle C.uintptr_t) C.int32_t {
	entries := cgo.Handle(handle).Value().(*[]RegistryEntry)
	*entries = append(*entries, RegistryEntry{C.GoString(entry.name), C.GoString(entry.version), C.GoString(entry.alias)})
	return 0
}
