package recsys

/*
#include "glue.h"
*/
import "C"

import (
	"syscall"
	"time"
)

// A Denylist knows the JWTs that were revoked before they expire. It reports Clear only when that is
// proven.
type Denylist struct {
	object[*C.recsys_denylist]
}

// DenylistOptions of a denylist. Zero means the default.
type DenylistOptions struct {
	Timeout   time.Duration // for a query to the database while a request waits; 0 = 50 ms
	MaxTokens uint64        // with more, checks ask the database for each token; 0 = 4194304
	Stats     *Stats        // nil = none
}

// A Verdict about a token.
type Verdict uint32

// The verdicts. Only Clear lets a token pass.
const (
	TokenClear       Verdict = C.RECSYS_TOKEN_CLEAR       // certainly not revoked
	TokenRevoked     Verdict = C.RECSYS_TOKEN_REVOKED     // revoked
	TokenUnknown     Verdict = C.RECSYS_TOKEN_UNKNOWN     // neither the store nor the database answered
	TokenUnconfirmed Verdict = C.RECSYS_TOKEN_UNCONFIRMED // not on the list, which may be incomplete
)

// String returns "clear", "revoked", "unknown" or "unconfirmed".
func (v Verdict) String() string {
	names := [...]string{"", "clear", "revoked", "unknown", "unconfirmed"}
	if int(v) < len(names) {
		return names[v]
	}
	return "?"
}

// NewDenylist makes a denylist. A nil source means that revocations are kept in this process and in
// the store alone; a nil store, that every check asks the database. The options may be nil.
func NewDenylist(store *Store, source *Source, options *DenylistOptions) (*Denylist, error) {
	a := newArena()
	defer a.release()
	o := (*C.recsys_denylist_options)(nil)
	if options != nil {
		stats, leave := options.Stats.use(a)
		defer leave()
		o = (*C.recsys_denylist_options)(a.space(C.sizeof_recsys_denylist_options))
		*o = C.recsys_denylist_options{struct_size: C.sizeof_recsys_denylist_options, timeout_ms: a.ms32(options.Timeout),
			max_tokens: C.uint64_t(options.MaxTokens), stats: stats}
	}
	s, leaveStore := store.use(a)
	defer leaveStore()
	d, leaveSource := source.use(a)
	defer leaveSource()
	var out *C.recsys_denylist
	if err := a.call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_denylist_create(s, d, o, &out, err)
	}); err != nil {
		return nil, err
	}
	list := new(Denylist)
	list.open(out, func(c *C.recsys_denylist) { C.recsys_denylist_destroy(c) })
	return list, nil
}

func (d *Denylist) with(run func(a *arena, c *C.recsys_denylist, err *C.recsys_error) C.recsys_status) error {
	c, err := d.enter()
	if err != nil {
		return err
	}
	defer d.leave()
	a := newArena()
	defer a.release()
	return call(func(err *C.recsys_error) C.recsys_status { return run(a, c, err) })
}

// Revoke revokes a token until it expires. When it returns nil every process refuses the token. The
// user and the reason may be "".
func (d *Denylist) Revoke(jti, userID, reason string, expires time.Time) error {
	if expires.Unix() < 0 {
		return invalid("the token expired before 1970")
	}
	return d.with(func(a *arena, c *C.recsys_denylist, err *C.recsys_error) C.recsys_status {
		return C.rg_denylist_revoke(c, chars(jti), C.size_t(len(jti)), a.optional(userID), a.optional(reason),
			C.uint64_t(expires.Unix()), err)
	})
}

// RevokeUser revokes all tokens of a user that were issued before a time; [Denylist.CheckUser] refuses
// them. Tokens say when in whole seconds, so "until now" is a second later than now. The reason may
// be "".
func (d *Denylist) RevokeUser(userID, reason string, issuedBefore time.Time) error {
	if issuedBefore.Unix() < 0 {
		return invalid("no token was issued before 1970")
	}
	return d.with(func(a *arena, c *C.recsys_denylist, err *C.recsys_error) C.recsys_status {
		return C.recsys_denylist_revoke_user(c, a.text(userID), a.optional(reason),
			C.uint64_t(issuedBefore.Unix()), err)
	})
}

