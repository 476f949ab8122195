package recsys

/*
#include "glue.h"
*/
import "C"

import "unsafe"

// A Strategy says how a request was answered.
type Strategy uint32

// The strategies.
const (
	ByUser            Strategy = C.RECSYS_STRATEGY_USER             // the user's own vector
	ByUserPreferences Strategy = C.RECSYS_STRATEGY_USER_PREFERENCES // … changed by preferences
	ByPreferences     Strategy = C.RECSYS_STRATEGY_PREFERENCES      // unknown or no user: preferences alone
	ByPopularity      Strategy = C.RECSYS_STRATEGY_POPULARITY       // unknown or no user, no preferences
	BySession         Strategy = C.RECSYS_STRATEGY_SESSION          // the liked items
	ByVector          Strategy = C.RECSYS_STRATEGY_VECTOR           // the caller's vector
	BySimilar         Strategy = C.RECSYS_STRATEGY_SIMILAR          // Similar
	ByGeneral         Strategy = C.RECSYS_STRATEGY_GENERAL          // as ByPopularity, where it is not known what users chose
	ByFoldIn          Strategy = C.RECSYS_STRATEGY_FOLD_IN          // the liked items, by the equations of ALS
)

// String returns "user", "user_preferences", …
func (s Strategy) String() string { return C.GoString(C.recsys_strategy_name(C.uint32_t(s))) }

// Reasons are the reasons for a recommendation, one bit each.
type Reasons uint32

// The reasons.
const (
	ReasonGenres  Reasons = C.RECSYS_REASON_GENRES  // the item has a favourite genre
	ReasonRating  Reasons = C.RECSYS_REASON_RATING  // its rating is at least the request's minimum
	ReasonScore   Reasons = C.RECSYS_REASON_SCORE   // its score is above 0.8
	ReasonSimilar Reasons = C.RECSYS_REASON_SIMILAR // similar to the items in Causes
	ReasonPopular Reasons = C.RECSYS_REASON_POPULAR // chosen by popularity
	ReasonGeneral Reasons = C.RECSYS_REASON_GENERAL // chosen by the model's general order of items
)

// A Recommendation is one item of a reply.
type Recommendation struct {
	Item  ID
	Score float32 // 0..1, after the link
	Raw   float32 // before the link
	Why   *Why    // nil unless the request asks for reasons and there is one
}

// Why says why an item was recommended.
type Why struct {
	Reasons Reasons
	Text    string // one line of English
	Causes  []ID   // liked items that this one is similar to, the most important first
	// What each cause adds to Raw; nil unless the model is ALS.
	Contributions []float32
}

// A PreferenceKind is a kind of preference.
type PreferenceKind uint32

// The kinds of preferences.
const (
	GenrePreference    PreferenceKind = C.RECSYS_PREFERENCE_GENRE
	LanguagePreference PreferenceKind = C.RECSYS_PREFERENCE_LANGUAGE
	DecadePreference   PreferenceKind = C.RECSYS_PREFERENCE_DECADE
	RatingPreference   PreferenceKind = C.RECSYS_PREFERENCE_RATING
	LikedPreference    PreferenceKind = C.RECSYS_PREFERENCE_LIKED
	RequiredGenre      PreferenceKind = C.RECSYS_PREFERENCE_REQUIRED_GENRE
	AllowedItem        PreferenceKind = C.RECSYS_PREFERENCE_ALLOWED
)

// An Ignored preference could not be used: number Index of the request's list of that kind.
type Ignored struct {
	Kind   PreferenceKind
	Index  int
	Advice string // what to write instead; "" = none
}

// A Reply is the answer to one request.
type Reply struct {
	Err       error // of this request, in a batch; else nil
	Strategy  Strategy
	KnownUser bool             // the model has the user
	Steered   bool             // preferences have a part in the order
	Popular   bool             // raw scores are popularities, and what preferences add
	Items     []Recommendation // best first
	Ignored   []Ignored
	// The model that answered.
	ModelName, ModelVersion, ModelFingerprint string
}

// read copies a reply of the library. The memory of r's items is used again.
func (r *Reply) read(c *C.recsys_reply, f *facts) {
	// Member by member: a whole struct with pointers would be copied with write barriers.
	if r.Err != nil {
		r.Err = nil
	}
	r.Items, r.Ignored = r.Items[:0], r.Ignored[:0]
	r.Strategy, r.KnownUser = Strategy(c.strategy), c.flags&C.RECSYS_REPLY_KNOWN_USER != 0
	r.Steered = c.flags&C.RECSYS_REPLY_PREFERENCES != 0
	r.Popular = c.flags&C.RECSYS_REPLY_POPULARITY != 0
	r.ModelName, r.ModelVersion, r.ModelFingerprint = f.name, f.version, f.fingerprint
	if c.status != C.RECSYS_OK {
		r.Err = &Error{Status: Status(c.status), Message: "recsys: " + C.GoString(c.message)}
		return
	}
	if n := int(c.count); c.items != nil && n <= cap(r.Items) {
		r.Items = r.Items[:n]
	} else if c.items != nil {
		r.Items = make([]Recommendation, n)
	}
	for i := range r.Items {
		r.Items[i].read((*C.recsys_recommendation)(unsafe.Add(c.items, uintptr(i)*uintptr(c.item_size))))
	}
	for i := range unsafe.Slice(c.ignored, c.n_ignored) {
		ignored := &unsafe.Slice(c.ignored, c.n_ignored)[i] // a copy would be allocated
		r.Ignored = append(r.Ignored, Ignored{PreferenceKind(ignored.kind), int(ignored.index),
			C.GoString(C.recsys_preference_advice(ignored))})
	}
}

func (r *Recommendation) read(c *C.recsys_recommendation) {
	r.Item.read(&c.item)
	r.Score, r.Raw = float32(c.score), float32(c.raw)
	if r.Why != nil {
		r.Why = nil
	}
	if c.reasons == 0 {
		return
	}
	r.Why = &Why{Reasons: Reasons(c.reasons), Text: C.GoString(c.reason)}
	for i := range unsafe.Slice(c.causes, c.n_causes) {
		r.Why.Causes = append(r.Why.Causes, goID(&unsafe.Slice(c.causes, c.n_causes)[i]))
	}
	if c.contributions != nil {
		r.Why.Contributions = append(r.Why.Contributions,
			unsafe.Slice((*float32)(unsafe.Pointer(c.contributions)), c.n_causes)...)
	}
}
