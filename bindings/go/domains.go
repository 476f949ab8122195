package recsys

/*
#include "glue.h"
*/
import "C"

import (
	"time"
	"unsafe"
)

// Domains are caches over a database, each defined by one row of a table: data that is read by one key
// pattern and kept in one of up to 16 logical dbs.
type Domains struct {
	object[*C.recsys_domains]
}

// DomainDBs is how many logical dbs there are.
const DomainDBs = C.RECSYS_DOMAIN_DBS

// DomainsOptions of a set of domains. Zero means the default.
type DomainsOptions struct {
	Stores      []*Store      // of the logical dbs from 0 on; nil = an in-process store
	Timeout     time.Duration // of each statement; 0 = 2 seconds
	Source      *Source       // required
	Stats       *Stats        // nil = none
	MemoryBytes uint64        // of each in-process store that the set makes; 0 = 16 MiB
	Aside       *AsideOptions // of all caches, except TTL, Label and Stats; Format 0 = plain where others can read
	TrustedDBs  []int         // logical dbs in which what other programs have stored is returned
}

// NewDomains makes a set without domains. Add all of them before several goroutines use it.
func NewDomains(options DomainsOptions) (*Domains, error) {
	a := newArena()
	defer a.release()
	aside, leaveAside := options.Aside.c(a)
	defer leaveAside()
	source, leaveSource := options.Source.use(a)
	defer leaveSource()
	stats, leaveStats := options.Stats.use(a)
	defer leaveStats()
	o := (*C.recsys_domains_options)(a.space(C.sizeof_recsys_domains_options))
	stores := (**C.recsys_store)(a.space(uintptr(len(options.Stores)) * textSize))
	*o = C.recsys_domains_options{struct_size: C.sizeof_recsys_domains_options, n_stores: a.count(len(options.Stores)),
		stores: stores, timeout_ms: a.ms32(options.Timeout), source: source, stats: stats,
		memory_bytes: C.uint64_t(options.MemoryBytes), aside: aside}
	for _, db := range options.TrustedDBs {
		o.trusted_dbs |= 1 << uint(db)
	}
	for i, store := range options.Stores {
		c, leave := store.use(a)
		defer leave()
		unsafe.Slice(stores, len(options.Stores))[i] = c
	}
	var out *C.recsys_domains
	if err := a.call(func(err *C.recsys_error) C.recsys_status { return C.recsys_domains_create(o, &out, err) }); err != nil {
		return nil, err
	}
	d := new(Domains)
	d.open(out, func(c *C.recsys_domains) { C.recsys_domains_destroy(c) })
	return d, nil
}

// A Definition is one domain: one row of the table. The {names} of the key are the parameters; the
// query has them as $1, $2, … With MaxRows the query has one more, the last: how many rows to read.
type Definition struct {
	Name       string // "user.profile"
	DB         int    // logical db 0..15
	Shape      Shape
	Key        string        // "user:profile:{user_id}"
	Query      string        // SELECT … WHERE user_id = $1
	TTL        time.Duration // whole seconds; 0 = 5 minutes
	Negative   time.Duration // of negative entries, whole seconds; 0 = as the caches' options say
	MaxRows    int           // of lists: how many are cached; 0 = all
	MaxBytes   int           // of the JSON; larger ones are not cached; 0 = 1 MiB
	WarmQuery  string        // with Warm: one row for each key; its columns are the parameters
	Version    string        // a column that grows with every change of the row; "" = none
	Settled    string        // a BOOL column: a row where it is false is not cached; "" = none
	PerUser    bool          // the first parameter is a user: InvalidateUser invalidates the entry
	Warm       bool          // WarmQuery lists what Warm loads
	NoNegative bool          // do not cache that a row does not exist
}

// seconds rounds up to whole seconds.
func (a *arena) seconds(d time.Duration) C.uint32_t {
	if d < 0 || d/time.Second > 1<<31 {
		a.fail(invalid("%v is no time to live", d))
		return 0
	}
	return C.uint32_t((d + time.Second - 1) / time.Second)
}

