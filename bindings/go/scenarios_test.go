package recsys_test

// The scenarios of tests/scenarios, run against this package. README.md there describes the format;
// the calls are in scenario_calls_test.go.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"recsys.example/recsys"
)

const scenarioFolder = "../../tests/scenarios"

type object = map[string]any

// A scenario has the objects of its steps, by name.
type scenario struct {
	t       testing.TB
	objects map[string]any
	order   []string
	scratch string
	bundles int
	shared  *recsys.Recommender
}

func readJSON(t testing.TB, path string) object {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return parseJSON(t, text)
}

func parseJSON(t testing.TB, text []byte) (out object) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// plain makes of a result the form that JSON has when it is read.
func plain(t testing.TB, result object) object {
	t.Helper()
	text, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	return parseJSON(t, text)
}

func TestScenarios(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(scenarioFolder, "*.json"))
	if len(files) == 0 {
		t.Fatal("there are no scenarios")
	}
	recommender, err := recsys.NewRecommender(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer recommender.Close()
	for _, file := range files {
		for _, told := range readJSON(t, file)["scenarios"].([]any) {
			told := told.(object)
			t.Run(strings.TrimSuffix(filepath.Base(file), ".json")+"/"+told["name"].(string), func(t *testing.T) {
				s := &scenario{t: t, objects: map[string]any{}, scratch: t.TempDir(), shared: recommender}
				defer s.closeAll()
				s.run(told["steps"].([]any))
			})
		}
	}
}

func (s *scenario) run(steps []any) {
	for i, step := range steps {
		step := step.(object)
		call, ok := calls[step["call"].(string)]
		if !ok {
			s.t.Fatalf("step %d: no such call: %v", i, step["call"])
		}
		result := object{}
		if err := call(s, step, result); err != nil {
			var e *recsys.Error
			if !errors.As(err, &e) {
				s.t.Fatalf("step %d: %v is no *recsys.Error", i, err)
			}
			result["fails"], result["message"] = e.Status.String(), err.Error()
		}
		s.compare(i, step, plain(s.t, result))
	}
}

// compare: every expected member is equal to the result's; a failure must be expected.
func (s *scenario) compare(i int, step, result object) {
	expect, _ := step["expect"].(object)
	if result["fails"] != nil && expect["fails"] == nil {
		s.t.Fatalf("step %d, %v: %v: %v", i, step["call"], result["fails"], result["message"])
	}
	for key, want := range expect {
		if key == "says" {
			if message, _ := result["message"].(string); !strings.Contains(message, want.(string)) {
				s.t.Fatalf("step %d, %v: the message %q does not say %q", i, step["call"], message, want)
			}
		} else if !reflect.DeepEqual(want, result[key]) {
			s.t.Fatalf("step %d, %v: %s\nexpected %v\ncame     %v", i, step["call"], key, want, result[key])
		}
	}
}

// -- objects --

// keep gives an object the name in "as", or closes it at once.
func (s *scenario) keep(step object, thing any) {
	name, ok := step["as"].(string)
	if !ok {
		closeThing(thing)
		return
	}
	if _, taken := s.objects[name]; taken {
		s.close(name)
	}
	s.objects[name] = thing
	s.order = append(s.order, name)
}

func closeThing(thing any) {
	if closer, ok := thing.(io.Closer); ok {
		_ = closer.Close()
	}
}

func (s *scenario) close(name string) {
	closeThing(s.objects[name])
	delete(s.objects, name)
	for i, other := range s.order {
		if other == name {
			s.order = append(s.order[:i], s.order[i+1:]...)
			return
		}
	}
}

func (s *scenario) closeAll() {
	for len(s.order) > 0 {
		s.close(s.order[len(s.order)-1])
	}
}

// named returns the object that the step's member names; the zero T if there is no such member.
func named[T any](s *scenario, step object, key string) (thing T) {
	name, ok := step[key].(string)
	if !ok {
		return thing
	}
	thing, ok = s.objects[name].(T)
	if !ok {
		s.t.Fatalf("%s is no object of this kind", name)
	}
	return thing
}

