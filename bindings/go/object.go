package recsys

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// An object holds a pointer of the library and gives it back exactly once: when Close was called,
// or the garbage collector found the object, and the last call has left.
type object[P any] struct {
	c      P
	inside atomic.Int64 // calls that are inside, and 1 until Close
	closed atomic.Bool
	free   func(P)
}

// open must be called on the first field of a new struct: the finalizer belongs to its address.
func (o *object[P]) open(c P, free func(P)) {
	o.c, o.free = c, free
	o.inside.Store(1)
	runtime.SetFinalizer(o, func(o *object[P]) { _ = o.Close() })
}

// enter returns the pointer, which stays valid until leave.
func (o *object[P]) enter() (P, error) {
	var none P
	for !o.closed.Load() {
		n := o.inside.Load()
		if n <= 0 {
			break
		}
		if o.inside.CompareAndSwap(n, n+1) {
			return o.c, nil
		}
	}
	return none, ErrClosed
}

func (o *object[P]) leave() {
	if o.inside.Add(-1) == 0 {
		runtime.SetFinalizer(o, nil)
		o.free(o.c)
	}
}

// Close gives the object back to the library. Calls that are running on it finish first; later ones
// fail with [ErrClosed]. Closing twice is allowed. The error is always nil.
func (o *object[P]) Close() error {
	if o.closed.CompareAndSwap(false, true) {
		o.leave()
	}
	return nil
}

// A stack keeps things that one call at a time can use for the next call.
type stack[T any] struct {
	lock sync.Mutex
	free []T
	made func() (T, error)
}

func (s *stack[T]) take() (T, error) {
	s.lock.Lock()
	if n := len(s.free); n > 0 {
		thing := s.free[n-1]
		s.free = s.free[:n-1]
		s.lock.Unlock()
		return thing, nil
	}
	s.lock.Unlock()
	return s.made()
}

func (s *stack[T]) put(thing T) {
	s.lock.Lock()
	s.free = append(s.free, thing)
	s.lock.Unlock()
}

// all empties the stack.
func (s *stack[T]) all() []T {
	s.lock.Lock()
	defer s.lock.Unlock()
	things := s.free
	s.free = nil
	return things
}
