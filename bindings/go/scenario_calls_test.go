package recsys_test

// The calls of the scenarios about models, and of those who rank and serve; the others are in
// scenario_caches_test.go.

import (
	"math"
	"os"
	"path/filepath"

	"recsys.example/recsys"
)

type call func(s *scenario, step, result object) error

var calls = map[string]call{}

func know(more map[string]call) {
	for name, c := range more {
		calls[name] = c
	}
}

func init() {
	know(map[string]call{"build": callBuild, "load": callLoad, "info": callInfo, "user": callUser,
		"item": callItem, "list": callList, "seen": callSeen, "catalog": callCatalog, "filter": callFilter,
		"recommend": callRecommend, "batch": callBatch, "recommend_into": callRecommendInto, "similar": callSimilar,
		"score_items": callScoreItems, "top_k": callTopK, "nearest": callNearest, "slot": callSlot, "swap": callSwap,
		"acquire": callAcquire, "reap": callReap, "close": callClose, "registry": callRegistry, "publish": callPublish,
		"resolve": callResolve, "set_alias": callSetAlias, "remove_alias": callRemoveAlias,
		"registry_list": callRegistryList, "deployment": callDeployment, "deploy": callDeploy, "use": callUse,
		"rollback": callRollback, "reload": callReload, "status": callStatus})
}

// -- models --

func callBuild(s *scenario, step, _ object) error {
	fields, _ := step["fields"].(object)
	model, err := recsys.LoadModel(s.build(text(step, "model"), fields), nil)
	if err == nil {
		s.keep(step, model)
	}
	return err
}

func callLoad(s *scenario, step, _ object) error {
	model, err := recsys.LoadModel(text(step, "path"), nil)
	if err == nil {
		s.keep(step, model)
	}
	return err
}

func kind(k recsys.IDKind) string {
	return map[recsys.IDKind]string{recsys.IntIDs: "integer", recsys.TextIDs: "text"}[k]
}

func callInfo(s *scenario, step, result object) error {
	info, err := s.model(step).Info()
	if err != nil {
		return err
	}
	metrics := map[recsys.ModelMetric]string{recsys.InnerProduct: "inner_product", recsys.Cosine: "cosine"}
	links := map[recsys.Link]string{recsys.Sigmoid: "sigmoid", recsys.Linear: "linear", recsys.Clip: "clip"}
	put(result, object{"name": info.Name, "version": info.Version, "algorithm": info.Algorithm,
		"dimensions": info.Dimensions, "n_users": info.Users, "n_items": info.Items, "n_features": info.Features,
		"n_seen": info.Seen, "n_catalog": info.Catalog, "user_ids": kind(info.UserIDs), "item_ids": kind(info.ItemIDs),
		"metric": metrics[info.Metric], "link": links[info.Link], "link_min": bits(info.LinkMin),
		"link_max": bits(info.LinkMax)})
	return nil
}

func putVector(result object, vector []float32, bias float32) {
	result["vector"], result["bias"] = bitsOf(vector), bits(bias)
}

func callUser(s *scenario, step, result object) error {
	vector, bias, err := s.model(step).User(idOf(step["id"]))
	putVector(result, vector, bias)
	return err
}

func callItem(s *scenario, step, result object) error {
	vector, bias, err := s.model(step).Item(idOf(step["id"]))
	putVector(result, vector, bias)
	return err
}

func callList(s *scenario, step, result object) (err error) {
	model := s.model(step)
	switch text(step, "what") {
	case "users":
		result["list"], err = pagedIDs(model.UserIDs)
	case "items":
		result["list"], err = pagedIDs(model.ItemIDs)
	case "features":
		result["list"], err = model.Features()
	case "genres":
		result["list"], err = model.Genres()
	case "languages":
		result["list"], err = model.Languages()
	}
	return err
}

// pagedIDs asks for several pages.
func pagedIDs(get func(uint64, int) ([]recsys.ID, error)) ([]recsys.ID, error) {
	all := []recsys.ID{}
	for {
		page, err := get(uint64(len(all)), 3)
		all = append(all, page...)
		if err != nil || len(page) < 3 {
			return all, err
		}
	}
}

func callSeen(s *scenario, step, result object) error {
	list, err := s.model(step).Seen(idOf(step["user"]))
	seen := object{}
	for _, item := range list {
		seen[item.Item.String()] = bits(item.Weight)
	}
	result["seen"] = seen
	return err
}

