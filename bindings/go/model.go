package recsys

/*
#include "glue.h"
*/
import "C"

import (
	"io"
	"os"
	"runtime"
	"sync/atomic"
	"unsafe"
)

// A Model is a loaded model with everything that belongs to it: vectors, ids, biases, features, seen
// lists and the catalogue. It never changes; its files are mapped, not read into memory.
type Model struct {
	object[*C.recsys_model]
	facts atomic.Pointer[facts]
}

var _ io.Closer = (*Model)(nil)

// Texts and sizes that every reply needs; read once.
type facts struct {
	name, version, fingerprint string
	dimensions                 int
	items                      uint64
}

// A ModelMetric says how vectors are compared. 0 is the default.
type ModelMetric uint32

// The metrics of models.
const (
	InnerProduct ModelMetric = C.RECSYS_METRIC_INNER_PRODUCT
	Cosine       ModelMetric = C.RECSYS_METRIC_COSINE
)

// A Link maps a raw score into [0,1]; it never changes a ranking. 0 is the default.
type Link uint32

// The links of models.
const (
	Sigmoid Link = C.RECSYS_LINK_SIGMOID
	Linear  Link = C.RECSYS_LINK_LINEAR
	Clip    Link = C.RECSYS_LINK_CLIP
)

// A PopularityKind says what the popularity of items is made from.
type PopularityKind uint32

// The kinds of popularity. The last three do not know what users chose.
const (
	PopularityGiven  PopularityKind = C.RECSYS_POPULARITY_GIVEN  // the array item_popularity
	PopularitySeen   PopularityKind = C.RECSYS_POPULARITY_SEEN   // how many users have seen the item
	PopularityBias   PopularityKind = C.RECSYS_POPULARITY_BIAS   // its bias
	PopularityRating PopularityKind = C.RECSYS_POPULARITY_RATING // its rating
	PopularityNorm   PopularityKind = C.RECSYS_POPULARITY_NORM   // the norm of its vector
)

// A SimilarityKind says what the cosine of similar items counts.
type SimilarityKind uint32

// The kinds of similarity.
const (
	SimilarByVector        SimilarityKind = C.RECSYS_SIMILAR_VECTOR
	SimilarByVectorBias    SimilarityKind = C.RECSYS_SIMILAR_VECTOR_BIAS     // BPR of implicit
	SimilarByVectorBiasOne SimilarityKind = C.RECSYS_SIMILAR_VECTOR_BIAS_ONE // LMF of implicit
)

// An IDKind is the kind of a model's ids.
type IDKind uint32

// The kinds of ids.
const (
	IntIDs  IDKind = C.RECSYS_ID_KIND_INTEGER
	TextIDs IDKind = C.RECSYS_ID_KIND_TEXT
)

// ModelOptions are for loading. Metric and link are only for files that do not contain them (.npz
// and bare .safetensors).
type ModelOptions struct {
	SkipHashes bool        // trust a bundle's sums without computing them
	HugePages  bool        // copy item vectors into private 2 MB pages
	MaxBytes   uint64      // refuse a model whose files are larger; 0 = no limit
	Metric     ModelMetric // 0 = InnerProduct
	Link       Link        // 0 = Sigmoid
	LinkMin    float32
	LinkMax    float32
	Threads    int // that compute hashes of large files, the caller's among them; 0 = 1
}

func (o *ModelOptions) c(a *arena) *C.recsys_model_options {
	if o == nil {
		return nil
	}
	out := (*C.recsys_model_options)(a.space(C.sizeof_recsys_model_options))
	*out = C.recsys_model_options{struct_size: C.sizeof_recsys_model_options,
		flags: flag(o.SkipHashes, C.RECSYS_MODEL_SKIP_HASHES) |
			flag(o.HugePages, C.RECSYS_MODEL_HUGE_PAGES),
		max_bytes: C.uint64_t(o.MaxBytes), metric: C.uint32_t(o.Metric), link: C.uint32_t(o.Link),
		link_min: C.float(o.LinkMin), link_max: C.float(o.LinkMax), n_threads: a.count(o.Threads)}
	return out
}

// LoadModel loads the model at path: a bundle, a .safetensors file or an .npz of the Python package
// implicit. It checks all of the content. The options may be nil.
func LoadModel(path string, options *ModelOptions) (*Model, error) {
	a := newArena()
	defer a.release()
	c, o := a.text(path), options.c(a)
	var out *C.recsys_model
	if err := a.call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_model_load(c, o, &out, err)
	}); err != nil {
		return nil, err
	}
	return newModel(out), nil
}

// A File is one file of a model: its content, which is copied, or an open regular file, which is
// mapped and may be closed afterwards.
type File struct {
	Name    string // as in a bundle, or "x.npz", "x.safetensors"
	Content []byte
	File    *os.File
}

