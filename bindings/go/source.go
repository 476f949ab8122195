package recsys

/*
#include "glue.h"
*/
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/cgo"
	"time"
	"unsafe"
)

// A Source is a database, as far as the library needs one: PostgreSQL (package
// recsys.example/recsys/postgres), a [Driver] in Go, or another driver in C (see [AdoptSource]).
type Source struct {
	object[*C.recsys_source]
}

// Rows are the result of a statement. A value is nil, bool, int64, float64, string, [NumberText],
// json.RawMessage or time.Time.
type Rows struct {
	Columns []string
	Values  [][]any
}

// A NumberText is a decimal number of any precision, as JSON writes it.
type NumberText string

// A Driver is a database whose functions are in Go, such as a *sql.DB. Statements have their
// parameters as $1, $2, …; a parameter is nil, bool, int64, float64 or string.
//
// The context has the deadline of the call. Errors should be statuses where one fits: [ErrExists] for
// a unique constraint, [ErrConflict] for a transaction that may be tried again, [ErrExhausted],
// [ErrInvalid]; any other error is [ErrBackend]. Several goroutines call it at once.
type Driver interface {
	// Query runs a statement; tx is what Begin returned, nil outside a transaction.
	Query(ctx context.Context, tx any, statement string, parameters []any) (*Rows, error)
	// Begin begins a transaction.
	Begin(ctx context.Context) (tx any, err error)
	// End commits it, or rolls it back; it ends in either case.
	End(ctx context.Context, tx any, commit bool) error
}

// A Runner is a Driver that can also run several statements without parameters, all or none.
type Runner interface {
	Run(ctx context.Context, script string) error
}

// A Closer is a Driver that is to be closed after its last use.
type Closer interface{ Close() error }

// NewSource makes a source of a driver in Go.
func NewSource(name string, driver Driver) (*Source, error) {
	if driver == nil {
		return nil, invalid("a source needs a driver")
	}
	a := newArena()
	defer a.release()
	text := a.text(name)
	if a.failed != nil {
		return nil, a.failed
	}
	_, runs := driver.(Runner)
	handle := cgo.NewHandle(driver) // goSourceDestroy deletes it, also if the call fails
	var out *C.recsys_source
	if err := call(func(err *C.recsys_error) C.recsys_status {
		return C.rg_source_create(text, C.uintptr_t(handle), flag(runs, 1), &out, err)
	}); err != nil {
		return nil, err
	}
	return AdoptSource(unsafe.Pointer(out)), nil
}

// AdoptSource makes a Source of a recsys_source that other C code has created, and takes over one
// reference. It is for packages that bind another driver.
func AdoptSource(source unsafe.Pointer) *Source {
	s := new(Source)
	s.open((*C.recsys_source)(source), func(c *C.recsys_source) { C.recsys_source_unref(c) })
	return s
}

// With runs a function of C on the source, whose pointer is valid until it returns. It is for packages
// that bind another driver.
func (s *Source) With(run func(source unsafe.Pointer) error) error {
	c, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave()
	return run(unsafe.Pointer(c))
}

// use enters an optional source for another object.
func (s *Source) use(a *arena) (*C.recsys_source, func()) {
	if s == nil {
		return nil, func() {}
	}
	c, err := s.enter()
	if err != nil {
		a.fail(err)
		return nil, func() {}
	}
	return c, s.leave
}

// Ref returns a second Source of the same database, with a Close of its own.
func (s *Source) Ref() (*Source, error) {
	c, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer s.leave()
	return AdoptSource(unsafe.Pointer(C.recsys_source_ref(c))), nil
}

// SetAway tells the source that the database is away, or back. While it is away, statements fail at
// once with [ErrIO].
func (s *Source) SetAway(away bool) error {
	c, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave()
	C.recsys_source_set_away(c, flag(away, 1))
	return nil
}

