package recsys_test

// The calls of the scenarios about caches, guards, stats and domains.

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"recsys.example/recsys"
)

func init() {
	know(map[string]call{"sleep": callSleep, "key": callKey, "cache": callCache,
		"cache_set": callCacheSet, "cache_get": callCacheGet, "cache_remove": callCacheRemove,
		"cache_clear": callCacheClear, "store": callStore, "store_set": callStoreSet, "store_get": callStoreGet,
		"store_remove": callStoreRemove, "store_get_or_set": callStoreGetOrSet, "store_replace": callStoreReplace,
		"store_scan": callStoreScan, "aside": callAside, "aside_get": callAsideGet, "get_or_load": callGetOrLoad,
		"aside_set": callAsideSet, "aside_write": callAsideWrite, "invalidate": callInvalidate,
		"aside_stats": callAsideStats, "limiter": callLimiter, "allow": callAllow, "denylist": callDenylist,
		"revoke": callRevoke, "check": callCheck, "denylist_get": callDenylistGet, "stats": callStats,
		"metric": callMetric, "format": callFormat, "source": callSource, "query": callQuery, "domains": callDomains,
		"domain_get": callDomainGet, "domain_write": callDomainWrite, "domain_invalidate": callDomainInvalidate,
		"warm": callWarm})
}

func ms(o object, key string) time.Duration { return time.Duration(number(o, key)) * time.Millisecond }

func callSleep(_ *scenario, step, _ object) error {
	time.Sleep(ms(step, "ms"))
	return nil
}

func callKey(_ *scenario, step, result object) error {
	key, err := recsys.FormatKey(text(step, "pattern"), strs(step, "values")...)
	result["key"] = key
	return err
}

func cacheOptions(step object) *recsys.CacheOptions {
	o, _ := step["options"].(object)
	return &recsys.CacheOptions{Shards: number(o, "n_shards"), MaxBytes: uint64(number(o, "max_bytes")),
		MaxValueBytes: uint64(number(o, "max_value_bytes")), TTL: ms(o, "ttl_ms")}
}

func callCache(s *scenario, step, _ object) error {
	cache, err := recsys.NewCache(cacheOptions(step))
	if err == nil {
		s.keep(step, cache)
	}
	return err
}

func callCacheSet(s *scenario, step, _ object) error {
	return named[*recsys.Cache](s, step, "cache").Set(text(step, "key"), []byte(text(step, "value")), ms(step, "ttl_ms"))
}

func callCacheGet(s *scenario, step, result object) error {
	value, err := named[*recsys.Cache](s, step, "cache").Get(text(step, "key"))
	if err == nil {
		result["value"] = string(value)
	}
	return err
}

func callCacheRemove(s *scenario, step, _ object) error {
	return named[*recsys.Cache](s, step, "cache").Remove(text(step, "key"))
}

func callCacheClear(s *scenario, step, result object) error {
	cache := named[*recsys.Cache](s, step, "cache")
	if err := cache.Clear(); err != nil {
		return err
	}
	stats, err := cache.Stats()
	result["entries"], result["sets"], result["hits"], result["misses"] = stats.Entries, stats.Sets, stats.Hits, stats.Misses
	return err
}

func callStore(s *scenario, step, _ object) error {
	store, err := recsys.NewMemoryStore(text(step, "as"), cacheOptions(step))
	if err == nil {
		s.keep(step, store)
	}
	return err
}

func storeOf(s *scenario, step object) *recsys.Store { return named[*recsys.Store](s, step, "store") }

func callStoreSet(s *scenario, step, _ object) error {
	set := storeOf(s, step).Set
	if truth(step, "if_absent") {
		set = storeOf(s, step).SetIfAbsent
	}
	return set(text(step, "key"), []byte(text(step, "value")), ms(step, "ttl_ms"))
}

func callStoreGet(s *scenario, step, result object) error {
	values, err := storeOf(s, step).Get(strs(step, "keys")...)
	list := []any{}
	for _, value := range values {
		list = append(list, bytesOrNull(value))
	}
	result["values"] = list
	return err
}

