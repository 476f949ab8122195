package recsys

/*
#include "glue.h"
*/
import "C"

import (
	"math"
	"strings"
	"time"
	"unsafe"
)

// An arena is memory of C for the arguments of one call. Structs of the library point to lists and
// texts, and a Go pointer may not stand in memory that C sees, so they are copied here.
type arena struct {
	first  unsafe.Pointer // the block that is kept for the next call
	size   uintptr
	used   uintptr
	more   []unsafe.Pointer
	failed error // the first argument that C cannot get
}

const arenaSize = 4096

var arenas = stack[*arena]{made: func() (*arena, error) {
	return &arena{first: C.malloc(arenaSize), size: arenaSize}, nil
}}

func newArena() *arena {
	a, _ := arenas.take()
	return a
}

// reset makes the arena empty.
func (a *arena) reset() {
	for _, block := range a.more {
		C.free(block)
	}
	a.more, a.used, a.failed = a.more[:0], 0, nil
}

func (a *arena) release() {
	a.reset()
	arenas.put(a)
}

// space returns zeroed memory, aligned for everything, that is valid until release.
func (a *arena) space(n uintptr) unsafe.Pointer {
	n = (n + 15) &^ 15
	if n <= a.size-a.used {
		at := unsafe.Add(a.first, a.used)
		a.used += n
		clear(unsafe.Slice((*byte)(at), n))
		return at
	}
	block := C.calloc(1, C.size_t(n)) // the cgo version of calloc ends the program rather than fail
	a.more = append(a.more, block)
	return block
}

func (a *arena) fail(err error) {
	if a.failed == nil {
		a.failed = err
	}
}

// bytes copies a string, NUL-terminated; it may contain others.
func (a *arena) bytes(s string) *C.char {
	at := a.space(uintptr(len(s)) + 1)
	copy(unsafe.Slice((*byte)(at), len(s)), s)
	return (*C.char)(at)
}

// text copies a string for a function that reads up to the NUL.
func (a *arena) text(s string) *C.char {
	if i := strings.IndexByte(s, 0); i >= 0 {
		a.fail(invalid("the text %q contains a NUL byte", s))
	}
	return a.bytes(s)
}

// cut copies a string up to its first NUL.
func (a *arena) cut(s string) *C.char {
	before, _, _ := strings.Cut(s, "\x00")
	return a.bytes(before)
}

// optional is text, but NULL for "".
func (a *arena) optional(s string) *C.char {
	if s == "" {
		return nil
	}
	return a.text(s)
}

// texts copies a list; nil stays NULL.
func (a *arena) texts(list []string) **C.char {
	if list == nil {
		return nil
	}
	first := (**C.char)(a.space(uintptr(len(list)) * unsafe.Sizeof((*C.char)(nil))))
	for i, s := range list {
		unsafe.Slice(first, len(list))[i] = a.text(s)
	}
	return first
}

// keys copies a list of keys.
func (a *arena) keys(list []string) *C.recsys_bytes {
	first := (*C.recsys_bytes)(a.space(uintptr(len(list)) * C.sizeof_recsys_bytes))
	for i, s := range list {
		unsafe.Slice(first, len(list))[i] = C.recsys_bytes{data: unsafe.Pointer(a.bytes(s)), size: C.size_t(len(s))}
	}
	return first
}

// floats copies a list; nil stays NULL.
func (a *arena) floats(list []float32) *C.float {
	if list == nil {
		return nil
	}
	first := (*C.float)(a.space(uintptr(len(list)) * 4))
	copy(unsafe.Slice((*float32)(unsafe.Pointer(first)), len(list)), list)
	return first
}

// Never as a time to live means that a value does not expire; as a time-out it means to wait as long
// as it takes.
const Never time.Duration = math.MaxInt64

// ms rounds up to whole milliseconds; 0 is the default.
func (a *arena) ms(d time.Duration) C.uint64_t {
	switch {
	case d < 0:
		a.fail(invalid("%v is no length of time", d))
		return 0
	case d == Never:
		return C.RECSYS_NEVER
	}
	return C.uint64_t((d + time.Millisecond - 1) / time.Millisecond)
}

// ms32 is ms for fields of 32 bits; 49 days and more are Never.
func (a *arena) ms32(d time.Duration) C.uint32_t {
	if ms := a.ms(d); ms < C.RECSYS_NEVER_32 {
		return C.uint32_t(ms)
	}
	return C.RECSYS_NEVER_32
}

// count writes a number into a field of 32 bits.
func (a *arena) count(n int) C.uint32_t {
	if n < 0 || uint64(n) > math.MaxUint32 {
		a.fail(invalid("the number %d is outside 0..%d", n, uint32(math.MaxUint32)))
		return 0
	}
	return C.uint32_t(n)
}

// countOrNone is a number of which 0 means the default and a negative one none.
func (a *arena) countOrNone(n int) C.uint32_t {
	if n < 0 {
		return math.MaxUint32
	}
	return a.count(n)
}

// flag is the bit if on is true.
func flag(on bool, bit C.uint32_t) C.uint32_t {
	if on {
		return bit
	}
	return 0
}

// chars points to the bytes of a string for the length of a call. C may not keep the pointer.
func chars(s string) *C.char { return (*C.char)(unsafe.Pointer(unsafe.StringData(s))) }

// pointer is chars for a slice. An empty slice is not NULL: there is a value, and it is empty.
func pointer(b []byte) *C.char {
	if len(b) == 0 {
		return chars("\x00")
	}
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(b)))
}

// take copies a value of the library and gives it back; nil if there is none.
func take(value *C.recsys_value) []byte {
	if value.data == nil {
		return nil
	}
	b := make([]byte, value.size)
	copy(b, unsafe.Slice((*byte)(value.data), value.size))
	C.recsys_value_release(value)
	return b
}

// Texts of a fixed room, NUL-terminated.
func roomText(room []C.char) string { return C.GoString(&room[0]) }