// Query runs one statement outside a transaction. Without a deadline in the context it may take 2
// seconds.
func (s *Source) Query(ctx context.Context, statement string, parameters ...any) (*Rows, error) {
	c, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer s.leave()
	timeout, err := remaining(ctx)
	if err != nil {
		return nil, err
	}
	a := newArena()
	defer a.release()
	text, list := a.text(statement), a.data(parameters)
	var rows *C.recsys_rows
	if err := a.call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_source_query(c, text, list, C.size_t(len(parameters)), timeout, &rows, err)
	}); err != nil {
		return nil, err
	}
	return takeRows(rows), nil
}

// Run runs several statements without parameters, all or none.
func (s *Source) Run(ctx context.Context, script string) error {
	c, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave()
	timeout, err := remaining(ctx)
	if err != nil {
		return err
	}
	a := newArena()
	defer a.release()
	text := a.text(script)
	return a.call(func(err *C.recsys_error) C.recsys_status { return C.recsys_source_run(c, text, timeout, err) })
}

// A Transaction is several statements that take effect together or not at all. One goroutine at a
// time may use it.
type Transaction struct{ c *C.recsys_transaction }

// Begin begins a transaction, which ends with Commit or Rollback. The deadline of the context holds
// for all of it.
func (s *Source) Begin(ctx context.Context) (*Transaction, error) {
	c, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer s.leave()
	timeout, err := remaining(ctx)
	if err != nil {
		return nil, err
	}
	t := new(Transaction)
	if err := call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_transaction_begin(c, timeout, &t.c, err)
	}); err != nil {
		return nil, err
	}
	runtime.SetFinalizer(t, (*Transaction).Rollback)
	return t, nil
}

var errEnded = &Error{Status: ErrState, Message: "recsys: the transaction has ended"}

// Query runs one statement of the transaction.
func (t *Transaction) Query(statement string, parameters ...any) (*Rows, error) {
	if t.c == nil {
		return nil, errEnded
	}
	a := newArena()
	defer a.release()
	text, list := a.text(statement), a.data(parameters)
	var rows *C.recsys_rows
	if err := a.call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_transaction_query(t.c, text, list, C.size_t(len(parameters)), &rows, err)
	}); err != nil {
		return nil, err
	}
	runtime.KeepAlive(t) // its finalizer would end the transaction
	return takeRows(rows), nil
}

// Commit ends the transaction. After ErrTimeout, ErrIO, ErrNoMemory or ErrCallback it may have been
// committed.
func (t *Transaction) Commit() error {
	if t.c == nil {
		return errEnded
	}
	c := t.c
	t.c = nil
	runtime.SetFinalizer(t, nil)
	return call(func(err *C.recsys_error) C.recsys_status { return C.recsys_transaction_commit(c, err) })
}

// Rollback ends the transaction; after Commit it does nothing, so that it can be deferred.
func (t *Transaction) Rollback() {
	runtime.SetFinalizer(t, nil)
	C.recsys_transaction_rollback(t.c)
	t.c = nil
}

// -- values --

// data writes a list of parameters.
func (a *arena) data(values []any) *C.recsys_datum {
	first := (*C.recsys_datum)(a.space(uintptr(len(values)) * C.sizeof_recsys_datum))
	for i, value := range values {
		unsafe.Slice(first, len(values))[i] = a.datum(value)
	}
	return first
}

