package recsys

/*
#cgo pkg-config: recsys
#include "glue.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
)

// A Status is the kind of a failure. It is an error, so that errors.Is(err, recsys.ErrNotFound)
// asks for it.
type Status int32

// The statuses of the library. The comments of status.h say what each means.
const (
	ErrInvalid     Status = C.RECSYS_E_INVALID     // invalid argument
	ErrNoMemory    Status = C.RECSYS_E_NOMEM       // out of memory
	ErrIO          Status = C.RECSYS_E_IO          // a system call failed; errors.Is also finds the errno
	ErrFormat      Status = C.RECSYS_E_FORMAT      // a file is damaged or not of this format
	ErrUnsupported Status = C.RECSYS_E_UNSUPPORTED // newer than this library, or not built in
	ErrNotFound    Status = C.RECSYS_E_NOT_FOUND   // no such model, user, item or key
	ErrTimeout     Status = C.RECSYS_E_TIMEOUT     // the deadline passed; is context.DeadlineExceeded, too
	ErrBackend     Status = C.RECSYS_E_BACKEND     // the store or the database answered with an error
	ErrInternal    Status = C.RECSYS_E_INTERNAL    // a bug in recsys
	ErrExists      Status = C.RECSYS_E_EXISTS      // already there
	ErrLimit       Status = C.RECSYS_E_LIMIT       // larger than the configured limit
	ErrState       Status = C.RECSYS_E_STATE       // called in the wrong order, or twice
	ErrUnavailable Status = C.RECSYS_E_UNAVAILABLE // the circuit breaker is open
	ErrConflict    Status = C.RECSYS_E_CONFLICT    // somebody else changed it at the same time
	ErrRejected    Status = C.RECSYS_E_REJECTED    // checked and refused
	ErrStopped     Status = C.RECSYS_E_STOPPED     // a callback stopped the walk
	ErrExhausted   Status = C.RECSYS_E_EXHAUSTED   // all connections or loaders are in use
	ErrUndefined   Status = C.RECSYS_E_UNDEFINED   // nothing of this name is defined
	ErrCallback    Status = C.RECSYS_E_CALLBACK    // a callback broke its contract
	ErrBusy        Status = C.RECSYS_E_BUSY        // in use by another thread

	statusOK Status = C.RECSYS_OK
)

// ErrClosed is the failure of every call on an object after its Close.
var ErrClosed error = &Error{Status: ErrState, Message: "recsys: the object is closed"}

// Error returns the sentence of the library's table.
func (s Status) Error() string {
	return "recsys: " + C.GoString(C.recsys_status_text(C.recsys_status(s)))
}

// String returns the status' name, "E_NOT_FOUND".
func (s Status) String() string { return C.GoString(C.recsys_status_name(C.recsys_status(s))) }

// An Error is a failed call: its status, and what was attempted, on what, what was wrong and what to
// do about it.
type Error struct {
	Status  Status
	Errno   syscall.Errno // of the system call that failed, else 0
	Message string
	cause   error // what a callback of ours returned
}

func (e *Error) Error() string { return e.Message }

// Unwrap gives errors.Is and errors.As the status, the errno and the error of a callback.
func (e *Error) Unwrap() []error {
	found := []error{e.Status}
	if e.Errno != 0 {
		found = append(found, e.Errno)
	}
	if e.cause != nil {
		found = append(found, e.cause)
	}
	if e.Status == ErrTimeout {
		found = append(found, context.DeadlineExceeded)
	}
	return found
}

func invalid(format string, values ...any) error {
	return &Error{Status: ErrInvalid, Message: "recsys: " + fmt.Sprintf(format, values...)}
}

// Error records are used again: a new one costs as much as a short call.
var records = sync.Pool{New: func() any { return new(C.recsys_error) }}

// call runs a function of the library and makes a Go error of its failure.
func call(function func(err *C.recsys_error) C.recsys_status) error {
	record := records.Get().(*C.recsys_error)
	defer records.Put(record)
	return failure(function(record), record)
}

func failure(status C.recsys_status, record *C.recsys_error) error {
	if status == C.RECSYS_OK {
		return nil
	}
	return &Error{Status: Status(status), Errno: syscall.Errno(record.sys_errno),
		Message: C.GoString(&record.message[0])}
}

// report fills the record of a callback with a Go error; the status is that of the error, if it has
// one.
func report(problem error, record *C.recsys_error) C.recsys_status {
	status := ErrBackend
	switch {
	case errors.As(problem, &status):
	case errors.Is(problem, context.DeadlineExceeded), errors.Is(problem, context.Canceled):
		status = ErrTimeout
	}
	a := newArena()
	defer a.release()
	return C.recsys_error_set(record, C.recsys_status(status), a.cut(problem.Error()))
}

// withCause adds the Go error from which the library's failure came.
func withCause(err, cause error) error {
	var e *Error
	if cause != nil && errors.As(err, &e) {
		e.cause = cause
	}
	return err
}

// call is call, unless an argument could not be written into the arena.
func (a *arena) call(function func(err *C.recsys_error) C.recsys_status) error {
	if a.failed != nil {
		return a.failed
	}
	return call(function)
}
