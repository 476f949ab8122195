package recsys

/*
#include "glue.h"
*/
import "C"

// ComparisonOptions of Compare. Zero means the default.
type ComparisonOptions struct {
	K       int    // items of each answer; 0 = 10
	Asked   uint64 // users to ask, evenly spread; 0 = 1000; math.MaxUint64 = all
	Threads int    // that scan; 0 = 1
}

// A Distribution says how some numbers are distributed; all zero if there are none.
type Distribution struct {
	N                                         uint64 // finite numbers
	Mean, Smallest, Q10, Median, Q90, Largest float64
}

// A Comparison says what changes when one model replaces another. Each user that is asked has one
// answer of each model.
type Comparison struct {
	UserIDsChanged, ItemIDsChanged bool   // the ids are of another kind
	CatalogLost, SeenLost          bool   // before has it, after does not
	CommonUsers, CommonItems       uint64 // that both models have
	Asked, Compared                uint64 // asked in after; in both
	Identical                      uint64 // of these: the same items in the same order
	Places, Kept                   uint64 // items in the answers of before; of these also in those of after
	Empty, NotFinite               uint64 // answers of after without an item; with a score that is not finite
	ScoresBefore, ScoresAfter      Distribution
	RawsBefore, RawsAfter          Distribution
}

// An Agreement says how far two rankings agree.
type Agreement struct {
	Common, InPlace int     // items that are in both; that have the same place in both
	Overlap         float64 // Common / the items of the longer one
	RankCorrelation float64 // Kendall's tau of the common items; NaN for fewer than two
}

// CompareRankings compares two answers to the same request: ids of items, best first, each once.
func CompareRankings(before, after []ID) (Agreement, error) {
	a := newArena()
	defer a.release()
	former, next := a.ids(before), a.ids(after)
	out := C.recsys_agreement{struct_size: C.sizeof_recsys_agreement}
	err := a.call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_ranking_compare(former, C.size_t(len(before)), next, C.size_t(len(after)), &out, err)
	})
	return Agreement{int(out.n_common), int(out.n_in_place), float64(out.overlap), float64(out.rank_correlation)}, err
}

// Compare compares a model with the one that is to replace it. A nil before only asks after; the
// options may be nil.
func Compare(before, after *Model, options *ComparisonOptions) (Comparison, error) {
	next, err := after.enter()
	if err != nil {
		return Comparison{}, err
	}
	defer after.leave()
	var former *C.recsys_model
	if before != nil {
		if former, err = before.enter(); err != nil {
			return Comparison{}, err
		}
		defer before.leave()
	}
	a := newArena()
	defer a.release()
	o := C.recsys_comparison_options{struct_size: C.sizeof_recsys_comparison_options}
	if options != nil {
		o.k, o.n_asked, o.n_threads = a.count(options.K), C.uint64_t(options.Asked), a.count(options.Threads)
	}
	out := C.recsys_comparison{struct_size: C.sizeof_recsys_comparison}
	err = a.call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_model_compare(former, next, &o, &out, err)
	})
	return Comparison{out.changes&C.RECSYS_COMPARISON_USER_IDS != 0, out.changes&C.RECSYS_COMPARISON_ITEM_IDS != 0,
		out.changes&C.RECSYS_COMPARISON_CATALOG != 0, out.changes&C.RECSYS_COMPARISON_SEEN != 0,
		uint64(out.n_common_users), uint64(out.n_common_items), uint64(out.n_asked), uint64(out.n_compared),
		uint64(out.n_identical), uint64(out.n_places), uint64(out.n_kept), uint64(out.n_empty),
		uint64(out.n_not_finite), goDistribution(&out.scores_before), goDistribution(&out.scores_after),
		goDistribution(&out.raws_before), goDistribution(&out.raws_after)}, err
}

func goDistribution(c *C.recsys_distribution) Distribution {
	return Distribution{uint64(c.n), float64(c.mean), float64(c.smallest), float64(c.q10), float64(c.median),
		float64(c.q90), float64(c.largest)}
}