// LoadModelFiles loads a model from the files of a bundle, or from one single file.
func LoadModelFiles(files []File, options *ModelOptions) (*Model, error) {
	a := newArena()
	defer a.release()
	first := (*C.recsys_model_file)(a.space(uintptr(len(files)) * C.sizeof_recsys_model_file))
	for i, file := range files {
		c := C.recsys_model_file{struct_size: C.sizeof_recsys_model_file, name: a.text(file.Name)}
		if file.File != nil {
			c.flags, c.fd = C.RECSYS_MODEL_FILE_DESCRIPTOR, C.int32_t(file.File.Fd())
		} else {
			c.data, c.size = unsafe.Pointer(a.bytes(string(file.Content))), C.uint64_t(len(file.Content))
		}
		unsafe.Slice(first, len(files))[i] = c
	}
	o := options.c(a)
	var out *C.recsys_model
	if err := a.call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_model_load_files(first, C.size_t(len(files)), o, &out, err)
	}); err != nil {
		return nil, err
	}
	runtime.KeepAlive(files) // an *os.File that nobody holds closes its descriptor
	return newModel(out), nil
}

// newModel takes over one reference.
func newModel(c *C.recsys_model) *Model {
	if c == nil {
		return nil
	}
	m := new(Model)
	m.open(c, func(c *C.recsys_model) { C.recsys_model_unref(c) })
	return m
}

// Ref returns a second Model of the same content, with a Close of its own.
func (m *Model) Ref() (*Model, error) {
	c, err := m.enter()
	if err != nil {
		return nil, err
	}
	defer m.leave()
	return newModel(C.recsys_model_ref(c)), nil
}

// A ModelInfo describes a model.
type ModelInfo struct {
	Dimensions              int
	Users, Items, Features  uint64
	Seen                    uint64 // user-item pairs in the seen lists
	Catalog                 uint64 // items that have a catalogue entry
	MappedBytes             uint64
	PrivateBytes, CodeBytes uint64
	ShortCodeBytes          uint64
	UserIDs, ItemIDs        IDKind
	Metric                  ModelMetric
	Link                    Link
	LinkMin, LinkMax        float32
	Name, Version           string
	Algorithm, TrainingDate string
	Fingerprint             string // 64 hex digits: equal content, equal fingerprint
	Metadata                string // JSON: metrics, hyperparameters, tags
	ItemName                string // what one item is, "book"; "movie" if the model does not say
	Popularity              PopularityKind
	SimilarBy               SimilarityKind
}

// Info describes the model.
func (m *Model) Info() (ModelInfo, error) {
	c, err := m.enter()
	if err != nil {
		return ModelInfo{}, err
	}
	defer m.leave()
	info := C.recsys_model_info{struct_size: C.sizeof_recsys_model_info}
	if err := call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_model_get_info(c, &info, err)
	}); err != nil {
		return ModelInfo{}, err
	}
	return ModelInfo{Dimensions: int(info.dimensions), Users: uint64(info.n_users), Items: uint64(info.n_items),
		Features: uint64(info.n_features), Seen: uint64(info.n_seen), Catalog: uint64(info.n_catalog),
		MappedBytes: uint64(info.mapped_bytes), PrivateBytes: uint64(info.private_bytes),
		CodeBytes: uint64(info.code_bytes), ShortCodeBytes: uint64(info.short_code_bytes),
		UserIDs: IDKind(info.user_id_kind), ItemIDs: IDKind(info.item_id_kind),
		Metric: ModelMetric(info.metric), Link: Link(info.link),
		LinkMin: float32(info.link_min), LinkMax: float32(info.link_max), Name: C.GoString(info.name),
		Version: C.GoString(info.version), Algorithm: C.GoString(info.algorithm),
		TrainingDate: C.GoString(info.training_date), Fingerprint: C.GoString(info.fingerprint),
		Metadata: C.GoString(info.metadata), ItemName: C.GoString(info.item_name),
		Popularity: PopularityKind(info.popularity), SimilarBy: SimilarityKind(info.similar_by)}, nil
}

// known returns the facts; the caller is inside the model.
func (m *Model) known() (*facts, error) {
	if f := m.facts.Load(); f != nil {
		return f, nil
	}
	info, err := m.Info()
	if err != nil {
		return nil, err
	}
	f := &facts{info.Name, info.Version, info.Fingerprint, info.Dimensions, info.Items}
	m.facts.Store(f)
	return f, nil
}

// User copies a user's vector and bias as they are used for scoring.
func (m *Model) User(user ID) (vector []float32, bias float32, err error) {
	return m.vector(user, func(c *C.recsys_model, id C.recsys_id, v, b *C.float, err *C.recsys_error) C.recsys_status {
		return C.recsys_model_get_user(c, id, v, b, err)
	})
}

// Item copies an item's vector and bias as they are used for scoring.
func (m *Model) Item(item ID) (vector []float32, bias float32, err error) {
	return m.vector(item, func(c *C.recsys_model, id C.recsys_id, v, b *C.float, err *C.recsys_error) C.recsys_status {
		return C.recsys_model_get_item(c, id, v, b, err)
	})
}