// model returns the object of this name, or builds it.
func (s *scenario) model(step object) *recsys.Model {
	name := step["model"].(string)
	if _, ok := s.objects[name]; !ok {
		model, err := recsys.LoadModel(s.build(name, nil), nil)
		if err != nil {
			s.t.Fatal(err)
		}
		s.keep(object{"as": name}, model)
	}
	return named[*recsys.Model](s, step, "model")
}

// build writes models/NAME.json as a new bundle and returns its path.
func (s *scenario) build(name string, fields object) string {
	made := readJSON(s.t, filepath.Join(scenarioFolder, "models", name+".json"))
	b, err := recsys.NewBuilder()
	if err != nil {
		s.t.Fatal(err)
	}
	defer b.Close()
	must := func(err error) {
		if err != nil {
			s.t.Fatal(err)
		}
	}
	for array, values := range made["arrays"].(object) {
		must(setArray(b, array, values.([]any)))
	}
	texts, _ := made["texts"].(object)
	for list := range texts {
		must(b.SetTexts(list, strs(texts, list)))
	}
	for field, value := range made["fields"].(object) {
		if changed, ok := fields[field]; ok {
			value = changed
		}
		must(b.SetField(field, value.(string)))
	}
	items, _ := made["items"].([]any)
	for _, item := range items {
		line, _ := json.Marshal(item)
		must(b.AddItem(line))
	}
	s.bundles++
	path := filepath.Join(s.scratch, fmt.Sprintf("%s-%d", name, s.bundles))
	must(b.Write(path))
	return path
}

func setArray(b *recsys.Builder, name string, rows []any) error {
	switch name {
	case "user_ids", "item_ids":
		return recsys.SetArray(b, name, numbersOf[int64](rows), 0)
	case "seen_offsets":
		return recsys.SetArray(b, name, numbersOf[uint64](rows), 0)
	case "seen_items":
		return recsys.SetArray(b, name, numbersOf[uint32](rows), 0)
	}
	if _, flat := rows[0].(json.Number); flat {
		return recsys.SetArray(b, name, numbersOf[float32](rows), 0)
	}
	var all []float32
	for _, row := range rows {
		all = append(all, numbersOf[float32](row.([]any))...)
	}
	return recsys.SetArray(b, name, all, len(rows[0].([]any)))
}

func numbersOf[T recsys.Number](list []any) []T {
	out := make([]T, len(list))
	for i, value := range list {
		x, _ := value.(json.Number).Float64()
		out[i] = T(x)
	}
	return out
}

// -- members of a step, and parts of results --

func text(o object, key string) string { s, _ := o[key].(string); return s }
func truth(o object, key string) bool  { b, _ := o[key].(bool); return b }

func number(o object, key string) int {
	n, _ := o[key].(json.Number)
	i, _ := n.Int64()
	return int(i)
}

func float(o object, key string) float32 {
	n, _ := o[key].(json.Number)
	x, _ := n.Float64()
	return float32(x)
}

func strs(o object, key string) []string {
	list, ok := o[key].([]any)
	if !ok {
		return nil
	}
	out := make([]string, len(list))
	for i, value := range list {
		out[i] = value.(string)
	}
	return out
}

func idOf(value any) recsys.ID {
	if text, ok := value.(string); ok {
		return recsys.TextID(text)
	}
	n, _ := value.(json.Number)
	i, _ := n.Int64()
	return recsys.IntID(i)
}

func idsOf(o object, key string) []recsys.ID {
	list, ok := o[key].([]any)
	if !ok {
		return nil
	}
	out := make([]recsys.ID, len(list))
	for i, value := range list {
		out[i] = idOf(value)
	}
	return out
}

func floatsOf(o object, key string) []float32 {
	list, ok := o[key].([]any)
	if !ok {
		return nil
	}
	return numbersOf[float32](list)
}

// bits is a float's bits as text; nil for NaN.
func bits(x float32) any {
	if x != x {
		return nil
	}
	return fmt.Sprintf("%08x", math.Float32bits(x))
}

func bitsOf(list []float32) []any {
	out := []any{}
	for _, x := range list {
		out = append(out, bits(x))
	}
	return out
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func bytesOrNull(b []byte) any {
	if b == nil {
		return nil
	}
	return string(b)
}

// put adds members to a result.
func put(result, members object) {
	for key, value := range members {
		result[key] = value
	}
}
