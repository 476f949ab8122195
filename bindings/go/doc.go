// Package recsys serves recommendations from models of vectors: it is librecsys for Go.
//
// Load a model and ask:
//
//	model, err := recsys.LoadModel("bundle", nil)
//	if err != nil {
//		return err
//	}
//	defer model.Close()
//	reply, err := model.Recommend(recsys.Request{User: recsys.IntID(42), K: 10, Genres: []string{"Horror"}})
//
// The nouns and verbs are those of the C headers, which are the reference for every contract:
// recsys_model_load is [LoadModel], recsys_slot_acquire is [Slot.Acquire], and so on. They differ
// where Go differs:
//
//   - Every object may be used by any number of goroutines at once. Recommenders and scorers, which
//     serve one thread at a time in C, are pools here.
//   - Close gives an object back. It is safe at any time: calls that are running finish first, later
//     ones fail with [ErrClosed]. A finalizer closes what was forgotten.
//   - Errors are [*Error] values; errors.Is finds [ErrNotFound] and the other statuses, errno values,
//     and an error that a loader of yours returned.
//   - Slices and strings go in and come out as they are. C keeps no pointer to Go memory.
//   - A panic in a callback comes out of the call that ran it. A callback must not call
//     runtime.Goexit, as the FailNow methods of package testing do.
//   - Times are time.Duration; 0 is the default, [Never] means that there is no limit.
//
// OpenBLAS has threads of its own. A program that owns its process calls [SetBLASThreads](1) first.
package recsys