func callStoreRemove(s *scenario, step, result object) error {
	removed, err := storeOf(s, step).Remove(strs(step, "keys")...)
	result["removed"] = removed
	return err
}

func callStoreGetOrSet(s *scenario, step, result object) error {
	present, err := storeOf(s, step).GetOrSet(text(step, "key"), []byte(text(step, "value")), ms(step, "ttl_ms"))
	result["present"] = bytesOrNull(present)
	return err
}

func callStoreReplace(s *scenario, step, _ object) error {
	var value []byte
	if step["value"] != nil {
		value = []byte(text(step, "value"))
	}
	return storeOf(s, step).Replace(text(step, "key"), []byte(text(step, "prefix")), value, ms(step, "ttl_ms"))
}

func callStoreScan(s *scenario, step, result object) error {
	found := object{}
	result["keys"] = found
	for cursor := uint64(0); ; {
		keys, next, err := storeOf(s, step).Scan(cursor, strs(step, "parts")...)
		for _, key := range keys {
			found[key] = true
		}
		if cursor = next; err != nil || cursor == 0 {
			return err
		}
	}
}

func callAside(s *scenario, step, _ object) error {
	o, _ := step["options"].(object)
	aside, err := recsys.NewAside(storeOf(s, step), &recsys.AsideOptions{JSON: truth(o, "json"), NoStale: truth(o, "no_stale"),
		NoNegative: truth(o, "no_negative"), NoJitter: truth(o, "no_jitter"), NoRefresh: truth(o, "no_refresh"),
		TTL: ms(o, "ttl_ms"), Stale: ms(o, "stale_ms"), NegativeTTL: ms(o, "negative_ttl_ms"),
		MaxValueBytes: uint64(number(o, "max_value_bytes")), Label: text(o, "label")})
	if err == nil {
		s.keep(step, aside)
	}
	return err
}

func asideOf(s *scenario, step object) *recsys.Aside { return named[*recsys.Aside](s, step, "aside") }

func callAsideGet(s *scenario, step, result object) error {
	value, outcome, err := asideOf(s, step).Get(text(step, "key"))
	result["value"], result["outcome"] = bytesOrNull(value), outcome.String()
	return err
}

// toldFailure is the failure that a loader or writer was told to return; nil if none.
func toldFailure(told object) error {
	name, message := text(told, "fails"), text(told, "message")
	if name == "" {
		return nil
	}
	for status := recsys.ErrInvalid; status >= recsys.ErrBusy; status-- {
		if status.String() == name {
			return fmt.Errorf("%s%w", message, status)
		}
	}
	panic("no such status: " + name)
}

func callGetOrLoad(s *scenario, step, result object) error {
	told, _ := step["load"].(object)
	loads := 0
	ctx := context.Background()
	if timeout := ms(step, "timeout_ms"); timeout > 0 {
		limited, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		ctx = limited
	}
	value, outcome, err := asideOf(s, step).GetOrLoad(ctx, text(step, "key"), func(context.Context) (recsys.Loaded, error) {
		loads++
		return recsys.Loaded{Value: []byte(text(told, "value")), Version: uint64(number(told, "version")),
			TTL: ms(told, "ttl_ms"), Uncached: truth(told, "uncached")}, toldFailure(told)
	})
	result["value"], result["outcome"], result["loads"] = bytesOrNull(value), outcome.String(), loads
	return err
}

func callAsideSet(s *scenario, step, _ object) error {
	return asideOf(s, step).Set(text(step, "key"), []byte(text(step, "value")), uint64(number(step, "version")), ms(step, "ttl_ms"))
}

func callAsideWrite(s *scenario, step, _ object) error {
	told, _ := step["write"].(object)
	values, _ := told["values"].([]any)
	return asideOf(s, step).Write(strs(step, "keys"), func(changes *recsys.Changes) error {
		if err := toldFailure(told); err != nil {
			return err
		}
		for i, value := range values {
			if value == nil {
				continue
			}
			if err := changes.Set(i, []byte(value.(string)), uint64(number(told, "version"))); err != nil {
				return err
			}
		}
		return nil
	})
}

