package recsys

/*
#include "glue.h"
*/
import "C"

import (
	"sync"
	"unsafe"
)

// A Builder collects the parts of a model, then writes them as a bundle.
type Builder struct {
	object[*C.recsys_builder]
	lock   sync.Mutex
	arrays map[string]unsafe.Pointer // memory of C, which the library uses until Write
}

// NewBuilder makes an empty builder.
func NewBuilder() (*Builder, error) {
	var out *C.recsys_builder
	if err := call(func(err *C.recsys_error) C.recsys_status { return C.recsys_builder_create(&out, err) }); err != nil {
		return nil, err
	}
	arrays := map[string]unsafe.Pointer{}
	b := &Builder{arrays: arrays}
	b.open(out, func(c *C.recsys_builder) {
		C.recsys_builder_destroy(c)
		for _, memory := range arrays {
			C.free(memory)
		}
	})
	return b, nil
}

// with runs a call on the builder, which serves one goroutine at a time.
func (b *Builder) with(run func(a *arena, c *C.recsys_builder, err *C.recsys_error) C.recsys_status) error {
	c, err := b.enter()
	if err != nil {
		return err
	}
	defer b.leave()
	b.lock.Lock()
	defer b.lock.Unlock()
	a := newArena()
	defer a.release()
	return call(func(err *C.recsys_error) C.recsys_status { return run(a, c, err) })
}

// SetArray sets one array by its name (user_factors, item_ids, …; builder.h lists them), replacing one
// that was set before. The values are row-major; columns is 0 for an array of one dimension. They are
// copied.
func SetArray[T Number](b *Builder, name string, values []T, columns int) error {
	rows, dimensions := len(values), C.uint32_t(1)
	if columns > 0 {
		rows, dimensions = len(values)/columns, 2
	}
	if columns < 0 || columns > 0 && rows*columns != len(values) {
		return invalid("%s: %d numbers are no rows of %d", name, len(values), columns)
	}
	size := uintptr(len(values)) * unsafe.Sizeof(*new(T))
	memory := C.malloc(C.size_t(size + 1))
	copy(unsafe.Slice((*T)(memory), len(values)), values)
	return b.setArray(name, memory, C.recsys_array{data: memory, dtype: C.uint32_t(dtypeOf[T]()), n_dims: dimensions,
		shape: [2]C.uint64_t{C.uint64_t(rows), C.uint64_t(columns)}})
}

func (b *Builder) setArray(name string, memory unsafe.Pointer, array C.recsys_array) error {
	kept := false
	err := b.with(func(a *arena, c *C.recsys_builder, err *C.recsys_error) C.recsys_status {
		status := C.recsys_builder_set_array(c, a.cut(name), &array, err)
		if kept = status == C.RECSYS_OK; kept {
			C.free(b.arrays[name])
			b.arrays[name] = memory
		}
		return status
	})
	if !kept {
		C.free(memory)
	}
	return err
}

// SetTexts sets user_ids, item_ids or feature_names as texts.
func (b *Builder) SetTexts(name string, texts []string) error {
	return b.with(func(a *arena, c *C.recsys_builder, err *C.recsys_error) C.recsys_status {
		return C.recsys_builder_set_texts(c, a.cut(name), a.texts(texts), C.size_t(len(texts)), err)
	})
}

// SetField sets a field of the manifest: name, version, metric, link, metrics.NAME, tags.NAME, …
func (b *Builder) SetField(field, value string) error {
	return b.with(func(a *arena, c *C.recsys_builder, err *C.recsys_error) C.recsys_status {
		return C.recsys_builder_set_field(c, a.cut(field), a.cut(value), err)
	})
}

// AddItem adds one item's line to the catalogue: a JSON object with id, title, genres, release_year,
// rating, poster_url, language and adult.
func (b *Builder) AddItem(json []byte) error {
	return b.with(func(_ *arena, c *C.recsys_builder, err *C.recsys_error) C.recsys_status {
		return C.recsys_builder_add_item(c, pointer(json), C.size_t(len(json)), err)
	})
}

