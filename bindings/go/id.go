package recsys

/*
#include "glue.h"
*/
import "C"

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unsafe"
)

// An ID names a user or an item: an integer from 0 to math.MaxInt64, or a text of 1 to 255 bytes of
// UTF-8. A model has one kind for its users and one for its items. The zero ID is none: no user. IDs
// can be compared and be keys of maps. As JSON they are a number or a string, none is null.
type ID struct {
	text string
	key  uint64 // 0: none; isText; else the integer plus 1
}

const isText = math.MaxUint64

// IntID makes an integer id. A negative number is an id that no model has: calls refuse it.
func IntID(number int64) ID {
	if number < 0 {
		return ID{key: isText - 1}
	}
	return ID{key: uint64(number) + 1}
}

// TextID makes a text id.
func TextID(text string) ID { return ID{text, isText} }

// IsNone says whether the id is the zero ID.
func (id ID) IsNone() bool { return id.key == 0 }

// Int returns the integer of an integer id.
func (id ID) Int() (number int64, ok bool) {
	if id.key == 0 || id.key >= isText-1 {
		return 0, false
	}
	return int64(id.key - 1), true
}

// Text returns the text of a text id.
func (id ID) Text() (text string, ok bool) { return id.text, id.key == isText }

// String returns the text, or the number in decimal.
func (id ID) String() string {
	if number, ok := id.Int(); ok {
		return strconv.FormatInt(number, 10)
	}
	return id.text
}

// MarshalJSON implements json.Marshaler.
func (id ID) MarshalJSON() ([]byte, error) {
	if id.key == isText {
		return json.Marshal(id.text)
	}
	if number, ok := id.Int(); ok {
		return strconv.AppendInt(nil, number, 10), nil
	}
	return []byte("null"), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (id *ID) UnmarshalJSON(data []byte) error {
	var text string
	switch {
	case string(data) == "null":
		*id = ID{}
		return nil
	case len(data) > 0 && data[0] == '"':
		err := json.Unmarshal(data, &text)
		*id = TextID(text)
		return err
	}
	number, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil || number < 0 {
		return fmt.Errorf("recsys: %s is not an id: an integer from 0 on, or a string", data)
	}
	*id = IntID(number)
	return nil
}

// goID copies an id of the library.
func goID(c *C.recsys_id) (id ID) {
	id.read(c)
	return id
}

// read is goID in place. It touches the text only if it must: that would be a write barrier.
func (id *ID) read(c *C.recsys_id) {
	if c.text == nil {
		id.key = uint64(c.number) + 1
		if id.text != "" {
			id.text = ""
		}
	} else {
		id.text, id.key = C.GoStringN(c.text, C.int(c.number)), isText
	}
}

// id writes an id; a text is copied into the arena. None becomes an id that every model refuses.
func (a *arena) id(id ID) C.recsys_id {
	if id.key == isText {
		return C.recsys_id{text: a.bytes(id.text), number: C.uint64_t(len(id.text))}
	}
	return C.recsys_id{number: C.uint64_t(id.key - 1)}
}

// ids writes a list; nil stays NULL.
func (a *arena) ids(list []ID) *C.recsys_id {
	if list == nil {
		return nil
	}
	first := (*C.recsys_id)(a.space(uintptr(len(list)) * C.sizeof_recsys_id))
	out := unsafe.Slice(first, len(list))
	for i := range list {
		out[i] = a.id(list[i])
	}
	return first
}
