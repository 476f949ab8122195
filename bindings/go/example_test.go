package recsys_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"recsys.example/recsys"
)

// exampleModel builds a small model of three films and two users.
func exampleModel() *recsys.Model {
	folder, err := os.MkdirTemp("", "recsys")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder) // a loaded model does not need its files' names
	path := filepath.Join(folder, "bundle")
	b, err := recsys.NewBuilder()
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	check(recsys.SetArray(b, "user_factors", []float32{1, 0, 0, 1}, 2))
	check(recsys.SetArray(b, "user_ids", []int64{42, 43}, 0))
	check(recsys.SetArray(b, "item_factors", []float32{2, 0, 1, 1, 0, 2}, 2))
	check(recsys.SetArray(b, "item_ids", []int64{1, 2, 3}, 0))
	for i, title := range []string{"Alien", "Beetlejuice", "Clue"} {
		line, _ := json.Marshal(map[string]any{"id": i + 1, "title": title, "genres": []string{"Horror"}})
		check(b.AddItem(line))
	}
	check(b.Write(path))
	model, err := recsys.LoadModel(path, nil)
	check(err)
	return model
}

func Example() {
	model := exampleModel() // recsys.LoadModel("bundle", nil)
	defer model.Close()
	reply, err := model.Recommend(recsys.Request{User: recsys.IntID(42), K: 2})
	if err != nil {
		log.Fatal(err)
	}
	for _, item := range reply.Items {
		entry, _ := model.Catalog(item.Item)
		fmt.Printf("%v %s %.2f\n", item.Item, entry.Title, item.Score)
	}
	// Output:
	// 1 Alien 0.88
	// 2 Beetlejuice 0.73
}

func ExampleModel_Recommend_session() {
	model := exampleModel()
	defer model.Close()
	reply, err := model.Recommend(recsys.Request{Liked: []recsys.ID{recsys.IntID(3)}, Reasons: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.Strategy, reply.Items[0].Item, reply.Items[0].Why.Text)
	// Output: session 2 close to Clue, which you liked; high score
}

func ExampleRecommender_RecommendBatch() {
	model := exampleModel()
	defer model.Close()
	recommender, err := recsys.NewRecommender(&recsys.ScorerOptions{Threads: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer recommender.Close()
	replies, err := recommender.RecommendBatch(model, []recsys.Request{
		{User: recsys.IntID(42), K: 1}, {User: recsys.TextID("ann"), K: 1}, {User: recsys.IntID(43), K: 1}})
	if err != nil {
		log.Fatal(err)
	}
	for _, reply := range replies {
		if reply.Err != nil {
			fmt.Println(reply.Err)
			continue
		}
		fmt.Println(reply.Items[0].Item)
	}
	// Output:
	// 1
	// recsys: the user id is a string, but this model's are integers
	// 3
}

func ExampleModel_NewFilter() {
	model := exampleModel()
	defer model.Close()
	filter, err := model.NewFilter(recsys.FilterOptions{Exclude: []recsys.ID{recsys.IntID(1)}})
	if err != nil {
		log.Fatal(err)
	}
	defer filter.Close()
	reply, err := model.Recommend(recsys.Request{User: recsys.IntID(42), K: 1, Filter: filter})
	fmt.Println(filter.Count(), reply.Items[0].Item, err)
	// Output: 2 2 <nil>
}

func ExampleSlot() {
	slot, err := recsys.NewSlot()
	if err != nil {
		log.Fatal(err)
	}
	defer slot.Close()
	first := exampleModel()
	if err := slot.Swap(first); err != nil {
		log.Fatal(err)
	}
	first.Close() // the slot has a reference of its own

	model := slot.Acquire()
	defer model.Close() // until then the model stays, whatever is swapped meanwhile
	_, err = model.Recommend(recsys.Request{User: recsys.IntID(42)})
	fmt.Println(slot.Generation(), err)
	// Output: 1 <nil>
}

func ExampleAside_GetOrLoad() {
	store, err := recsys.NewMemoryStore("users", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	users, err := recsys.NewAside(store, &recsys.AsideOptions{TTL: time.Hour})
	if err != nil {
		log.Fatal(err)
	}
	defer users.Close()
	load := func(ctx context.Context) (recsys.Loaded, error) {
		// row := db.QueryRowContext(ctx, "SELECT …")
		return recsys.Loaded{Value: []byte("Zoë")}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for range [2]struct{}{} {
		value, outcome, err := users.GetOrLoad(ctx, "user:1", load)
		fmt.Println(string(value), outcome, err)
	}
	_, _, err = users.GetOrLoad(ctx, "user:2", func(context.Context) (recsys.Loaded, error) {
		return recsys.Loaded{}, fmt.Errorf("user 2: %w", recsys.ErrNotFound)
	})
	fmt.Println(errors.Is(err, recsys.ErrNotFound))
	// Output:
	// Zoë miss <nil>
	// Zoë hit <nil>
	// true
}

func ExampleLimiter_Allow() {
	limiter, err := recsys.NewLimiter(nil, &recsys.LimiterOptions{Rate: 1, Period: time.Hour, Burst: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer limiter.Close()
	for range [3]struct{}{} {
		limit, err := limiter.Allow("203.0.113.7", 1)
		fmt.Println(limit.Allowed, limit.Remaining, err)
	}
	// Output:
	// true 1 <nil>
	// true 0 <nil>
	// false 0 <nil>
}

func ExampleStats_WriteTo() {
	stats, err := recsys.NewStats()
	if err != nil {
		log.Fatal(err)
	}
	defer stats.Close()
	asked, err := stats.Counter("asked_total", "Requests.", `route="/recommend"`)
	if err != nil {
		log.Fatal(err)
	}
	asked.Add(3)
	_, _ = stats.WriteTo(os.Stdout)
	// Output:
	// # HELP asked_total Requests.
	// # TYPE asked_total counter
	// asked_total{route="/recommend"} 3
}
