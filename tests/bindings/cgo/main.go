// The library as a Go binding would use it: cgo, slices in and out, no Go pointer kept in C.
//
// Usage: recsys-cgo BUNDLE
//
// Load, batch, session, arrays without copies, cache with a callback, swap.
package main

/*
#cgo pkg-config: recsys
#include <stdlib.h>
#include <recsys/recsys.h>

recsys_status goLoad(recsys_aside_load *load, void *user_data, recsys_error *err);
static inline recsys_request new_request(void) { recsys_request r = RECSYS_REQUEST_INIT; return r; }
static inline recsys_reply new_reply(void) { recsys_reply r = RECSYS_REPLY_INIT; return r; }
*/
import "C"

import (
	"fmt"
	"os"
	"runtime/cgo"
	"unsafe"
)

// The first failure ends the program, with the library's own words.
func check(status C.recsys_status, err *C.recsys_error) {
	if status != C.RECSYS_OK {
		panic(fmt.Sprintf("%s: %s", C.GoString(C.recsys_status_name(status)), C.GoString(&err.message[0])))
	}
}

// A callback gets an integer handle, never a Go pointer.
//
//export goLoad
func goLoad(load *C.recsys_aside_load, userData unsafe.Pointer, err *C.recsys_error) C.recsys_status {
	loader := cgo.Handle(*(*C.uintptr_t)(userData)).Value().(func() string)
	text := C.CString(loader())
	defer C.free(unsafe.Pointer(text))
	value := C.recsys_bytes{data: unsafe.Pointer(text), size: 5}
	return C.recsys_aside_load_set(load, value, 0, 0, 0, err)
}

func main() {
	var err C.recsys_error
	var model, held *C.recsys_model
	var recommender *C.recsys_recommender
	path := C.CString(os.Args[1])
	check(C.recsys_model_load(path, nil, &model, &err), &err)
	check(C.recsys_recommender_create(nil, &recommender, &err), &err)

	// A batch of four users, straight into Go's slices.
	const users, k = 4, 5
	requests := make([]C.recsys_request, users)
	for i := range requests {
		requests[i] = C.new_request()
		requests[i].user.number, requests[i].k = C.uint64_t(i), k
	}
	rows, scores := make([]uint32, users*k), make([]float32, users*k)
	counts := make([]uint32, users)
	check(C.recsys_recommend_into(recommender, model, &requests[0], users, k, nil,
		(*C.uint32_t)(&rows[0]), (*C.float)(&scores[0]), (*C.uint32_t)(&counts[0]), nil, nil, &err), &err)
	for i := 1; i < int(counts[0]); i++ {
		if scores[i] > scores[i-1] {
			panic("not in order")
		}
	}

	// Arrays are views into the mapped file.
	var array C.recsys_array
	name := C.CString("item_ids")
	check(C.recsys_model_get_array(model, name, &array, &err), &err)
	ids := unsafe.Slice((*int64)(array.data), int(array.shape[0]))

	// A session of two liked items; the ids live in C's memory, as they are pointed to by a struct.
	liked := unsafe.Slice((*C.recsys_id)(C.calloc(2, C.sizeof_recsys_id)), 2)
	for i := range liked {
		liked[i].number = C.uint64_t(ids[rows[i]])
	}
	request, reply := C.new_request(), C.new_reply()
	request.flags, request.liked, request.n_liked = C.RECSYS_REQUEST_ANONYMOUS, &liked[0], 2
	check(C.recsys_recommend(recommender, model, &request, 1, &reply, &err), &err)
	for i := C.uint32_t(0); i < reply.count; i++ {
		item := C.recsys_reply_get_item(&reply, i)
		if item.item.number == liked[0].number || item.item.number == liked[1].number {
			panic("a liked item was recommended")
		}
	}

	// A cache with a callback: the loader runs once.
	var store *C.recsys_store
	var cache *C.recsys_aside
	loads := 0
	handle := cgo.NewHandle(func() string { loads++; return "[1,2]" })
	userData := (*C.uintptr_t)(C.malloc(C.sizeof_uintptr_t))
	*userData = C.uintptr_t(handle)
	check(C.recsys_store_create_memory(name, nil, &store, &err), &err)
	check(C.recsys_aside_create(store, nil, &cache, &err), &err)
	C.recsys_store_unref(store)
	for i := 0; i < 3; i++ {
		var value C.recsys_value
		key := C.recsys_bytes{data: unsafe.Pointer(name), size: 8}
		check(C.recsys_aside_get_or_load(cache, key, C.recsys_aside_loader(C.goLoad),
			unsafe.Pointer(userData), 0, &value, nil, &err), &err)
		if C.GoStringN((*C.char)(value.data), C.int(value.size)) != "[1,2]" || loads != 1 {
			panic("the cache is wrong")
		}
		C.recsys_value_release(&value)
	}
	C.recsys_aside_destroy(cache)
	handle.Delete()

	// A swap: the model that a reader holds outlives the slot.
	var slot *C.recsys_slot
	check(C.recsys_slot_create(&slot, &err), &err)
	check(C.recsys_slot_swap(slot, model, &err), &err)
	held = C.recsys_slot_acquire(slot)
	check(C.recsys_slot_swap(slot, nil, &err), &err)
	C.recsys_slot_destroy(slot)
	C.recsys_model_unref(model)
	check(C.recsys_recommend(recommender, held, &request, 1, &reply, &err), &err)
	C.recsys_model_unref(held)
	C.recsys_recommender_destroy(recommender)
	fmt.Println("cgo: load, batch, session, arrays, cache, swap: ok")
}
