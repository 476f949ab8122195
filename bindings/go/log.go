package recsys

/*
#include "glue.h"
*/
import "C"

import (
	"runtime/cgo"
	"sync"
)

// A LogLevel says how urgent a line is; the smaller, the more urgent.
type LogLevel int32

// The levels.
const (
	LogError LogLevel = C.RECSYS_LOG_ERROR // something the operator must act on
	LogWarn  LogLevel = C.RECSYS_LOG_WARN  // served, but not as well as it could be
	LogInfo  LogLevel = C.RECSYS_LOG_INFO  // a model was loaded, swapped, retired
	LogDebug LogLevel = C.RECSYS_LOG_DEBUG // details for finding the cause of a problem
	LogTrace LogLevel = C.RECSYS_LOG_TRACE // one step of one request; see SetTrace
)

var logging struct {
	lock   sync.Mutex
	handle cgo.Handle
}

// SetLog sends every line that is as urgent as level, or more, to the function; nil makes the library
// silent, as it is at first. This holds for the whole process. The function is called by several
// goroutines at once. It must not call this package, and must not panic.
func SetLog(level LogLevel, write func(level LogLevel, line string)) error {
	logging.lock.Lock()
	defer logging.lock.Unlock()
	handle := cgo.Handle(0)
	if write != nil {
		handle = cgo.NewHandle(write)
	}
	err := call(func(err *C.recsys_error) C.recsys_status {
		return C.rg_log_set(C.int32_t(level), C.uintptr_t(handle), err)
	})
	before := logging.handle
	if err == nil {
		logging.handle = handle
	} else {
		before = handle
	}
	if before != 0 {
		before.Delete() // nobody calls it any more
	}
	return err
}

//export goLog
func goLog(level C.int32_t, message *C.char, handle C.uintptr_t) {
	cgo.Handle(handle).Value().(func(LogLevel, string))(LogLevel(level), C.GoString(message))
}

// SetTrace chooses the components whose steps are sent to the function of SetLog: names with commas
// between, "all", or "" for none.
func SetTrace(components string) error {
	a := newArena()
	defer a.release()
	text := a.text(components)
	return a.call(func(err *C.recsys_error) C.recsys_status { return C.recsys_log_set_trace(text, err) })
}

// Trace returns the components that are traced, as SetTrace takes them.
func Trace() (string, error) {
	a := newArena()
	defer a.release()
	size := C.size_t(C.RECSYS_TRACE_NAMES_SIZE)
	out := (*C.char)(a.space(uintptr(size)))
	err := call(func(err *C.recsys_error) C.recsys_status { return C.recsys_log_get_trace(out, &size, err) })
	return C.GoString(out), err
}