func callInvalidate(s *scenario, step, result object) error {
	switch {
	case truth(step, "all"):
		return asideOf(s, step).InvalidateAll()
	case step["parts"] == nil:
		return asideOf(s, step).Invalidate(strs(step, "keys")...)
	}
	removed, err := asideOf(s, step).InvalidateMatching(strs(step, "parts")...)
	result["removed"] = removed
	return err
}

func callAsideStats(s *scenario, step, result object) error {
	stats, err := asideOf(s, step).Stats()
	put(result, object{"hits": stats.Hits, "misses": stats.Misses, "negative": stats.Negative,
		"stale": stats.Stale, "loads": stats.Loads, "load_failures": stats.LoadFailures, "fills": stats.Fills,
		"epochs": stats.Epochs})
	return err
}

// -- guards and stats --

func callLimiter(s *scenario, step, _ object) error {
	o, _ := step["options"].(object)
	limiter, err := recsys.NewLimiter(storeOf(s, step), &recsys.LimiterOptions{Strict: truth(o, "strict"),
		Rate: number(o, "rate"), Period: ms(o, "period_ms"), Burst: number(o, "burst"), Share: number(o, "share"),
		Prefix: text(o, "prefix")})
	if err == nil {
		s.keep(step, limiter)
	}
	return err
}

func callAllow(s *scenario, step, result object) error {
	limit, err := named[*recsys.Limiter](s, step, "limiter").Allow(text(step, "key"), number(step, "cost"))
	put(result, object{"allowed": limit.Allowed, "limit": limit.Limit, "remaining": limit.Remaining,
		"local": limit.Local, "must_wait": limit.RetryAfter > 0})
	return err
}

func callDenylist(s *scenario, step, _ object) error {
	list, err := recsys.NewDenylist(storeOf(s, step), nil, nil)
	if err == nil {
		s.keep(step, list)
	}
	return err
}

func callRevoke(s *scenario, step, _ object) error {
	return named[*recsys.Denylist](s, step, "denylist").Revoke(text(step, "jti"), text(step, "user_id"),
		text(step, "reason"), time.Unix(int64(number(step, "expires_s")), 0))
}

func callCheck(s *scenario, step, result object) error {
	verdict, _, err := named[*recsys.Denylist](s, step, "denylist").Check(text(step, "jti"))
	result["verdict"] = verdict.String()
	return err
}

func callDenylistGet(s *scenario, step, result object) error {
	entry, err := named[*recsys.Denylist](s, step, "denylist").Get(text(step, "jti"))
	result["entry"] = nil
	if err == nil {
		read := parseJSON(s.t, entry)
		delete(read, "blacklisted_at")
		result["entry"] = read
	}
	return err
}

func callStats(s *scenario, step, _ object) error {
	stats, err := recsys.NewStats()
	s.keep(step, stats)
	return err
}

func callMetric(s *scenario, step, result object) (err error) {
	stats, value := named[*recsys.Stats](s, step, "stats"), float64(float(step, "value"))
	name, help, labels := text(step, "name"), text(step, "help"), text(step, "labels")
	var metric *recsys.Metric
	switch text(step, "kind") {
	case "counter":
		if metric, err = stats.Counter(name, help, labels); err == nil {
			metric.Add(uint64(value))
		}
	case "gauge":
		if metric, err = stats.Gauge(name, help, labels); err == nil {
			metric.Set(value)
		}
	default:
		if metric, err = stats.Histogram(name, help, labels, []float64{0.5, 1, 2}); err == nil {
			metric.Record(value)
		}
	}
	if err == nil {
		result["now"] = bits(float32(metric.Get()))
	}
	return err
}

func callFormat(s *scenario, step, result object) error {
	var out bytes.Buffer
	_, err := named[*recsys.Stats](s, step, "stats").WriteTo(&out)
	result["text"] = out.String()
	return err
}

// -- domains --

// A toldSource answers by the table of its scenario.
type toldSource struct{ answers object }

