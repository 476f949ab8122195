package recsys

/*
#include "glue.h"
*/
import "C"

import "runtime/cgo"

// A Registry is a directory of published models: versions, and aliases that point at them.
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

// Ref returns a second Registry of the same directory, with a Close of its own.
func (r *Registry) Ref() (*Registry, error) {
	c, err := r.enter()
	if err != nil {
		return nil, err
	}
	defer r.leave()
	return newRegistry(C.recsys_registry_ref(c)), nil
}

// A Location is one published version. LoadModel takes its path.
type Location struct{ Name, Version, Path string }

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
		location = Location{roomText(out.name[:]), roomText(out.version[:]), roomText(out.path[:])}
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
