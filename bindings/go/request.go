package recsys

/*
#include "glue.h"
*/
import "C"

import "unsafe"

// A Request asks for recommendations. Zero means no condition.
//
// The vector to score with is Vector if it is given; else the session's, which comes from the Liked
// items (of an ALS model by its equations, else their weighted mean); else the user's. A request with none of these is answered by its preferences (Genres,
// and in a model with features also Languages, Decade and MinRating), or else by popularity.
type Request struct {
	User          ID       // the zero ID is nobody: an anonymous request
	K             int      // 0 = 10; more than the model has = all items
	MinRating     float32  // 0..10
	Decade        int      // first year: 1990 for the 1990s
	Genres        []string // favourite genres: a preference, no filter
	Languages     []string // any of these
	RequireGenres []string // only items that have at least one of these: a filter
	// The strength of preferences: nil = 0.6; 0 = they do not change the order. See [Strength].
	PreferenceStrength *float32
	Exclude            []ID // never these
	Allow              []ID // only these; an empty list that is not nil allows no item
	Vector             []float32
	Liked              []ID      // a session: items liked, which are not recommended
	LikedWeights       []float32 // as many as Liked, from 0 on; nil = all equal
	Filter             *Filter   // of a model with the same fingerprint
	Reasons            bool      // give reasons
	IncludeSeen        bool      // items that the user has seen are allowed
	IncludeAdult       bool      // adult items are allowed
	Diversity          float32   // 0..1: choose items that are unlike each other; 0 = by score alone
	// At most so many items of each genre, decade and language; 0 = any number.
	MaxPerGenre, MaxPerDecade, MaxPerLanguage int
}

// Strength is a value for PreferenceStrength, 0 to 10.
func Strength(s float32) *float32 { return &s }

// write fills a request of the library. A filter is entered; leave it after the call.
func (r *Request) write(a *arena, out *C.recsys_request, f *facts) {
	*out = C.recsys_request{struct_size: C.sizeof_recsys_request,
		flags: flag(r.User.IsNone(), C.RECSYS_REQUEST_ANONYMOUS) | flag(r.Allow != nil, C.RECSYS_REQUEST_ALLOW) |
			flag(r.Reasons, C.RECSYS_REQUEST_REASONS) | flag(r.IncludeSeen, C.RECSYS_REQUEST_INCLUDE_SEEN) |
			flag(r.IncludeAdult, C.RECSYS_REQUEST_INCLUDE_ADULT) |
			flag(r.PreferenceStrength != nil, C.RECSYS_REQUEST_STRENGTH),
		k: a.count(r.K), min_rating: C.float(r.MinRating), decade: C.int32_t(r.Decade),
		diversity: C.float(r.Diversity), max_per_genre: a.count(r.MaxPerGenre),
		max_per_decade: a.count(r.MaxPerDecade), max_per_language: a.count(r.MaxPerLanguage)}
	if r.PreferenceStrength != nil {
		out.preference_strength = C.float(*r.PreferenceStrength)
	}
	if !r.User.IsNone() {
		out.user = a.id(r.User)
	}
	if r.Filter != nil {
		c, err := r.Filter.enter()
		if err != nil {
			a.fail(err)
		} else {
			out.filter = c
		}
	}
	if r.hasLists() {
		r.writeLists(a, out, f)
	}
}

func (r *Request) hasLists() bool {
	return r.Genres != nil || r.Languages != nil || r.Exclude != nil || r.Allow != nil || r.Vector != nil ||
		r.RequireGenres != nil || r.Liked != nil || r.LikedWeights != nil
}

func (r *Request) writeLists(a *arena, out *C.recsys_request, f *facts) {
	if r.Vector != nil && len(r.Vector) != f.dimensions {
		a.fail(invalid("the vector has %d numbers, the model's have %d", len(r.Vector), f.dimensions))
	}
	if r.LikedWeights != nil && len(r.LikedWeights) != len(r.Liked) {
		a.fail(invalid("%d liked items have %d weights", len(r.Liked), len(r.LikedWeights)))
	}
	out.genres, out.n_genres = a.texts(r.Genres), C.uint32_t(len(r.Genres))
	out.languages, out.n_languages = a.texts(r.Languages), C.uint32_t(len(r.Languages))
	out.require_genres, out.n_require_genres = a.texts(r.RequireGenres), C.uint32_t(len(r.RequireGenres))
	out.exclude, out.n_exclude = a.ids(r.Exclude), C.size_t(len(r.Exclude))
	out.allow, out.n_allow = a.ids(r.Allow), C.size_t(len(r.Allow))
	out.liked, out.n_liked = a.ids(r.Liked), C.size_t(len(r.Liked))
	out.vector, out.liked_weights = a.floats(r.Vector), a.floats(r.LikedWeights)
}

// leave gives back what write has entered: the filters of the requests that were written.
func leaveFilters(requests []Request, written *C.recsys_request, n int) {
	for i, c := range unsafe.Slice(written, n) {
		if c.filter != nil {
			requests[i].Filter.leave()
		}
	}
}
