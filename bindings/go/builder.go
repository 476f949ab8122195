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
	lock sync.Mutex
	kept *kept
}

// Arrays in memory of C, which the library uses until the builder is destroyed.
type kept []unsafe.Pointer

func (k *kept) add(memory unsafe.Pointer) { *k = append(*k, memory) }

// NewBuilder makes an empty builder.
func NewBuilder() (*Builder, error) {
	var out *C.recsys_builder
	if err := call(func(err *C.recsys_error) C.recsys_status { return C.recsys_builder_create(&out, err) }); err != nil {
		return nil, err
	}
	arrays := new(kept)
	b := &Builder{kept: arrays}
	b.open(out, func(c *C.recsys_builder) {
		C.recsys_builder_destroy(c)
		for _, memory := range *arrays {
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

// A Part is an array for a builder, with its name.
type Part struct {
	name  string
	wrong error
	array func() C.recsys_array // a copy in memory of C
}

// NewPart names an array: values that are row-major, columns of them in a row, or 0 for an array of
// one dimension. The builder copies them when it gets the part.
func NewPart[T Number](name string, values []T, columns int) Part {
	var wrong error
	if columns < 0 || columns > 0 && len(values)%columns != 0 {
		wrong = invalid("%s: %d numbers are no rows of %d", name, len(values), columns)
	}
	return Part{name, wrong, func() C.recsys_array {
		size := uintptr(len(values)) * unsafe.Sizeof(*new(T))
		memory := C.malloc(C.size_t(size + 1))
		copy(unsafe.Slice((*T)(memory), len(values)), values)
		array := C.recsys_array{data: memory, dtype: C.uint32_t(dtypeOf[T]()), n_dims: 1,
			shape: [2]C.uint64_t{C.uint64_t(len(values)), 0}}
		if columns > 0 {
			array.n_dims, array.shape = 2, [2]C.uint64_t{C.uint64_t(len(values) / columns), C.uint64_t(columns)}
		}
		return array
	}}
}

// SetArray sets one array by its name (user_factors, item_ids, …; builder.h lists them), replacing one
// that was set before. See [NewPart].
func SetArray[T Number](b *Builder, name string, values []T, columns int) error {
	part := NewPart(name, values, columns)
	if part.wrong != nil {
		return part.wrong
	}
	array := part.array()
	return b.with(func(a *arena, c *C.recsys_builder, err *C.recsys_error) C.recsys_status {
		b.kept.add(array.data)
		return C.recsys_builder_set_array(c, a.cut(name), &array, err)
	})
}

// SetArrays sets arrays that are called as another library calls them (docs/models.md). Where names
// the file or the model that they are from, for messages.
func (b *Builder) SetArrays(where string, parts ...Part) error {
	for _, part := range parts {
		if part.wrong != nil {
			return part.wrong
		}
	}
	return b.with(func(a *arena, c *C.recsys_builder, err *C.recsys_error) C.recsys_status {
		arrays := (*C.recsys_array)(a.space(uintptr(len(parts)) * C.sizeof_recsys_array))
		names := make([]string, len(parts))
		for i, part := range parts {
			unsafe.Slice(arrays, len(parts))[i], names[i] = part.array(), part.name
			b.kept.add(unsafe.Slice(arrays, len(parts))[i].data)
		}
		return C.recsys_builder_set_arrays(c, a.cut(where), a.texts(names), arrays, C.size_t(len(parts)), err)
	})
}

// Choices returns the choices that the builder has made itself, a line each. Call it after everything
// is set.
func (b *Builder) Choices() (lines string, err error) {
	var out *C.char
	err = b.with(func(_ *arena, c *C.recsys_builder, err *C.recsys_error) C.recsys_status {
		status := C.recsys_builder_get_choices(c, &out, err)
		if status == C.RECSYS_OK {
			lines = C.GoString(out)
		}
		return status
	})
	return lines, err
}

// ImportTexts sets user_ids, item_ids or feature_names from a text file, one a line.
func (b *Builder) ImportTexts(name, path string) error {
	return b.with(func(a *arena, c *C.recsys_builder, err *C.recsys_error) C.recsys_status {
		return C.recsys_builder_import_texts(c, a.cut(name), a.cut(path), err)
	})
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
