// Package postgres makes PostgreSQL a source of recsys: librecsys-postgres for Go.
package postgres

/*
#cgo pkg-config: recsys-postgres
#include <stdlib.h>
#include <recsys/postgres.h>
*/
import "C"

import (
	"syscall"
	"time"
	"unsafe"

	"recsys.example/recsys"
)

// Options of a source. Zero means the default.
type Options struct {
	PoolSize       uint32        // connections at most; 0 = 8
	ConnectTimeout time.Duration // at most, within a call's own deadline; 0 = 2 seconds
	MaxAge         time.Duration // older connections are closed; 0 = 30 minutes
}

// NewSource makes a source over the PostgreSQL (13 or newer) that conninfo names, as libpq takes it:
// "postgresql://user@host/db" or "host=… dbname=…". It connects when it is first used.
func NewSource(conninfo string, options Options) (*recsys.Source, error) {
	text := C.CString(conninfo)
	defer C.free(unsafe.Pointer(text))
	o := C.recsys_postgres_options{struct_size: C.sizeof_recsys_postgres_options, pool_size: C.uint32_t(options.PoolSize),
		connect_timeout_ms: bounded(options.ConnectTimeout, time.Millisecond), max_age_s: bounded(options.MaxAge, time.Second)}
	var out *C.recsys_source
	var err C.recsys_error
	if status := C.recsys_postgres_create(text, &o, &out, &err); status != C.RECSYS_OK {
		return nil, failure(status, &err)
	}
	return recsys.AdoptSource(unsafe.Pointer(out)), nil
}

// bounded rounds up to whole units; what has no room is recsys.Never.
func bounded(d, unit time.Duration) C.uint32_t {
	n := d / unit
	if d%unit > 0 {
		n++
	}
	if n < 0 || n >= C.RECSYS_NEVER_32 {
		return C.RECSYS_NEVER_32
	}
	return C.uint32_t(n)
}

func failure(status C.recsys_status, err *C.recsys_error) error {
	return &recsys.Error{Status: recsys.Status(status), Errno: syscall.Errno(err.sys_errno),
		Message: C.GoString(&err.message[0])}
}

// Stats counts the connections and statements of a source.
type Stats struct {
	Open, Idle              uint32 // connections now; how many of them are free
	Connected, ClosedBroken uint64 // so far
	Waited, WaitTimeouts    uint64 // for a free connection
	Queries, Failures       uint64
}

// StatsOf counts the connections of a source that NewSource made; of another source it fails with
// recsys.ErrInvalid.
func StatsOf(source *recsys.Source) (Stats, error) {
	out := C.recsys_postgres_stats{struct_size: C.sizeof_recsys_postgres_stats}
	problem := source.With(func(pointer unsafe.Pointer) error {
		var err C.recsys_error
		if status := C.recsys_postgres_get_stats((*C.recsys_source)(pointer), &out, &err); status != C.RECSYS_OK {
			return failure(status, &err)
		}
		return nil
	})
	return Stats{uint32(out.open), uint32(out.idle), uint64(out.connected), uint64(out.closed_broken), uint64(out.waited),
		uint64(out.wait_timeouts), uint64(out.queries), uint64(out.failures)}, problem
}