func (a *arena) datum(value any) C.recsys_datum {
	switch v := value.(type) {
	case nil:
		return C.recsys_datum{}
	case bool:
		return C.recsys_datum{_type: C.RECSYS_TYPE_BOOL, number: C.int64_t(flag(v, 1))}
	case int:
		return C.recsys_datum{_type: C.RECSYS_TYPE_INTEGER, number: C.int64_t(v)}
	case int32:
		return C.recsys_datum{_type: C.RECSYS_TYPE_INTEGER, number: C.int64_t(v)}
	case int64:
		return C.recsys_datum{_type: C.RECSYS_TYPE_INTEGER, number: C.int64_t(v)}
	case float32:
		return C.recsys_datum{_type: C.RECSYS_TYPE_REAL, real: C.double(v)}
	case float64:
		return C.recsys_datum{_type: C.RECSYS_TYPE_REAL, real: C.double(v)}
	case string:
		return a.textDatum(C.RECSYS_TYPE_TEXT, v)
	case []byte:
		return a.textDatum(C.RECSYS_TYPE_TEXT, string(v))
	case NumberText:
		return a.textDatum(C.RECSYS_TYPE_NUMBER, string(v))
	case json.RawMessage:
		return a.textDatum(C.RECSYS_TYPE_JSON, string(v))
	case time.Time:
		return a.textDatum(C.RECSYS_TYPE_TIME, v.UTC().Format("2006-01-02T15:04:05.999999Z"))
	}
	a.fail(invalid("a value of type %T has no type in a database", value))
	return C.recsys_datum{}
}

func (a *arena) textDatum(kind C.uint32_t, s string) C.recsys_datum {
	return C.recsys_datum{_type: kind, text: a.bytes(s), size: C.size_t(len(s))}
}

func goDatum(d C.recsys_datum) any {
	text := func() string { return string(unsafe.Slice((*byte)(unsafe.Pointer(d.text)), d.size)) }
	switch d._type {
	case C.RECSYS_TYPE_BOOL:
		return d.number != 0
	case C.RECSYS_TYPE_INTEGER:
		return int64(d.number)
	case C.RECSYS_TYPE_REAL:
		return float64(d.real)
	case C.RECSYS_TYPE_TEXT:
		return text()
	case C.RECSYS_TYPE_NUMBER:
		return NumberText(text())
	case C.RECSYS_TYPE_JSON:
		return json.RawMessage(text())
	case C.RECSYS_TYPE_TIME:
		if t, err := time.Parse(time.RFC3339Nano, text()); err == nil {
			return t
		}
		return text()
	}
	return nil
}

// takeRows copies rows of the library and destroys them.
func takeRows(c *C.recsys_rows) *Rows {
	defer C.recsys_rows_destroy(c)
	rows := &Rows{Columns: make([]string, C.recsys_rows_count_columns(c)), Values: make([][]any, C.recsys_rows_count(c))}
	for j := range rows.Columns {
		rows.Columns[j] = C.GoString(C.recsys_rows_get_column(c, C.size_t(j)))
	}
	for i := range rows.Values {
		rows.Values[i] = make([]any, len(rows.Columns))
		for j := range rows.Columns {
			rows.Values[i][j] = goDatum(C.recsys_rows_get(c, C.size_t(i), C.size_t(j)))
		}
	}
	return rows
}

// fill adds the rows to rows of the library.
func (r *Rows) fill(a *arena, c *C.recsys_rows, err *C.recsys_error) C.recsys_status {
	for _, name := range r.Columns {
		if status := C.recsys_rows_add_column(c, a.cut(name), err); status != C.RECSYS_OK {
			return status
		}
	}
	for _, row := range r.Values {
		if len(row) != len(r.Columns) {
			return report(invalid("a row has %d values, there are %d columns", len(row), len(r.Columns)), err)
		}
		for _, value := range row {
			if status := C.recsys_rows_add(c, a.datum(value), err); status != C.RECSYS_OK {
				return status
			}
		}
		if a.failed != nil {
			return report(a.failed, err)
		}
	}
	return C.RECSYS_OK
}

// A Shape is the form of rows as JSON.
type Shape uint32

// The shapes.
const (
	ShapeObject Shape = C.RECSYS_SHAPE_OBJECT // the first row as an object; ErrNotFound without one
	ShapeList   Shape = C.RECSYS_SHAPE_LIST   // an array of objects
	ShapeColumn Shape = C.RECSYS_SHAPE_COLUMN // an array of the first column's values
)

