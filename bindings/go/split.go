package recsys

/*
#include "glue.h"
*/
import "C"

import "unsafe"

// SplitWhole is the sum of all shares of Split: they are hundredths of a percent.
const SplitWhole = C.RECSYS_SPLIT_WHOLE

// Split returns the index of the share of all users that a user belongs to, or len(shares) for a user
// of the rest. The same arguments give the same answer in every process and every later release;
// another salt splits in another way.
func Split(salt string, user ID, shares []uint32) (int, error) {
	a := newArena()
	defer a.release()
	text, id := a.text(salt), a.id(user)
	var first *C.uint32_t
	if len(shares) > 0 {
		first = (*C.uint32_t)(a.space(uintptr(len(shares)) * C.sizeof_uint32_t))
		copy(unsafe.Slice((*uint32)(unsafe.Pointer(first)), len(shares)), shares)
	}
	var place C.size_t
	err := a.call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_split_find(text, id, first, C.size_t(len(shares)), &place, err)
	})
	return int(place), err
}
