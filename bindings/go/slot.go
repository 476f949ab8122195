package recsys

/*
#include "glue.h"
*/
import "C"

// A Slot holds the model that is served now. Requests acquire it; an operator swaps it. A swap never
// waits for requests, and no request waits until a model is unmapped.
type Slot struct {
	object[*C.recsys_slot]
}

// NewSlot makes an empty slot.
func NewSlot() (*Slot, error) {
	var out *C.recsys_slot
	if err := call(func(err *C.recsys_error) C.recsys_status { return C.recsys_slot_create(&out, err) }); err != nil {
		return nil, err
	}
	s := new(Slot)
	s.open(out, func(c *C.recsys_slot) { C.recsys_slot_destroy(c) })
	return s, nil
}

// Acquire returns the present model; nil if there is none, or if the slot is closed. It stays valid
// until its Close, whatever others do.
func (s *Slot) Acquire() *Model {
	c, err := s.enter()
	if err != nil {
		return nil
	}
	defer s.leave()
	return newModel(C.recsys_slot_acquire(c))
}

// Swap serves next from now on; nil: no model. The caller keeps its own reference to next and may
// close it at once.
func (s *Slot) Swap(next *Model) error {
	c, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave()
	var m *C.recsys_model
	if next != nil {
		if m, err = next.enter(); err != nil {
			return err
		}
		defer next.leave()
	}
	return call(func(err *C.recsys_error) C.recsys_status { return C.recsys_slot_swap(c, m, err) })
}

// Reap destroys replaced models that no request uses any more, and returns how many are in use. Do
// not call it while answering a request.
func (s *Slot) Reap() int {
	c, err := s.enter()
	if err != nil {
		return 0
	}
	defer s.leave()
	return int(C.recsys_slot_reap(c))
}

// Generation returns the number of swaps so far.
func (s *Slot) Generation() uint64 {
	c, err := s.enter()
	if err != nil {
		return 0
	}
	defer s.leave()
	return uint64(C.recsys_slot_get_generation(c))
}