func (d *Domains) with(run func(a *arena, c *C.recsys_domains, err *C.recsys_error) C.recsys_status) error {
	c, err := d.enter()
	if err != nil {
		return err
	}
	defer d.leave()
	a := newArena()
	defer a.release()
	return call(func(err *C.recsys_error) C.recsys_status {
		status := run(a, c, err)
		if a.failed != nil && status == C.RECSYS_OK {
			status = report(a.failed, err)
		}
		return status
	})
}

// Add adds a domain.
func (d *Domains) Add(definition Definition) error {
	c, err := d.enter()
	if err != nil {
		return err
	}
	defer d.leave()
	a := newArena()
	defer a.release()
	o := (*C.recsys_domain_definition)(a.space(C.sizeof_recsys_domain_definition))
	*o = C.recsys_domain_definition{struct_size: C.sizeof_recsys_domain_definition,
		flags: flag(definition.PerUser, C.RECSYS_DOMAIN_PER_USER) | flag(definition.Warm, C.RECSYS_DOMAIN_WARM) |
			flag(definition.NoNegative, C.RECSYS_DOMAIN_NO_NEGATIVE),
		name: a.text(definition.Name), db: a.count(definition.DB), shape: C.uint32_t(definition.Shape),
		ttl_s: a.seconds(definition.TTL), negative_ttl_s: a.seconds(definition.Negative),
		max_rows: a.count(definition.MaxRows), max_bytes: a.count(definition.MaxBytes), key: a.text(definition.Key),
		query: a.text(definition.Query), warm_query: a.optional(definition.WarmQuery),
		version_column: a.optional(definition.Version), settled_column: a.optional(definition.Settled)}
	return a.call(func(err *C.recsys_error) C.recsys_status { return C.recsys_domains_add(c, o, err) })
}

// List returns the definitions in the order in which they were added, with all defaults filled in.
func (d *Domains) List() ([]Definition, error) {
	c, err := d.enter()
	if err != nil {
		return nil, err
	}
	defer d.leave()
	list := []Definition{}
	for {
		o := C.recsys_domains_list(c, C.size_t(len(list)))
		if o == nil {
			return list, nil
		}
		list = append(list, Definition{C.GoString(o.name), int(o.db), Shape(o.shape), C.GoString(o.key), C.GoString(o.query),
			time.Duration(o.ttl_s) * time.Second, time.Duration(o.negative_ttl_s) * time.Second, int(o.max_rows),
			int(o.max_bytes), C.GoString(o.warm_query), C.GoString(o.version_column), C.GoString(o.settled_column),
			o.flags&C.RECSYS_DOMAIN_PER_USER != 0, o.flags&C.RECSYS_DOMAIN_WARM != 0,
			o.flags&C.RECSYS_DOMAIN_NO_NEGATIVE != 0})
	}
}

// Get reads one entry as JSON. The values are the key's parameters.
func (d *Domains) Get(name string, values ...string) (json []byte, outcome Outcome, err error) {
	return d.GetRows(name, 0, values...)
}

// GetRows is Get for lists with MaxRows: limit says how many rows, from the first; 0 = MaxRows.
func (d *Domains) GetRows(name string, limit int, values ...string) (json []byte, outcome Outcome, err error) {
	var out C.recsys_value
	o := C.uint32_t(0)
	err = d.with(func(a *arena, c *C.recsys_domains, err *C.recsys_error) C.recsys_status {
		return C.recsys_domains_get(c, a.cut(name), a.texts(values), C.size_t(len(values)), a.count(limit), &out, &o, err)
	})
	return take(&out), Outcome(o), err
}

// Write changes the database with one statement, then invalidates the entries of the domains for the
// values.
func (d *Domains) Write(domains, values []string, statement string, parameters ...any) (*Rows, error) {
	var rows *C.recsys_rows
	err := d.with(func(a *arena, c *C.recsys_domains, err *C.recsys_error) C.recsys_status {
		list := a.data(parameters)
		if a.failed != nil {
			return report(a.failed, err)
		}
		return C.recsys_domains_write(c, a.texts(domains), C.size_t(len(domains)), a.texts(values), C.size_t(len(values)),
			a.cut(statement), list, C.size_t(len(parameters)), &rows, err)
	})
	if rows == nil {
		return nil, err
	}
	return takeRows(rows), err
}

