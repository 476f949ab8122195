package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"recsys.example/recsys"
)

func bundle(t *testing.T) string {
	b, err := recsys.NewBuilder()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	path := filepath.Join(t.TempDir(), "bundle")
	for _, err := range []error{
		recsys.SetArray(b, "user_factors", []float32{1, 0}, 2),
		recsys.SetArray(b, "item_factors", []float32{0, 1, 2, 0}, 2),
		b.AddItem([]byte(`{"id": 1, "title": "Alien"}`)), b.SetField("version", "7"), b.Write(path),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestTheServiceAnswers(t *testing.T) {
	s, err := newService(bundle(t))
	if err != nil {
		t.Fatal(err)
	}
	get := func(query string) *httptest.ResponseRecorder {
		out := httptest.NewRecorder()
		s.recommend(out, httptest.NewRequest(http.MethodGet, "/recommend?"+query, nil))
		return out
	}
	out := get("user=0&k=1")
	var body struct {
		Films             []film
		Strategy, Version string
	}
	if err := json.Unmarshal(out.Body.Bytes(), &body); err != nil || out.Code != http.StatusOK {
		t.Fatal(out.Code, out.Body, err)
	}
	if len(body.Films) != 1 || body.Films[0].Title != "Alien" || body.Strategy != "user" || body.Version != "7" {
		t.Errorf("%+v", body)
	}
	if out := get("user=-5"); out.Code != http.StatusUnprocessableEntity {
		t.Error(out.Code, out.Body)
	}
	s.deployment.Close()
	if out := get("user=0"); out.Code != http.StatusServiceUnavailable {
		t.Error(out.Code, out.Body)
	}
}
