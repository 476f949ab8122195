//go:build go1.23

package recsys

import "iter"

const pageSize = 1024

// allIDs walks over pages; a failure ends the walk and is its last element.
func allIDs(page func(offset uint64, limit int) ([]ID, error)) iter.Seq2[ID, error] {
	return func(yield func(ID, error) bool) {
		for offset := uint64(0); ; offset += pageSize {
			ids, err := page(offset, pageSize)
			if err != nil {
				yield(ID{}, err)
				return
			}
			for _, id := range ids {
				if !yield(id, nil) {
					return
				}
			}
			if len(ids) < pageSize {
				return
			}
		}
	}
}

// AllUsers walks over the ids of all users, ascending. A failure ends it and is its last element.
func (m *Model) AllUsers() iter.Seq2[ID, error] { return allIDs(m.UserIDs) }

// AllItems walks over the ids of all items, ascending. A failure ends it and is its last element.
func (m *Model) AllItems() iter.Seq2[ID, error] { return allIDs(m.ItemIDs) }

// All walks over the items of a reply, best first, with their place.
func (r *Reply) All() iter.Seq2[int, Recommendation] {
	return func(yield func(int, Recommendation) bool) {
		for i, item := range r.Items {
			if !yield(i, item) {
				return
			}
		}
	}
}

// Keys walks over the keys that consist of the literals with any text between each two. A key may
// come twice. A failure ends it and is its last element.
func (s *Store) Keys(literals ...string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for cursor := uint64(0); ; {
			keys, next, err := s.Scan(cursor, literals...)
			for _, key := range keys {
				if !yield(key, nil) {
					return
				}
			}
			if err != nil {
				yield("", err)
				return
			}
			if cursor = next; cursor == 0 {
				return
			}
		}
	}
}
