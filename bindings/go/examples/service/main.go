// Command service answers recommendations over HTTP, from a model that it reloads while it serves:
//
//	go run ./examples/service -model BUNDLE -listen 127.0.0.1:8080
//	curl '127.0.0.1:8080/recommend?user=42&k=5&genre=Horror'
//
// recsysd does far more; this is what a service of your own begins with.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"recsys.example/recsys"
)

type service struct {
	deployment  *recsys.Deployment
	recommender *recsys.Recommender
}

type film struct {
	ID     recsys.ID `json:"id"`
	Title  string    `json:"title"`
	Score  float32   `json:"score"`
	Reason string    `json:"reason,omitempty"`
}

func (s *service) recommend(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	request := recsys.Request{Genres: query["genre"], Reasons: true}
	request.K, _ = strconv.Atoi(query.Get("k"))
	if user, err := strconv.ParseInt(query.Get("user"), 10, 64); err == nil {
		request.User = recsys.IntID(user)
	}
	model := s.deployment.Acquire() // this answer is one version's, whatever is reloaded meanwhile
	if model == nil {
		http.Error(w, "no model", http.StatusServiceUnavailable)
		return
	}
	defer model.Close()
	reply, err := s.recommender.Recommend(model, request)
	if errors.Is(err, recsys.ErrInvalid) {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	} else if err != nil {
		http.Error(w, "try later", http.StatusInternalServerError)
		return
	}
	films := make([]film, len(reply.Items))
	for i, item := range reply.Items {
		entry, _ := model.Catalog(item.Item)
		films[i] = film{ID: item.Item, Title: entry.Title, Score: item.Score}
		if item.Why != nil {
			films[i].Reason = item.Why.Text
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"films": films, "strategy": reply.Strategy.String(),
		"version": reply.ModelVersion})
}

func newService(path string) (*service, error) {
	deployment, err := recsys.NewDeployment(path, nil)
	if err != nil {
		return nil, err
	}
	if _, err = deployment.Reload(); err != nil {
		return nil, err
	}
	recommender, err := recsys.NewRecommender(nil)
	return &service{deployment, recommender}, err
}

func main() {
	path := flag.String("model", "", "a bundle")
	listen := flag.String("listen", "127.0.0.1:8080", "where to listen")
	flag.Parse()
	_ = recsys.SetBLASThreads(1) // goroutines are threads enough
	s, err := newService(*path)
	if err != nil {
		log.Fatal(err)
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	go func() {
		for range hangup {
			changed, err := s.deployment.Reload()
			log.Println("reload:", changed, err)
			s.deployment.Reap() // here, not in a request
		}
	}()
	http.HandleFunc("/recommend", s.recommend)
	log.Fatal(http.ListenAndServe(*listen, nil))
}