// Invalidate forgets an entry whose truth another program has changed.
func (d *Domains) Invalidate(name string, values ...string) error {
	return d.with(func(a *arena, c *C.recsys_domains, err *C.recsys_error) C.recsys_status {
		return C.recsys_domains_invalidate(c, a.cut(name), a.texts(values), C.size_t(len(values)), err)
	})
}

// InvalidateUser forgets all entries of a user, in all domains that are PerUser.
func (d *Domains) InvalidateUser(userID string) error {
	return d.with(func(a *arena, c *C.recsys_domains, err *C.recsys_error) C.recsys_status {
		return C.recsys_domains_invalidate_user(c, a.cut(userID), err)
	})
}

// Flush waits until all invalidations have reached their stores; 0 = 2 seconds. After ErrTimeout
// some have not, and stay remembered.
func (d *Domains) Flush(timeout time.Duration) error {
	return d.with(func(a *arena, c *C.recsys_domains, err *C.recsys_error) C.recsys_status {
		return C.recsys_domains_flush(c, a.ms32(timeout), err)
	})
}

// OutboxSettle is how long after the commit of a write of a ready domain no process that syncs
// returns the old value any more.
const OutboxSettle = C.RECSYS_OUTBOX_SETTLE_MS * time.Millisecond

// An Outbox says what Sync did.
type Outbox struct {
	On                 bool // the database has the table, so writes add to it
	Delivered, Waiting uint64
}

// Sync delivers the invalidations that writers of all processes owe (the table cache_db.outbox).
// Call it about twice a second from one goroutine. The source is another one of the same database,
// or nil.
func (d *Domains) Sync(source *Source) (Outbox, error) {
	out := C.recsys_outbox{struct_size: C.sizeof_recsys_outbox}
	err := d.with(func(a *arena, c *C.recsys_domains, err *C.recsys_error) C.recsys_status {
		other, leave := source.use(a)
		defer leave()
		return C.recsys_domains_sync(c, other, &out, err)
	})
	return Outbox{out.is_on != 0, uint64(out.delivered), uint64(out.waiting)}, err
}

// A Warming says what Warm did.
type Warming struct {
	Skipped                 bool // another process is warming
	Loaded, Present, Failed uint64
}

// Warm loads the entries that the warm queries list and that are not cached yet; name "" is all
// domains. The timeout is for the whole call; 0 = 1 minute. The counts are so far, also after a
// failure.
func (d *Domains) Warm(name string, timeout time.Duration) (Warming, error) {
	out := C.recsys_warming{struct_size: C.sizeof_recsys_warming}
	err := d.with(func(a *arena, c *C.recsys_domains, err *C.recsys_error) C.recsys_status {
		return C.recsys_domains_warm(c, a.optional(name), a.ms32(timeout), &out, err)
	})
	return Warming{out.skipped != 0, uint64(out.loaded), uint64(out.present), uint64(out.failed)}, err
}

// Refresh does the same and loads entries again that are cached, as a nightly job.
func (d *Domains) Refresh(name string, timeout time.Duration) (Warming, error) {
	out := C.recsys_warming{struct_size: C.sizeof_recsys_warming}
	err := d.with(func(a *arena, c *C.recsys_domains, err *C.recsys_error) C.recsys_status {
		return C.recsys_domains_refresh(c, a.optional(name), a.ms32(timeout), &out, err)
	})
	return Warming{out.skipped != 0, uint64(out.loaded), uint64(out.present), uint64(out.failed)}, err
}

// Aside returns the cache of a logical db, for its counts and for entries of your own; nil if no
// domain uses it. It is valid as long as the domains are open; its Close does nothing to them.
func (d *Domains) Aside(db int) *Aside {
	c, err := d.enter()
	if err != nil || db < 0 {
		return nil
	}
	aside := C.recsys_domains_get_aside(c, C.uint32_t(db))
	if aside == nil {
		d.leave()
		return nil
	}
	s := new(Aside)
	s.open(aside, func(*C.recsys_aside) { d.leave() }) // until then the domains stay
	return s
}