func (m *Model) vector(id ID, get func(*C.recsys_model, C.recsys_id, *C.float, *C.float, *C.recsys_error) C.recsys_status) ([]float32, float32, error) {
	c, err := m.enter()
	if err != nil {
		return nil, 0, err
	}
	defer m.leave()
	f, err := m.known()
	if err != nil {
		return nil, 0, err
	}
	a := newArena()
	defer a.release()
	vector, bias := make([]float32, f.dimensions), C.float(0)
	if err := call(func(err *C.recsys_error) C.recsys_status {
		return get(c, a.id(id), (*C.float)(unsafe.Pointer(&vector[0])), &bias, err)
	}); err != nil {
		return nil, 0, err
	}
	return vector, float32(bias), nil
}

// A page function of the library: ids, or texts.
type page[T any] func(c *C.recsys_model, offset C.uint64_t, out *T, capacity C.size_t, count *C.size_t, err *C.recsys_error) C.recsys_status

// pages lists at most limit entries from number offset on; a negative limit means all.
func pages[T, R any](m *Model, offset uint64, limit int, size uintptr, get page[T], goes func(*T) R) ([]R, error) {
	c, err := m.enter()
	if err != nil {
		return nil, err
	}
	defer m.leave()
	count := C.size_t(0)
	if err := call(func(err *C.recsys_error) C.recsys_status {
		return get(c, C.uint64_t(offset), nil, 0, &count, err)
	}); err != nil {
		return nil, err
	}
	if limit >= 0 && count > C.size_t(limit) {
		count = C.size_t(limit)
	}
	if count == 0 {
		return []R{}, nil
	}
	a := newArena()
	defer a.release()
	first := (*T)(a.space(uintptr(count) * size))
	if err := call(func(err *C.recsys_error) C.recsys_status {
		return get(c, C.uint64_t(offset), first, count, &count, err)
	}); err != nil {
		return nil, err
	}
	list := make([]R, count)
	for i := range list {
		list[i] = goes((*T)(unsafe.Add(unsafe.Pointer(first), uintptr(i)*size)))
	}
	return list, nil
}

func goText(text **C.char) string { return C.GoString(*text) }

const textSize = unsafe.Sizeof((*C.char)(nil))

// UserIDs lists at most limit ids of users, ascending, from number offset on; a negative limit means
// all of them. [Model.AllUsers] walks over them (Go 1.23).
func (m *Model) UserIDs(offset uint64, limit int) ([]ID, error) {
	return pages(m, offset, limit, C.sizeof_recsys_id, func(c *C.recsys_model, o C.uint64_t, out *C.recsys_id, n C.size_t, count *C.size_t, err *C.recsys_error) C.recsys_status {
		return C.recsys_model_get_user_ids(c, o, out, n, count, err)
	}, goID)
}

// ItemIDs is UserIDs for items.
func (m *Model) ItemIDs(offset uint64, limit int) ([]ID, error) {
	return pages(m, offset, limit, C.sizeof_recsys_id, func(c *C.recsys_model, o C.uint64_t, out *C.recsys_id, n C.size_t, count *C.size_t, err *C.recsys_error) C.recsys_status {
		return C.recsys_model_get_item_ids(c, o, out, n, count, err)
	}, goID)
}

// Features lists the names of the model's features, in the order of feature_factors.
func (m *Model) Features() ([]string, error) {
	return pages(m, 0, -1, textSize, func(c *C.recsys_model, o C.uint64_t, out **C.char, n C.size_t, count *C.size_t, err *C.recsys_error) C.recsys_status {
		return C.recsys_model_get_features(c, o, out, n, count, err)
	}, goText)
}

// A SeenItem is one item of a user's seen list.
type SeenItem struct {
	Item   ID
	Weight float32 // 1 where the model has none
}

// Seen lists the items that a user has seen, in the order of the array seen_items.
func (m *Model) Seen(user ID) ([]SeenItem, error) {
	c, err := m.enter()
	if err != nil {
		return nil, err
	}
	defer m.leave()
	a := newArena()
	defer a.release()
	id, count := a.id(user), C.size_t(0)
	if err := call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_model_get_seen(c, id, 0, nil, nil, 0, &count, err)
	}); err != nil {
		return nil, err
	}
	items := (*C.recsys_id)(a.space(uintptr(count) * C.sizeof_recsys_id))
	weights := (*C.float)(a.space(uintptr(count) * 4))
	if err := call(func(err *C.recsys_error) C.recsys_status {
		return C.recsys_model_get_seen(c, id, 0, items, weights, count, &count, err)
	}); err != nil {
		return nil, err
	}
	seen := make([]SeenItem, count)
	for i := range seen {
		seen[i] = SeenItem{goID(&unsafe.Slice(items, count)[i]), float32(unsafe.Slice(weights, count)[i])}
	}
	return seen, nil
}

// Score returns what the model's link makes of a raw score.
func (m *Model) Score(raw float32) (float32, error) {
	c, err := m.enter()
	if err != nil {
		return 0, err
	}
	defer m.leave()
	return float32(C.recsys_link_score(c, C.float(raw))), nil
}