// JSON returns the rows as JSON.
func (r *Rows) JSON(shape Shape) ([]byte, error) {
	a := newArena()
	defer a.release()
	var rows *C.recsys_rows
	var out C.recsys_value
	err := call(func(err *C.recsys_error) C.recsys_status {
		if status := C.recsys_rows_create(&rows, err); status != C.RECSYS_OK {
			return status
		}
		defer C.recsys_rows_destroy(rows)
		if status := r.fill(a, rows, err); status != C.RECSYS_OK {
			return status
		}
		return C.recsys_rows_format(rows, C.uint32_t(shape), &out, err)
	})
	return take(&out), err
}

// -- the driver's functions, called from C --

// deadline makes the context of one call.
func deadline(ms C.uint32_t) (context.Context, context.CancelFunc) {
	if ms == C.RECSYS_NEVER_32 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), time.Duration(ms)*time.Millisecond)
}

// guard makes a failure of a panic: no goroutine of ours waits for it.
func guard(status *C.recsys_status, err *C.recsys_error) {
	if panicked := recover(); panicked != nil {
		*status = report(&Error{Status: ErrCallback, Message: fmt.Sprintf("the driver panicked: %v", panicked)}, err)
	}
}

func session(handle C.uintptr_t) any {
	if handle == 0 {
		return nil
	}
	return cgo.Handle(handle).Value()
}

//export goSourceQuery
func goSourceQuery(self, tx C.uintptr_t, statement *C.char, parameters *C.recsys_datum, n C.size_t, timeout C.uint32_t, out *C.recsys_rows, err *C.recsys_error) (status C.recsys_status) {
	defer guard(&status, err)
	ctx, cancel := deadline(timeout)
	defer cancel()
	values := make([]any, n)
	for i := range values {
		values[i] = goDatum(unsafe.Slice(parameters, n)[i])
	}
	rows, problem := cgo.Handle(self).Value().(Driver).Query(ctx, session(tx), C.GoString(statement), values)
	if problem != nil {
		return report(problem, err)
	}
	if rows == nil {
		return C.RECSYS_OK
	}
	a := newArena()
	defer a.release()
	return rows.fill(a, out, err)
}

//export goSourceBegin
func goSourceBegin(self C.uintptr_t, timeout C.uint32_t, tx *C.uintptr_t, err *C.recsys_error) (status C.recsys_status) {
	defer guard(&status, err)
	ctx, cancel := deadline(timeout)
	defer cancel()
	begun, problem := cgo.Handle(self).Value().(Driver).Begin(ctx)
	if problem != nil {
		return report(problem, err)
	}
	*tx = C.uintptr_t(cgo.NewHandle(begun))
	return C.RECSYS_OK
}

//export goSourceEnd
func goSourceEnd(self, tx C.uintptr_t, commit, timeout C.uint32_t, err *C.recsys_error) (status C.recsys_status) {
	defer guard(&status, err)
	ctx, cancel := deadline(timeout)
	defer cancel()
	defer cgo.Handle(tx).Delete()
	if problem := cgo.Handle(self).Value().(Driver).End(ctx, session(tx), commit != 0); problem != nil {
		return report(problem, err)
	}
	return C.RECSYS_OK
}

//export goSourceRun
func goSourceRun(self C.uintptr_t, script *C.char, timeout C.uint32_t, err *C.recsys_error) (status C.recsys_status) {
	defer guard(&status, err)
	ctx, cancel := deadline(timeout)
	defer cancel()
	if problem := cgo.Handle(self).Value().(Runner).Run(ctx, C.GoString(script)); problem != nil {
		return report(problem, err)
	}
	return C.RECSYS_OK
}

//export goSourceDestroy
func goSourceDestroy(self C.uintptr_t) {
	handle := cgo.Handle(self)
	if closer, ok := handle.Value().(Closer); ok {
		_ = closer.Close()
	}
	handle.Delete()
}
