package recsys

/*
#include "glue.h"
*/
import "C"

import "unsafe"

// A CatalogEntry says what is known about an item besides its vector.
type CatalogEntry struct {
	Known       bool     // the catalogue has this item; if not, all other fields are empty
	Title       string   // "" if unknown
	Genres      []string // in the catalogue's order
	PosterURL   string   // "" if unknown
	Language    string   // lower case, "en"; "" if unknown
	ReleaseYear int      // 0 if unknown
	Rating      float32  // 0..10; negative if unknown
	Adult       bool
}

// Catalog looks up an item. It fails with [ErrNotFound] if the model has no such item; for an item
// without an entry it succeeds, and Known is false.
func (m *Model) Catalog(item ID) (CatalogEntry, error) {
	c, err := m.enter()
	if err != nil {
		return CatalogEntry{}, err
	}
	defer m.leave()
	a := newArena()
	defer a.release()
	id, out := a.id(item), C.recsys_item{struct_size: C.sizeof_recsys_item}
	if err := call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_catalog_get(c, id, &out, err)
	}); err != nil {
		return CatalogEntry{}, err
	}
	entry := CatalogEntry{Known: out.known != 0, Title: C.GoString(out.title), PosterURL: C.GoString(out.poster_url),
		Language: C.GoString(out.language), ReleaseYear: int(out.release_year), Rating: float32(out.rating),
		Adult: out.adult != 0}
	for _, genre := range unsafe.Slice(out.genres, out.n_genres) {
		entry.Genres = append(entry.Genres, C.GoString(genre))
	}
	return entry, nil
}

// Genres lists the genres of the catalogue in the order in which they first appear.
func (m *Model) Genres() ([]string, error) {
	return pages(m, 0, -1, textSize, func(c *C.recsys_model, o C.uint64_t, out **C.char, n C.size_t, count *C.size_t, err *C.recsys_error) C.recsys_status {
		return C.recsys_catalog_get_genres(c, o, out, n, count, err)
	}, goText)
}

// Languages lists the languages of the catalogue in the order in which they first appear.
func (m *Model) Languages() ([]string, error) {
	return pages(m, 0, -1, textSize, func(c *C.recsys_model, o C.uint64_t, out **C.char, n C.size_t, count *C.size_t, err *C.recsys_error) C.recsys_status {
		return C.recsys_catalog_get_languages(c, o, out, n, count, err)
	}, goText)
}

// A Filter is the set of a model's items that a query may return. It works for every model of the
// same fingerprint.
type Filter struct {
	object[*C.recsys_filter]
}

// FilterOptions are the conditions of a filter, all of which an item must meet. Zero means no
// condition. An item whose rating, language or year is unknown meets no condition on it.
type FilterOptions struct {
	ExcludeAdult     bool
	MinRating        float32
	MinYear, MaxYear int
	Languages        []string // any of these
	Allow            []ID     // only these; an empty list that is not nil allows no item
	Exclude          []ID     // not these
	SeenBy           ID       // not the items that this user has seen
}

// NewFilter makes a filter. It takes one pass over all items, so make it once and use it often.
func (m *Model) NewFilter(options FilterOptions) (*Filter, error) {
	c, err := m.enter()
	if err != nil {
		return nil, err
	}
	defer m.leave()
	a := newArena()
	defer a.release()
	o := (*C.recsys_filter_options)(a.space(C.sizeof_recsys_filter_options))
	*o = C.recsys_filter_options{struct_size: C.sizeof_recsys_filter_options,
		flags: flag(options.ExcludeAdult, C.RECSYS_FILTER_EXCLUDE_ADULT) |
			flag(options.Allow != nil, C.RECSYS_FILTER_ALLOW) |
			flag(!options.SeenBy.IsNone(), C.RECSYS_FILTER_EXCLUDE_SEEN),
		min_rating: C.float(options.MinRating), min_year: C.int32_t(options.MinYear),
		max_year: C.int32_t(options.MaxYear), n_languages: C.uint32_t(len(options.Languages)),
		languages: a.texts(options.Languages), allow: a.ids(options.Allow),
		n_allow: C.size_t(len(options.Allow)), exclude: a.ids(options.Exclude),
		n_exclude: C.size_t(len(options.Exclude))}
	if !options.SeenBy.IsNone() {
		o.seen_by = a.id(options.SeenBy)
	}
	var out *C.recsys_filter
	if err := a.call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_filter_create(c, o, &out, err)
	}); err != nil {
		return nil, err
	}
	return newFilter(out), nil
}

func newFilter(c *C.recsys_filter) *Filter {
	f := new(Filter)
	f.open(c, func(c *C.recsys_filter) { C.recsys_filter_unref(c) })
	return f
}

// Ref returns a second Filter of the same content, with a Close of its own.
func (f *Filter) Ref() (*Filter, error) {
	c, err := f.enter()
	if err != nil {
		return nil, err
	}
	defer f.leave()
	return newFilter(C.recsys_filter_ref(c)), nil
}

// Count returns how many items pass; 0 after Close.
func (f *Filter) Count() int {
	c, err := f.enter()
	if err != nil {
		return 0
	}
	defer f.leave()
	return int(C.recsys_filter_count(c))
}
