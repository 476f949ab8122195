// Package redis makes Redis a store of recsys: librecsys-redis for Go.
package redis

/*
#cgo pkg-config: recsys-redis
#include <stdlib.h>
#include <recsys/redis.h>
*/
import "C"

import (
	"syscall"
	"time"
	"unsafe"

	"recsys.example/recsys"
)

// bufferSize is room for all texts of a URL.
const bufferSize = 4096

// Options of a store. Zero means the default.
type Options struct {
	Host              string // "" = 127.0.0.1; beginning with "/": a Unix socket
	Port              uint16 // 0 = 6379
	DB                uint32
	User, Password    string
	Prefix            string // in front of every key
	TLS               bool   // use TLS and verify the server's name
	CAFile            string // trusted certificates; "" = the system's
	CertFile, KeyFile string // the client's own
	PoolSize          uint32 // connections at most; 0 = 16
	ConnectTimeout    time.Duration
	CommandTimeout    time.Duration // 0 = 50 ms
	PoolTimeout       time.Duration // to wait for a free connection; 0 = 10 ms
	MaxAge            time.Duration // older connections are closed; 0 = 10 minutes
	ShareFrom         uint32        // so many calls at a time go in one write, 4 suits most; 0 = none do
	Breaker           Breaker
}

// Breaker are the options of the circuit breaker in front of the store. Zero means the default.
type Breaker struct {
	Probed   bool          // Store.Probe is called regularly, so no request probes
	Failures uint32        // how many in a row open it; 0 = 5
	Rest     time.Duration // before the first probe, doubled after each that fails; 0 = 250 ms
	MaxRest  time.Duration // longest pause; 0 = 1 second
	TTL      time.Duration // of values that are stored with 0; 0 = 5 minutes
}

// ParseURL reads redis://[[user]:password@]host[:port][/db], rediss:// (TLS) or
// unix:///path[?db=N].
func ParseURL(url string) (Options, error) {
	text := C.CString(url)
	buffer := (*C.char)(C.malloc(bufferSize))
	defer C.free(unsafe.Pointer(text))
	defer C.free(unsafe.Pointer(buffer))
	o := C.recsys_redis_options{struct_size: C.sizeof_recsys_redis_options}
	var err C.recsys_error
	if status := C.recsys_redis_read_url(text, buffer, bufferSize, &o, &err); status != C.RECSYS_OK {
		return Options{}, failure(status, &err)
	}
	return Options{Host: C.GoString(o.host), Port: uint16(o.port), DB: uint32(o.db), User: C.GoString(o.user),
		Password: C.GoString(o.password), TLS: o.flags&C.RECSYS_REDIS_TLS != 0}, nil
}

// NewStore makes a store over Redis 6 or newer, or Valkey. The name is for messages and metrics. It
// connects when it is first used.
func NewStore(name string, options Options) (*recsys.Store, error) {
	var texts texts
	defer texts.free()
	o := C.recsys_redis_options{struct_size: C.sizeof_recsys_redis_options, host: texts.add(options.Host),
		user: texts.add(options.User), password: texts.add(options.Password), prefix: texts.add(options.Prefix),
		ca_file: texts.add(options.CAFile), cert_file: texts.add(options.CertFile), key_file: texts.add(options.KeyFile),
		port: C.uint32_t(options.Port), db: C.uint32_t(options.DB), pool_size: C.uint32_t(options.PoolSize),
		connect_timeout_ms: ms(options.ConnectTimeout), command_timeout_ms: ms(options.CommandTimeout),
		pool_timeout_ms: ms(options.PoolTimeout), max_age_s: bounded(options.MaxAge, time.Second),
		share_from: C.uint32_t(options.ShareFrom)}
	if options.TLS {
		o.flags = C.RECSYS_REDIS_TLS
	}
	breaker := C.recsys_store_options{struct_size: C.sizeof_recsys_store_options,
		failures: C.uint32_t(options.Breaker.Failures), rest_ms: ms(options.Breaker.Rest),
		max_rest_ms: ms(options.Breaker.MaxRest), ttl_ms: ms(options.Breaker.TTL)}
	if options.Breaker.Probed {
		breaker.flags = C.RECSYS_STORE_PROBED
	}
	var out *C.recsys_store
	var err C.recsys_error
	if status := C.recsys_redis_create(texts.add(name), &o, &breaker, &out, &err); status != C.RECSYS_OK {
		return nil, failure(status, &err)
	}
	return recsys.AdoptStore(unsafe.Pointer(out)), nil
}

// texts are copies in C's memory; "" is NULL.
type texts []*C.char

func (t *texts) add(s string) *C.char {
	if s == "" {
		return nil
	}
	text := C.CString(s)
	*t = append(*t, text)
	return text
}

func (t *texts) free() {
	for _, text := range *t {
		C.free(unsafe.Pointer(text))
	}
}

func ms(d time.Duration) C.uint32_t { return bounded(d, time.Millisecond) }

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

// Stats counts the connections of a store.
type Stats struct {
	Open, Idle              uint32 // connections now; how many of them are free
	Connected, ClosedBroken uint64 // so far
	Waited, WaitTimeouts    uint64 // for a free connection
	MaxmemoryPolicy         string // "" if unknown
	ServerVersion           string // "" if unknown
	// Writes in which the commands of several callers could go, and the commands in them.
	SharedWrites, SharedCommands uint64
}

// StatsOf counts the connections of a store that NewStore made; of another store it fails with
// recsys.ErrInvalid.
func StatsOf(store *recsys.Store) (Stats, error) {
	out := C.recsys_redis_stats{struct_size: C.sizeof_recsys_redis_stats}
	problem := store.With(func(pointer unsafe.Pointer) error {
		var err C.recsys_error
		if status := C.recsys_redis_get_stats((*C.recsys_store)(pointer), &out, &err); status != C.RECSYS_OK {
			return failure(status, &err)
		}
		return nil
	})
	return Stats{uint32(out.open), uint32(out.idle), uint64(out.connected), uint64(out.closed_broken), uint64(out.waited),
		uint64(out.wait_timeouts), C.GoString(&out.maxmemory_policy[0]), C.GoString(&out.version[0]),
		uint64(out.shared_writes), uint64(out.shared_commands)}, problem
}