// ImportCatalog adds every line of a JSON Lines file to the catalogue.
func (b *Builder) ImportCatalog(path string) error {
	return b.with(func(a *arena, c *C.recsys_builder, err *C.recsys_error) C.recsys_status {
		return C.recsys_builder_import_catalog(c, a.cut(path), err)
	})
}

// ImportArray reads one array from a .npy, or from the member of an .npz or .safetensors; member "" is
// the same as name.
func (b *Builder) ImportArray(name, path, member string) error {
	return b.with(func(a *arena, c *C.recsys_builder, err *C.recsys_error) C.recsys_status {
		return C.recsys_builder_import_array(c, a.cut(name), a.cut(path), a.optional(member), err)
	})
}

// ImportModel takes over every array of a model file or bundle.
func (b *Builder) ImportModel(path string) error {
	return b.with(func(a *arena, c *C.recsys_builder, err *C.recsys_error) C.recsys_status {
		return C.recsys_builder_import_model(c, a.cut(path), err)
	})
}

// IDs says how many users (name "user_ids") or items ("item_ids") there are among the parts set so far,
// and the kind of their ids.
func (b *Builder) IDs(name string) (count uint64, kind IDKind, err error) {
	n, k := C.uint64_t(0), C.uint32_t(0)
	err = b.with(func(a *arena, c *C.recsys_builder, err *C.recsys_error) C.recsys_status {
		return C.recsys_builder_get_ids(c, a.cut(name), &n, &k, err)
	})
	return uint64(n), IDKind(k), err
}

// Find returns the row that an id has among the parts set so far; name is "user_ids" or "item_ids".
func (b *Builder) Find(name string, id ID) (row uint64, err error) {
	r := C.uint64_t(0)
	err = b.with(func(a *arena, c *C.recsys_builder, err *C.recsys_error) C.recsys_status {
		return C.recsys_builder_find(c, a.cut(name), a.id(id), &r, err)
	})
	return uint64(r), err
}

// Remove removes a part: an array by its name, "catalog" or "seen".
func (b *Builder) Remove(name string) error {
	return b.with(func(a *arena, c *C.recsys_builder, err *C.recsys_error) C.recsys_status {
		return C.recsys_builder_remove(c, a.cut(name), err)
	})
}

// AddSeen adds user-item pairs, rows of the factors, to the seen lists. Weights are as many, or nil: 1
// each. With sum, the weight of a pair that is added again is added; else it replaces the former one.
func (b *Builder) AddSeen(users, items []uint32, weights []float32, sum bool) error {
	if len(users) != len(items) || weights != nil && len(weights) != len(users) {
		return invalid("%d users, %d items and %d weights are no pairs", len(users), len(items), len(weights))
	}
	return b.with(func(_ *arena, c *C.recsys_builder, err *C.recsys_error) C.recsys_status {
		return C.recsys_builder_add_seen(c, (*C.uint32_t)(unsafe.Pointer(unsafe.SliceData(users))), (*C.uint32_t)(unsafe.Pointer(unsafe.SliceData(items))),
			(*C.float)(unsafe.Pointer(unsafe.SliceData(weights))), C.size_t(len(users)), flag(sum, C.RECSYS_SEEN_SUM), err)
	})
}

// ImportSeen adds the entries of a sparse matrix of users and items, an .npz of scipy, to the seen
// lists.
func (b *Builder) ImportSeen(path string) error {
	return b.with(func(a *arena, c *C.recsys_builder, err *C.recsys_error) C.recsys_status {
		return C.recsys_builder_import_seen(c, a.cut(path), err)
	})
}

// Write checks that the parts fit together and writes the bundle as the new directory path, which
// appears complete or not at all.
func (b *Builder) Write(path string) error {
	return b.with(func(a *arena, c *C.recsys_builder, err *C.recsys_error) C.recsys_status {
		return C.recsys_builder_write(c, a.cut(path), err)
	})
}
