package recsys_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"recsys.example/recsys"
)

// fixture makes a model of tests/scenarios.
func fixture(t testing.TB, name string) *recsys.Model {
	t.Helper()
	model, err := recsys.LoadModel(fixturePath(t, name), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { model.Close() })
	return model
}

func fixturePath(t testing.TB, name string) string {
	t.Helper()
	s := &scenario{t: t, objects: map[string]any{}, scratch: t.TempDir()}
	return s.build(name, nil)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnIDIsComparableAndJSON(t *testing.T) {
	seven := recsys.IntID(7)
	if recsys.IntID(0) == (recsys.ID{}) || recsys.IntID(7) != seven || seven == recsys.TextID("7") {
		t.Error("ids are not what they are")
	}
	for text, id := range map[string]recsys.ID{"0": recsys.IntID(0), "9223372036854775807": recsys.IntID(1<<63 - 1),
		`"η"`: recsys.TextID("η"), "null": {}} {
		var read recsys.ID
		must(t, json.Unmarshal([]byte(text), &read))
		written, err := json.Marshal(id)
		if read != id || err != nil || string(written) != text {
			t.Errorf("%s became %v, and %v became %s", text, read, id, written)
		}
	}
	var id recsys.ID
	for _, wrong := range []string{"-1", "1.5", "true", "[1]", "9223372036854775808"} {
		if json.Unmarshal([]byte(wrong), &id) == nil {
			t.Errorf("%s was taken for an id", wrong)
		}
	}
}

func TestIDsThatNoModelHasAreRefused(t *testing.T) {
	films, books := fixture(t, "films"), fixture(t, "texts")
	for _, c := range []struct {
		model *recsys.Model
		id    recsys.ID
	}{{films, recsys.IntID(-1)}, {films, recsys.ID{}}, {films, recsys.TextID("0")}, {books, recsys.TextID("")},
		{books, recsys.TextID(string(make([]byte, 256)))}, {books, recsys.IntID(1)}} {
		if _, _, err := c.model.Item(c.id); !errors.Is(err, recsys.ErrInvalid) {
			t.Errorf("%q: %v", c.id, err)
		}
	}
}

func TestErrorsAreFoundByStatusAndByErrno(t *testing.T) {
	_, err := recsys.LoadModel(filepath.Join(t.TempDir(), "none"), nil)
	var e *recsys.Error
	if !errors.Is(err, recsys.ErrIO) || !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &e) || e.Status != recsys.ErrIO {
		t.Errorf("%v (%T)", err, err)
	}
	if errors.Is(err, recsys.ErrNotFound) {
		t.Error("one status is another")
	}
	if recsys.ErrNotFound.String() != "E_NOT_FOUND" || recsys.ErrNotFound.Error() != "recsys: no such model, user, item or key" {
		t.Error(recsys.ErrNotFound.String(), recsys.ErrNotFound.Error())
	}
	if _, err = recsys.LoadModel("a\x00b", nil); !errors.Is(err, recsys.ErrInvalid) {
		t.Errorf("a path with a NUL byte: %v", err)
	}
}

func TestArraysAreViewsOfTheSameNumbers(t *testing.T) {
	model := fixture(t, "films")
	factors, err := model.Array("item_factors")
	must(t, err)
	ids, err := model.Array("item_ids")
	must(t, err)
	if factors.Rows != 12 || factors.Columns != 4 || factors.DType != recsys.F32 || ids.DType != recsys.I64 {
		t.Fatalf("%+v %+v", factors, ids)
	}
	for row, id := range recsys.ArrayValues[int64](ids) {
		vector, _, err := model.Item(recsys.IntID(id))
		must(t, err)
		if !reflect.DeepEqual(vector, recsys.ArrayRow[float32](factors, row)) {
			t.Errorf("row %d is not the vector of item %d", row, id)
		}
	}
	if recsys.ArrayRow[float64](factors, 0) != nil || recsys.ArrayRow[float32](factors, 12) != nil ||
		recsys.ArrayRow[float32](factors, -1) != nil || recsys.ArrayValues[float32](factors) != nil {
		t.Error("a wrong type or row gives a view")
	}
	if _, err = model.Array("user_bias"); !errors.Is(err, recsys.ErrNotFound) {
		t.Error(err)
	}
}