func callCatalog(s *scenario, step, result object) error {
	entry, err := s.model(step).Catalog(idOf(step["item"]))
	put(result, object{"known": entry.Known, "title": entry.Title, "genres": append([]string{}, entry.Genres...),
		"language": orNull(entry.Language), "poster_url": orNull(entry.PosterURL), "release_year": entry.ReleaseYear,
		"rating": bits(entry.Rating), "adult": entry.Adult})
	return err
}

func callFilter(s *scenario, step, result object) error {
	o, _ := step["options"].(object)
	options := recsys.FilterOptions{ExcludeAdult: truth(o, "exclude_adult"), MinRating: float(o, "min_rating"),
		MinYear: number(o, "min_year"), MaxYear: number(o, "max_year"), Languages: strs(o, "languages"),
		Allow: idsOf(o, "allow"), Exclude: idsOf(o, "exclude")}
	if user, ok := o["seen_by"]; ok {
		options.SeenBy = idOf(user)
	}
	filter, err := s.model(step).NewFilter(options)
	if err != nil {
		return err
	}
	result["count"] = filter.Count()
	s.keep(step, filter)
	return nil
}

// -- ranking --

func (s *scenario) request(value any) recsys.Request {
	o, _ := value.(object)
	r := recsys.Request{K: number(o, "k"), MinRating: float(o, "min_rating"), Decade: number(o, "decade"),
		Genres: strs(o, "genres"), RequireGenres: strs(o, "require_genres"), Languages: strs(o, "languages"), Exclude: idsOf(o, "exclude"), Allow: idsOf(o, "allow"),
		Vector: floatsOf(o, "vector"), Liked: idsOf(o, "liked"), LikedWeights: floatsOf(o, "liked_weights"),
		Filter: named[*recsys.Filter](s, o, "filter"), Reasons: truth(o, "reasons"),
		IncludeSeen: truth(o, "include_seen"), IncludeAdult: truth(o, "include_adult"),
		Diversity: float(o, "diversity"), MaxPerGenre: number(o, "max_per_genre"),
		MaxPerDecade: number(o, "max_per_decade"), MaxPerLanguage: number(o, "max_per_language")}
	if user, ok := o["user"]; ok {
		r.User = idOf(user)
	}
	if o["preference_strength"] != nil {
		r.PreferenceStrength = recsys.Strength(float(o, "preference_strength"))
	}
	return r
}

func (s *scenario) requests(step object) (list []recsys.Request) {
	for _, value := range step["requests"].([]any) {
		list = append(list, s.request(value))
	}
	return list
}

var reasonNames = map[recsys.Reasons]string{recsys.ReasonGenres: "genres", recsys.ReasonRating: "rating",
	recsys.ReasonScore: "score", recsys.ReasonSimilar: "similar", recsys.ReasonPopular: "popular"}

func reasons(of recsys.Reasons) []string {
	names := []string{}
	for bit := recsys.Reasons(1); bit != 0; bit <<= 1 {
		if of&bit != 0 {
			names = append(names, reasonNames[bit])
		}
	}
	return names
}

// partsOf is null where the score cannot be taken apart.
func partsOf(w *recsys.Why) any {
	if w.Contributions == nil {
		return nil
	}
	list := []any{}
	for _, part := range w.Contributions {
		list = append(list, bits(part))
	}
	return list
}

func putReply(result object, reply *recsys.Reply) {
	items, scores, raws, why, words, causes := []any{}, []any{}, []any{}, []any{}, []any{}, []any{}
	contributions := []any{}
	for _, item := range reply.Items {
		items, scores, raws = append(items, item.Item), append(scores, bits(item.Score)), append(raws, bits(item.Raw))
		w := item.Why
		if w == nil {
			w = &recsys.Why{}
		}
		why, words = append(why, reasons(w.Reasons)), append(words, orNull(w.Text))
		causes = append(causes, append([]recsys.ID{}, w.Causes...))
		contributions = append(contributions, partsOf(w))
	}
	kinds := map[recsys.PreferenceKind]string{recsys.GenrePreference: "genre", recsys.LanguagePreference: "language",
		recsys.DecadePreference: "decade", recsys.RatingPreference: "rating", recsys.LikedPreference: "liked", recsys.RequiredGenre: "required_genre", recsys.AllowedItem: "allowed"}
	ignored := []any{}
	for _, p := range reply.Ignored {
		ignored = append(ignored, []any{kinds[p.Kind], p.Index})
	}
	put(result, object{"items": items, "scores": scores, "raws": raws, "reasons": why, "words": words,
		"causes": causes, "contributions": contributions, "ignored": ignored, "strategy": reply.Strategy.String(), "known": reply.KnownUser,
		"steered": reply.Steered, "model": reply.ModelName, "version": reply.ModelVersion})
}