func (d toldSource) Query(_ context.Context, _ any, statement string, parameters []any) (*recsys.Rows, error) {
	texts := []string{}
	for _, parameter := range parameters {
		texts = append(texts, fmt.Sprint(parameter))
	}
	answers, _ := d.answers[statement].(object)
	answer, ok := answers[strings.Join(texts, "|")].(object)
	if !ok {
		return nil, fmt.Errorf("the scenario has no answer to this statement")
	}
	if err := toldFailure(answer); err != nil {
		return nil, err
	}
	rows := &recsys.Rows{Columns: strs(answer, "columns")}
	list, _ := answer["rows"].([]any)
	for _, row := range list {
		rows.Values = append(rows.Values, dataOf(row))
	}
	return rows, nil
}

func (d toldSource) Begin(context.Context) (any, error)   { return nil, nil }
func (d toldSource) End(context.Context, any, bool) error { return nil }
func dataOf(value any) (out []any) {
	list, _ := value.([]any)
	for _, v := range list {
		if n, ok := v.(json.Number); ok {
			if i, err := n.Int64(); err == nil {
				v = i
			} else {
				v, _ = n.Float64()
			}
		}
		out = append(out, v)
	}
	return out
}

func callSource(s *scenario, step, _ object) error {
	source, err := recsys.NewSource(text(step, "as"), toldSource{step["answers"].(object)})
	if err == nil {
		s.keep(step, source)
	}
	return err
}

var shapes = map[string]recsys.Shape{"object": recsys.ShapeObject, "list": recsys.ShapeList, "column": recsys.ShapeColumn}

func callQuery(s *scenario, step, result object) error {
	rows, err := named[*recsys.Source](s, step, "source").Query(context.Background(), text(step, "statement"),
		dataOf(step["parameters"])...)
	if err != nil {
		return err
	}
	result["count"] = len(rows.Values)
	out, err := rows.JSON(shapes[text(step, "shape")])
	result["json"] = bytesOrNull(out)
	return err
}

func callDomains(s *scenario, step, _ object) error {
	domains, err := recsys.NewDomains(recsys.DomainsOptions{Source: named[*recsys.Source](s, step, "source")})
	if err != nil {
		return err
	}
	s.keep(step, domains)
	for _, value := range step["definitions"].([]any) {
		o := value.(object)
		if err := domains.Add(recsys.Definition{Name: text(o, "name"), Key: text(o, "key"), Query: text(o, "query"),
			WarmQuery: text(o, "warm_query"), Warm: o["warm_query"] != nil, DB: number(o, "db"),
			Shape: shapes[text(o, "shape")], TTL: time.Duration(number(o, "ttl_s")) * time.Second,
			MaxRows: number(o, "max_rows"), PerUser: truth(o, "per_user"), NoNegative: truth(o, "no_negative")}); err != nil {
			return err
		}
	}
	return nil
}

func domainsOf(s *scenario, step object) *recsys.Domains {
	return named[*recsys.Domains](s, step, "domains")
}

func callDomainGet(s *scenario, step, result object) error {
	out, outcome, err := domainsOf(s, step).GetRows(text(step, "name"), number(step, "limit"), strs(step, "values")...)
	result["json"], result["outcome"] = bytesOrNull(out), outcome.String()
	return err
}

func callDomainWrite(s *scenario, step, _ object) error {
	_, err := domainsOf(s, step).Write(strs(step, "names"), strs(step, "values"), text(step, "statement"))
	return err
}

func callDomainInvalidate(s *scenario, step, _ object) error {
	if user := text(step, "user"); user != "" {
		return domainsOf(s, step).InvalidateUser(user)
	}
	return domainsOf(s, step).Invalidate(text(step, "name"), strs(step, "values")...)
}

func callWarm(s *scenario, step, result object) error {
	warming, err := domainsOf(s, step).Warm(text(step, "name"), 0)
	result["loaded"], result["present"], result["failed"] = warming.Loaded, warming.Present, warming.Failed
	return err
}