func TestTheMatrixOfQueriesGivesTheSameBits(t *testing.T) {
	model := fixture(t, "films")
	scorer, err := recsys.NewScorer(&recsys.ScorerOptions{Threads: 2})
	must(t, err)
	defer scorer.Close()
	queries := []float32{1, 0, 0, 0, 9, 0, 0, 0.25, 0.5, 9}
	q := &recsys.Matrix{Queries: queries, Columns: 5, Offsets: []float64{0, 1.5}, K: 20, IDs: make([]uint64, 40),
		Rows: make([]uint32, 40), Scores: make([]float32, 40), Counts: make([]uint32, 2)}
	must(t, scorer.TopKMatrix(model, q, nil))
	rows, err := scorer.TopK(model, []recsys.Query{{queries[:4], 0, 20}, {queries[5:9], 1.5, 20}}, nil)
	must(t, err)
	for i, row := range rows {
		if int(q.Counts[i]) != len(row) || len(row) != 12 {
			t.Fatalf("query %d: %d and %d answers", i, q.Counts[i], len(row))
		}
		for j, scored := range row {
			if id, _ := scored.Item.Int(); uint64(id) != q.IDs[i*20+j] || scored.Score != q.Scores[i*20+j] {
				t.Errorf("query %d, place %d: %v and %d %v", i, j, scored, q.IDs[i*20+j], q.Scores[i*20+j])
			}
		}
		if q.IDs[i*20+12] != recsys.PaddingID || q.Rows[i*20+12] != recsys.PaddingRow {
			t.Error("a place without an answer has no padding")
		}
	}
	q.Counts = make([]uint32, 3)
	if err := scorer.TopKMatrix(model, q, nil); !errors.Is(err, recsys.ErrInvalid) {
		t.Errorf("two queries were taken for three: %v", err)
	}
}

func TestAReplyIsUsedAgain(t *testing.T) {
	model := fixture(t, "texts")
	r, err := recsys.NewRecommender(nil)
	must(t, err)
	defer r.Close()
	var again recsys.Reply
	for _, request := range []recsys.Request{{User: recsys.TextID("ann"), Reasons: true, Genres: []string{"Crime", "Opera"}},
		{User: recsys.TextID("bob"), K: 2}, {K: 3, Reasons: true}, {User: recsys.TextID("ann"), Allow: []recsys.ID{}}} {
		want, err := r.Recommend(model, request)
		must(t, err)
		must(t, r.RecommendTo(model, request, &again))
		if len(again.Items) != len(want.Items) || len(again.Ignored) != len(want.Ignored) || again.Strategy != want.Strategy {
			t.Errorf("%+v instead of %+v", again, want)
		}
		for i := range want.Items {
			if !reflect.DeepEqual(again.Items[i], want.Items[i]) {
				t.Errorf("place %d: %+v instead of %+v", i, again.Items[i], want.Items[i])
			}
		}
	}
	films, request := fixture(t, "films"), recsys.Request{User: recsys.IntID(1), K: 5}
	must(t, r.RecommendTo(films, request, &again))
	if err := r.RecommendTo(films, recsys.Request{User: recsys.TextID("ann")}, &again); err == nil || len(again.Items) != 5 {
		t.Error("a failure changes the reply")
	}
}

func TestSlicesThatAreTooShortAreRefused(t *testing.T) {
	model := fixture(t, "films")
	r, err := recsys.NewRecommender(nil)
	must(t, err)
	defer r.Close()
	short := recsys.NewAnswers(1, 3)
	if err := r.RecommendInto(model, make([]recsys.Request, 2), short); !errors.Is(err, recsys.ErrInvalid) {
		t.Error(err)
	}
	for _, request := range []recsys.Request{{Vector: []float32{1}}, {K: -1}, {Genres: []string{"a\x00"}},
		{Liked: []recsys.ID{recsys.IntID(0)}, LikedWeights: []float32{1, 2}}} {
		if _, err := r.Recommend(model, request); !errors.Is(err, recsys.ErrInvalid) {
			t.Errorf("%+v: %v", request, err)
		}
	}
	b, err := recsys.NewBuilder()
	must(t, err)
	defer b.Close()
	if err := recsys.SetArray(b, "user_factors", []float32{1, 2, 3}, 2); !errors.Is(err, recsys.ErrInvalid) {
		t.Error(err)
	}
	if err := b.SetArrays("test", recsys.NewPart("user_factors", []float32{1, 2, 3}, 2)); !errors.Is(err, recsys.ErrInvalid) {
		t.Error(err)
	}
}