func callRecommend(s *scenario, step, result object) error {
	reply, err := s.shared.Recommend(s.model(step), s.request(step["request"]))
	if err == nil {
		putReply(result, reply)
	}
	return err
}

func callSimilar(s *scenario, step, result object) error {
	reply, err := s.shared.Similar(s.model(step), idOf(step["item"]), s.request(step["request"]))
	if err == nil {
		putReply(result, reply)
	}
	return err
}

func callBatch(s *scenario, step, result object) error {
	replies, err := s.shared.RecommendBatch(s.model(step), s.requests(step))
	items, scores, strategies, statuses := []any{}, []any{}, []any{}, []any{}
	for i := range replies {
		one, status := object{}, "OK"
		putReply(one, &replies[i])
		if e, ok := replies[i].Err.(*recsys.Error); ok {
			status = e.Status.String()
		}
		items, scores = append(items, one["items"]), append(scores, one["scores"])
		strategies, statuses = append(strategies, one["strategy"]), append(statuses, status)
	}
	result["items"], result["scores"], result["strategies"], result["statuses"] = items, scores, strategies, statuses
	return err
}

func callRecommendInto(s *scenario, step, result object) error {
	requests := s.requests(step)
	out := recsys.NewAnswers(len(requests), number(step, "stride"))
	if err := s.shared.RecommendInto(s.model(step), requests, out); err != nil {
		return err
	}
	ids, scores, strategies := []any{}, []any{}, []any{}
	for q, count := range out.Counts {
		at := q * out.Stride
		ids = append(ids, append([]recsys.ID{}, out.Items[at:at+int(count)]...))
		scores = append(scores, bitsOf(out.Scores[at:at+int(count)]))
		strategies = append(strategies, out.Strategies[q].String())
		for j := at + int(count); j < at+out.Stride; j++ {
			if !out.Items[j].IsNone() || out.Rows[j] != recsys.PaddingRow || !math.IsInf(float64(out.Scores[j]), -1) {
				s.t.Errorf("place %d has no answer and no padding", j)
			}
		}
	}
	result["items"], result["scores"], result["strategies"] = ids, scores, strategies
	return nil
}

func callScoreItems(s *scenario, step, result object) error {
	items := idsOf(step, "items")
	scores, raws, reply, err := s.shared.ScoreItems(s.model(step), s.request(step["request"]), items)
	if err != nil {
		return err
	}
	count := 0
	for _, raw := range raws {
		if raw == raw {
			count++
		}
	}
	result["scores"], result["raws"], result["count"] = bitsOf(scores), bitsOf(raws), count
	result["strategy"] = reply.Strategy.String()
	return nil
}

func putScored(rows [][]recsys.Scored) (ids, scores []any) {
	ids, scores = []any{}, []any{}
	for _, row := range rows {
		rowIDs, rowScores := []any{}, []any{}
		for _, scored := range row {
			rowIDs, rowScores = append(rowIDs, scored.Item), append(rowScores, bits(scored.Score))
		}
		ids, scores = append(ids, rowIDs), append(scores, rowScores)
	}
	return ids, scores
}

func (s *scenario) scorer() *recsys.Scorer {
	scorer, err := recsys.NewScorer(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { scorer.Close() })
	return scorer
}

func callTopK(s *scenario, step, result object) error {
	var queries []recsys.Query
	offsets := floatsOf(step, "offsets")
	for i, row := range step["queries"].([]any) {
		query := recsys.Query{Vector: numbersOf[float32](row.([]any)), K: number(step, "k")}
		if offsets != nil {
			query.Offset = float64(offsets[i])
		}
		queries = append(queries, query)
	}
	rows, err := s.scorer().TopK(s.model(step), queries, named[*recsys.Filter](s, step, "filter"))
	result["items"], result["scores"] = putScored(rows)
	return err
}

func callNearest(s *scenario, step, result object) error {
	row, err := s.scorer().Similar(s.model(step), idOf(step["item"]), number(step, "k"), named[*recsys.Filter](s, step, "filter"))
	ids, scores := putScored([][]recsys.Scored{row})
	result["items"], result["scores"] = ids[0], scores[0]
	return err
}

