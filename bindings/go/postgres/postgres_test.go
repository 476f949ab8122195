package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"testing"
	"time"

	"recsys.example/recsys"
	"recsys.example/recsys/postgres"
)

// source is the PostgreSQL that tests/support/servers.py has started.
func source(t *testing.T) *recsys.Source {
	t.Helper()
	conninfo := os.Getenv("RECSYS_TEST_POSTGRES")
	if conninfo == "" {
		t.Fatal("RECSYS_TEST_POSTGRES is not set; run the tests through tests/support/servers.py")
	}
	s, err := postgres.NewSource(conninfo, postgres.Options{PoolSize: 4, ConnectTimeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestEveryTypeComesBack(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := source(t)
	rows, err := s.Query(ctx, `SELECT $1::bigint AS i, $2::float8 AS r, $3::text AS t, $4::bool AS b, NULL AS n,
		1.50::numeric AS d, '[1]'::json AS j, '2026-02-03 04:05:06.5+00'::timestamptz AS at`, 7, 2.5, "Zoë", true)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 2, 3, 4, 5, 6, 500_000_000, time.UTC)
	want := []any{int64(7), 2.5, "Zoë", true, nil, recsys.NumberText("1.50"), json.RawMessage("[1]"), at}
	if !reflect.DeepEqual(rows.Values, [][]any{want}) || rows.Columns[7] != "at" {
		t.Errorf("%#v %v", rows.Values, rows.Columns)
	}
	text, err := rows.JSON(recsys.ShapeObject)
	if err != nil || string(text) != `{"i":7,"r":2.5,"t":"Zoë","b":true,"n":null,"d":1.50,"j":[1],"at":"2026-02-03T04:05:06.5Z"}` {
		t.Errorf("%s %v", text, err)
	}
	if stats, err := postgres.StatsOf(s); err != nil || stats.Queries == 0 {
		t.Errorf("%+v %v", stats, err)
	}
}

func TestATransactionIsRolledBack(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := source(t)
	tx, err := s.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = tx.Query("CREATE TABLE go_binding (n int)"); err != nil {
		t.Error(err)
	}
	tx.Rollback()
	if _, err = s.Query(ctx, "SELECT n FROM go_binding"); !errors.Is(err, recsys.ErrBackend) {
		t.Errorf("the table is there: %v", err)
	}
}

func TestADeadlineEndsAStatement(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if _, err := source(t).Query(ctx, "SELECT pg_sleep(60)"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestWrongConninfoIsRefused(t *testing.T) {
	if _, err := postgres.NewSource("no such = thing =", postgres.Options{}); !errors.Is(err, recsys.ErrInvalid) {
		t.Error(err)
	}
}