func TestAModelLoadsFromMemoryAndFromOpenFiles(t *testing.T) {
	path := fixturePath(t, "films")
	model, err := recsys.LoadModel(path, &recsys.ModelOptions{SkipHashes: true})
	must(t, err)
	want, _ := model.Info()
	model.Close()
	var content, open []recsys.File
	entries, _ := os.ReadDir(path)
	for _, entry := range entries {
		bytes, err := os.ReadFile(filepath.Join(path, entry.Name()))
		must(t, err)
		file, err := os.Open(filepath.Join(path, entry.Name()))
		must(t, err)
		defer file.Close()
		content = append(content, recsys.File{Name: entry.Name(), Content: bytes})
		open = append(open, recsys.File{Name: entry.Name(), File: file})
	}
	for _, files := range [][]recsys.File{content, open} {
		model, err := recsys.LoadModelFiles(files, nil)
		must(t, err)
		info, err := model.Info()
		if err != nil || info.Fingerprint != want.Fingerprint {
			t.Errorf("%v, %v", info, err)
		}
		model.Close()
	}
}

func TestTwoModelsAreCompared(t *testing.T) {
	model := fixture(t, "films")
	for user, want := range map[recsys.ID]int{recsys.IntID(1): 1, recsys.IntID(2): 0, recsys.TextID("42"): 2} {
		if place, err := recsys.Split("autumn", user, []uint32{1000, 2000}); err != nil || place != want {
			t.Error("split of", user, place, err)
		}
	}
	if place, err := recsys.Split("", recsys.IntID(1), nil); err != nil || place != 0 {
		t.Error("nothing to split", place, err)
	}
	if _, err := recsys.Split("", recsys.IntID(1), []uint32{recsys.SplitWhole, 1}); !errors.Is(err, recsys.ErrInvalid) {
		t.Error("more than the whole:", err)
	}
	rankings, err := recsys.CompareRankings([]recsys.ID{recsys.IntID(1), recsys.IntID(2), recsys.IntID(3)},
		[]recsys.ID{recsys.IntID(2), recsys.IntID(1), recsys.IntID(9)})
	if err != nil || rankings.Common != 2 || rankings.InPlace != 0 || rankings.RankCorrelation != -1 {
		t.Error("rankings", rankings, err)
	}
	same, err := recsys.Compare(model, model, nil)
	must(t, err)
	if same.CommonItems != 12 || same.Identical != same.Compared || same.Compared == 0 || same.SeenLost {
		t.Errorf("%+v", same)
	}
	other, err := recsys.Compare(model, fixture(t, "texts"), &recsys.ComparisonOptions{K: 3})
	must(t, err)
	if !other.UserIDsChanged || !other.ItemIDsChanged || !other.SeenLost || other.CatalogLost {
		t.Errorf("%+v", other)
	}
}

func TestABuilderTakesPairsAndSaysWhatItHas(t *testing.T) {
	b, err := recsys.NewBuilder()
	must(t, err)
	defer b.Close()
	must(t, recsys.SetArray(b, "user_factors", []float64{1, 0, 0, 1}, 2))
	must(t, recsys.SetArray(b, "item_factors", []float32{1, 0, 0, 1, 1, 1}, 2))
	must(t, b.SetTexts("item_ids", []string{"a", "b", "c"}))
	must(t, b.AddSeen([]uint32{0, 1, 0}, []uint32{2, 0, 2}, []float32{1, 1, 2}, true))
	count, kind, err := b.IDs("item_ids")
	if err != nil || count != 3 || kind != recsys.TextIDs {
		t.Error(count, kind, err)
	}
	row, err := b.Find("item_ids", recsys.TextID("b"))
	if err != nil || row != 1 {
		t.Error(row, err)
	}
	path := filepath.Join(t.TempDir(), "bundle")
	must(t, b.Write(path))
	if err := b.Write(path); !errors.Is(err, recsys.ErrExists) {
		t.Error(err)
	}
	model, err := recsys.LoadModel(path, nil)
	must(t, err)
	defer model.Close()
	seen, err := model.Seen(recsys.IntID(0))
	if err != nil || !reflect.DeepEqual(seen, []recsys.SeenItem{{Item: recsys.TextID("c"), Weight: 3}}) {
		t.Error(seen, err)
	}
}

func TestTheLibraryIsTheOneOfTheHeaders(t *testing.T) {
	if recsys.Version() == "" {
		t.Error("no version")
	}
	if _, err := recsys.BLAS(); err != nil {
		t.Error(err)
	}
	if err := recsys.UseAMX(); err != nil && !errors.Is(err, recsys.ErrUnsupported) {
		t.Error(err)
	}
	if err := recsys.SetBLASThreads(0); !errors.Is(err, recsys.ErrInvalid) {
		t.Error(err)
	}
}