// -- serving --

func callSlot(s *scenario, step, _ object) error {
	slot, err := recsys.NewSlot()
	s.keep(step, slot)
	return err
}

func callSwap(s *scenario, step, result object) error {
	slot := named[*recsys.Slot](s, step, "slot")
	var model *recsys.Model
	if step["model"] != nil {
		model = s.model(step)
	}
	err := slot.Swap(model)
	result["generation"] = slot.Generation()
	return err
}

func callAcquire(s *scenario, step, result object) error {
	var model *recsys.Model
	if _, ok := step["slot"]; ok {
		model = named[*recsys.Slot](s, step, "slot").Acquire()
	} else {
		model = named[*recsys.Deployment](s, step, "deployment").Acquire()
	}
	result["model"], result["version"] = nil, nil
	if model == nil {
		return nil
	}
	info, err := model.Info()
	result["model"], result["version"] = info.Name, info.Version
	s.keep(step, model)
	return err
}

func callReap(s *scenario, step, result object) error {
	if _, ok := step["slot"]; ok {
		result["in_use"] = named[*recsys.Slot](s, step, "slot").Reap()
	} else {
		result["in_use"] = named[*recsys.Deployment](s, step, "deployment").Reap()
	}
	return nil
}

func callClose(s *scenario, step, _ object) error {
	s.close(text(step, "object"))
	return nil
}

func callRegistry(s *scenario, step, _ object) error {
	root := filepath.Join(s.scratch, "registry-"+text(step, "as"))
	_ = os.Mkdir(root, 0o700)
	registry, err := recsys.OpenRegistry(root)
	s.keep(step, registry)
	return err
}

func putLocation(result object, location recsys.Location) {
	result["name"], result["version"] = location.Name, location.Version
}

func callPublish(s *scenario, step, result object) error {
	fields, _ := step["fields"].(object)
	location, err := named[*recsys.Registry](s, step, "registry").Publish(s.build(text(step, "model"), fields), text(step, "name"))
	putLocation(result, location)
	return err
}

func callResolve(s *scenario, step, result object) error {
	location, err := named[*recsys.Registry](s, step, "registry").Resolve(text(step, "uri"))
	putLocation(result, location)
	return err
}

func callSetAlias(s *scenario, step, _ object) error {
	return named[*recsys.Registry](s, step, "registry").SetAlias(text(step, "name"), text(step, "alias"), text(step, "version"))
}

func callRemoveAlias(s *scenario, step, _ object) error {
	return named[*recsys.Registry](s, step, "registry").RemoveAlias(text(step, "name"), text(step, "alias"))
}

func callRegistryList(s *scenario, step, result object) error {
	list, err := named[*recsys.Registry](s, step, "registry").List(text(step, "name"))
	entries := []any{}
	for _, e := range list {
		entries = append(entries, []any{e.Name, e.Version, orNull(e.Alias)})
	}
	result["entries"] = entries
	return err
}

func callDeployment(s *scenario, step, _ object) error {
	deployment, err := recsys.NewDeployment(text(step, "source"), &recsys.DeploymentOptions{
		Registry: named[*recsys.Registry](s, step, "registry"), MinItemsRatio: float(step, "min_items_ratio")})
	if err == nil {
		s.keep(step, deployment)
	}
	return err
}

func callDeploy(s *scenario, step, _ object) error {
	deployment := named[*recsys.Deployment](s, step, "deployment")
	if step["model"] != nil {
		return deployment.LoadModel(s.model(step))
	}
	return deployment.Load(text(step, "source"))
}

func callUse(s *scenario, step, _ object) error {
	return named[*recsys.Deployment](s, step, "deployment").Use(text(step, "version"))
}

func callRollback(s *scenario, step, _ object) error {
	return named[*recsys.Deployment](s, step, "deployment").Rollback()
}

func callReload(s *scenario, step, result object) error {
	changed, err := named[*recsys.Deployment](s, step, "deployment").Reload()
	result["changed"] = changed
	return err
}

func callStatus(s *scenario, step, result object) error {
	now, err := named[*recsys.Deployment](s, step, "deployment").Status()
	last := "OK"
	if e, ok := now.LastError.(*recsys.Error); ok {
		last = e.Status.String()
	}
	put(result, object{"active": now.Active.Version, "previous": now.Previous.Version,
		"candidate": now.Candidate.Version, "n_swaps": now.Swaps, "n_failures": now.Failures, "last_error": last})
	return err
}
