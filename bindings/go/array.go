package recsys

/*
#include "glue.h"
*/
import "C"

import "unsafe"

// A DType is the type of an array's numbers.
type DType uint32

// The types of numbers.
const (
	F32  DType = C.RECSYS_DTYPE_F32
	F64  DType = C.RECSYS_DTYPE_F64
	F16  DType = C.RECSYS_DTYPE_F16
	BF16 DType = C.RECSYS_DTYPE_BF16
	I32  DType = C.RECSYS_DTYPE_I32
	U32  DType = C.RECSYS_DTYPE_U32
	I64  DType = C.RECSYS_DTYPE_I64
	U64  DType = C.RECSYS_DTYPE_U64
	U8   DType = C.RECSYS_DTYPE_U8
)

// An Array is a view into a model's memory, which is read-only: writing to it ends the program. It is
// valid until the model is closed; the slices that its methods give do not keep the model open.
type Array struct {
	DType         DType
	Rows, Columns int // Columns is 1 for an array of one dimension
	data          unsafe.Pointer
	stride        int // bytes from one row to the next
	model         *Model
}

// Array returns one of the model's arrays (item_factors, item_ids, seen_offsets, …; model.h lists
// them) without copying it. Row r is the same item in every item_* array.
func (m *Model) Array(name string) (Array, error) {
	c, err := m.enter()
	if err != nil {
		return Array{}, err
	}
	defer m.leave()
	a := newArena()
	defer a.release()
	text, out := a.text(name), C.recsys_array{}
	if err := a.call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_model_get_array(c, text, &out, err)
	}); err != nil {
		return Array{}, err
	}
	array := Array{DType(out.dtype), int(out.shape[0]), 1, out.data, int(out.strides[0]), m}
	if out.n_dims == 2 {
		array.Columns = int(out.shape[1])
	}
	return array, nil
}

// ArrayRow returns row number r of an array as a view. T must be the type of the array's numbers;
// the row is nil if it is not, or if there is no such row.
func ArrayRow[T Number](a Array, r int) []T {
	if r < 0 || r >= a.Rows || dtypeOf[T]() != a.DType {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Add(a.data, r*a.stride)), a.Columns)
}

// ArrayValues returns an array of one dimension as a view; nil if T is not the type of its numbers
// or it has several dimensions.
func ArrayValues[T Number](a Array) []T {
	if a.Columns != 1 || dtypeOf[T]() != a.DType || a.Rows == 0 {
		return nil
	}
	return unsafe.Slice((*T)(a.data), a.Rows)
}

// A Number is a type whose arrays a builder takes and a model gives.
type Number interface {
	float32 | float64 | int32 | uint32 | int64 | uint64 | uint8
}

func dtypeOf[T Number]() DType {
	switch any(*new(T)).(type) {
	case float32:
		return F32
	case float64:
		return F64
	case int32:
		return I32
	case uint32:
		return U32
	case int64:
		return I64
	case uint64:
		return U64
	}
	return U8
}