// Check asks whether a token is revoked. If the store or the database fails, the verdict is
// TokenUnknown or TokenUnconfirmed, and problem says why; err is nil then.
func (d *Denylist) Check(jti string) (verdict Verdict, problem, err error) {
	return d.check(func(_ *arena, c *C.recsys_denylist, out *C.recsys_denylist_verdict, err *C.recsys_error) C.recsys_status {
		return C.rg_denylist_check(c, chars(jti), C.size_t(len(jti)), out, err)
	})
}

// CheckUser asks the same with the token's user (its sub) and when it was issued (its iat; the zero
// time if it does not say), so that [Denylist.RevokeUser] counts, too.
func (d *Denylist) CheckUser(jti, userID string, issued time.Time) (verdict Verdict, problem, err error) {
	seconds := C.uint64_t(0)
	if issued.Unix() > 0 {
		seconds = C.uint64_t(issued.Unix())
	}
	return d.check(func(a *arena, c *C.recsys_denylist, out *C.recsys_denylist_verdict, err *C.recsys_error) C.recsys_status {
		return C.rg_denylist_check_user(c, chars(jti), C.size_t(len(jti)), a.text(userID), seconds, out, err)
	})
}

func (d *Denylist) check(ask func(a *arena, c *C.recsys_denylist, out *C.recsys_denylist_verdict, err *C.recsys_error) C.recsys_status) (verdict Verdict, problem, err error) {
	err = d.with(func(a *arena, c *C.recsys_denylist, err *C.recsys_error) C.recsys_status {
		out := (*C.recsys_denylist_verdict)(a.space(C.sizeof_recsys_denylist_verdict))
		out.struct_size = C.sizeof_recsys_denylist_verdict
		status := ask(a, c, out, err)
		verdict = Verdict(out.verdict)
		if out.problem.status != C.RECSYS_OK {
			problem = &Error{Status: Status(out.problem.status), Errno: syscall.Errno(out.problem.sys_errno),
				Message: roomText(out.problem.message[:])}
		}
		return status
	})
	return verdict, problem, err
}

// Get returns the entry of a revoked token as JSON; [ErrNotFound] if it is not revoked.
func (d *Denylist) Get(jti string) ([]byte, error) {
	var out C.recsys_value
	err := d.with(func(_ *arena, c *C.recsys_denylist, err *C.recsys_error) C.recsys_status {
		return C.rg_denylist_get(c, chars(jti), C.size_t(len(jti)), &out, err)
	})
	return take(&out), err
}

// Sync reads new revocations from the database. A service calls it at its start and then every second
// or so, from a goroutine of its own.
func (d *Denylist) Sync() error {
	return d.with(func(_ *arena, c *C.recsys_denylist, err *C.recsys_error) C.recsys_status {
		return C.recsys_denylist_sync(c, err)
	})
}

// DenylistStats counts.
type DenylistStats struct {
	Tokens                                        uint64 // in this process' list
	Checks, Revoked, Unknown, Syncs, SyncFailures uint64
	Confirmed                                     time.Time // when the list was last known to be complete
}

// Stats counts.
func (d *Denylist) Stats() (DenylistStats, error) {
	o := C.recsys_denylist_stats{struct_size: C.sizeof_recsys_denylist_stats}
	err := d.with(func(_ *arena, c *C.recsys_denylist, err *C.recsys_error) C.recsys_status {
		return C.recsys_denylist_get_stats(c, &o, err)
	})
	return DenylistStats{uint64(o.tokens), uint64(o.checks), uint64(o.revoked), uint64(o.unknown), uint64(o.syncs),
		uint64(o.sync_failures), unixTime(o.confirmed_ms)}, err
}
