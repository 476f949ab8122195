package recsys

/*
#include "glue.h"
*/
import "C"

// Recycling is a set of domains with the ready ones of the recycling service: users, characters,
// centres, guides, chats, scans and results of Celery tasks, over the schema of sql/.
type Recycling struct{ *Domains }

// AddRecycling adds the ready domains to a set, all or none.
func AddRecycling(domains *Domains) (*Recycling, error) {
	err := domains.with(func(_ *arena, c *C.recsys_domains, err *C.recsys_error) C.recsys_status {
		return C.recsys_recycling_add_domains(c, err)
	})
	if err != nil {
		return nil, err
	}
	return &Recycling{domains}, nil
}

// get is with for calls that give JSON.
func (r *Recycling) get(run func(a *arena, c *C.recsys_domains, out *C.recsys_value, err *C.recsys_error) C.recsys_status) ([]byte, error) {
	var out C.recsys_value
	err := r.with(func(a *arena, c *C.recsys_domains, err *C.recsys_error) C.recsys_status { return run(a, c, &out, err) })
	return take(&out), err
}

// UpdateUser changes members of a user's profile (a JSON object with any of name, email, phone,
// avatar_url and preferences) and returns all of it.
func (r *Recycling) UpdateUser(userID string, members []byte) ([]byte, error) {
	return r.get(func(a *arena, c *C.recsys_domains, out *C.recsys_value, err *C.recsys_error) C.recsys_status {
		return C.rg_recycling_update_user(c, a.cut(userID), pointer(members), C.size_t(len(members)), out, err)
	})
}

// GainExperience gives a character experience. A second call with the same award id adds nothing; ""
// is none.
func (r *Recycling) GainExperience(userID string, amount int64, awardID string) ([]byte, error) {
	return r.get(func(a *arena, c *C.recsys_domains, out *C.recsys_value, err *C.recsys_error) C.recsys_status {
		return C.recsys_recycling_gain_experience(c, a.cut(userID), C.int64_t(amount), a.optional(awardID), out, err)
	})
}

// FindNearby finds the nearest recycling centres, at most 20, nearest first. The radius is 1 to 100 km.
func (r *Recycling) FindNearby(latitude, longitude float64, radiusKM int) (json []byte, outcome Outcome, err error) {
	o := C.uint32_t(0)
	json, err = r.get(func(a *arena, c *C.recsys_domains, out *C.recsys_value, err *C.recsys_error) C.recsys_status {
		return C.recsys_recycling_find_nearby(c, C.double(latitude), C.double(longitude), a.count(radiusKM), out, &o, err)
	})
	return json, Outcome(o), err
}

// SearchGuides finds guides whose title or content contains the keyword, at most 50.
func (r *Recycling) SearchGuides(keyword string) (json []byte, outcome Outcome, err error) {
	o := C.uint32_t(0)
	json, err = r.get(func(a *arena, c *C.recsys_domains, out *C.recsys_value, err *C.recsys_error) C.recsys_status {
		return C.recsys_recycling_search_guides(c, a.cut(keyword), out, &o, err)
	})
	return json, Outcome(o), err
}

// AddMessage stores a message and its answer and returns the new row.
func (r *Recycling) AddMessage(userID, message, response string) ([]byte, error) {
	return r.get(func(a *arena, c *C.recsys_domains, out *C.recsys_value, err *C.recsys_error) C.recsys_status {
		return C.recsys_recycling_add_message(c, a.cut(userID), a.cut(message), a.cut(response), out, err)
	})
}

// Task returns a Celery task's result, as its worker wrote it.
func (r *Recycling) Task(taskID string) ([]byte, error) {
	return r.get(func(a *arena, c *C.recsys_domains, out *C.recsys_value, err *C.recsys_error) C.recsys_status {
		return C.recsys_recycling_get_task(c, a.cut(taskID), out, err)
	})
}
