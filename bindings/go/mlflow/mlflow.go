// Package mlflow makes an MLflow server a registry of recsys: librecsys-mlflow for Go.
package mlflow

/*
#cgo pkg-config: recsys-mlflow
#include <stdlib.h>
#include <recsys/mlflow.h>
*/
import "C"

import (
	"os"
	"path/filepath"
	"syscall"
	"time"
	"unsafe"

	"recsys.example/recsys"
)

// Options of a registry. Zero means the default, and "" none.
type Options struct {
	Timeout         time.Duration // of each question; 0 = 10 seconds
	StallTimeout    time.Duration // a download slower than 1 KiB/s for so long is tried again; 0 = 30 seconds
	DownloadTimeout time.Duration // of a whole bundle; 0 = an hour
	CacheBytes      uint64        // of all bundles in Cache; 0 = 16 GiB
	Cache           string        // directory for bundles; "" = recsys/mlflow in os.UserCacheDir()
	User            string        // of basic authentication, with Password or PasswordFile
	Password        string
	PasswordFile    string
	Token           string // bearer token, instead of user and password
	TokenFile       string
	CAFile          string // PEM; "" = the system's certificates
	Workspace       string // for a server with workspaces; "" = its default one
	Host            string // Host header, for a server that accepts only that name
}

// NewRegistry makes a registry over the MLflow server (2.9 or newer) at url, which is
// "https://host[:port][/prefix]". It asks the server when it is first used. Publish and SetAlias
// fail with recsys.ErrUnsupported: MLflow's own client does that.
func NewRegistry(url string, options Options) (*recsys.Registry, error) {
	o := (*C.recsys_mlflow_options)(C.calloc(1, C.sizeof_recsys_mlflow_options))
	defer C.free(unsafe.Pointer(o))
	o.struct_size = C.sizeof_recsys_mlflow_options
	o.timeout_ms = bounded(options.Timeout)
	o.stall_timeout_ms = bounded(options.StallTimeout)
	o.download_timeout_ms = bounded(options.DownloadTimeout)
	o.cache_bytes = C.uint64_t(options.CacheBytes)
	if options.Cache == "" {
		folder, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		options.Cache = filepath.Join(folder, "recsys", "mlflow")
	}
	for _, text := range []struct {
		to   **C.char
		from string
	}{{&o.cache, options.Cache}, {&o.user, options.User}, {&o.password, options.Password},
		{&o.password_file, options.PasswordFile}, {&o.token, options.Token}, {&o.token_file, options.TokenFile},
		{&o.ca_file, options.CAFile}, {&o.workspace, options.Workspace}, {&o.host, options.Host}} {
		if text.from != "" {
			*text.to = C.CString(text.from)
			defer C.free(unsafe.Pointer(*text.to))
		}
	}
	address := C.CString(url)
	defer C.free(unsafe.Pointer(address))
	var out *C.recsys_registry
	var err C.recsys_error
	if status := C.recsys_mlflow_create(address, o, &out, &err); status != C.RECSYS_OK {
		return nil, failure(status, &err)
	}
	return recsys.AdoptRegistry(unsafe.Pointer(out)), nil
}

// bounded rounds up to milliseconds; what has no room is recsys.Never.
func bounded(d time.Duration) C.uint32_t {
	n := (d + time.Millisecond - 1) / time.Millisecond
	if n < 0 || n >= C.RECSYS_NEVER_32 {
		return C.RECSYS_NEVER_32
	}
	return C.uint32_t(n)
}

func failure(status C.recsys_status, err *C.recsys_error) error {
	return &recsys.Error{Status: recsys.Status(status), Errno: syscall.Errno(err.sys_errno),
		Message: C.GoString(&err.message[0])}
}

// Stats counts what a registry has asked and fetched.
type Stats struct {
	Requests, Failures uint64 // HTTP requests; those without a reply of success
	Downloads, Hits    uint64 // bundles that were downloaded, and that were in the cache already
	Bytes              uint64 // of files that were downloaded or copied
	Resumed, Restarted uint64 // files that broke off, and how they went on
	Evictions          uint64 // bundles removed from the cache
	CacheBytes         uint64 // in the cache after the last fetch
}

// StatsOf counts for a registry that NewRegistry made; for another one it fails with
// recsys.ErrInvalid.
func StatsOf(registry *recsys.Registry) (Stats, error) {
	out := C.recsys_mlflow_stats{struct_size: C.sizeof_recsys_mlflow_stats}
	problem := registry.With(func(pointer unsafe.Pointer) error {
		var err C.recsys_error
		if status := C.recsys_mlflow_get_stats((*C.recsys_registry)(pointer), &out, &err); status != C.RECSYS_OK {
			return failure(status, &err)
		}
		return nil
	})
	return Stats{uint64(out.requests), uint64(out.failures), uint64(out.downloads), uint64(out.hits), uint64(out.bytes),
		uint64(out.resumed), uint64(out.restarted), uint64(out.evictions), uint64(out.cache_bytes)}, problem
}
