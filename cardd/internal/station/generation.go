package station

import (
	"sync"

	"jukicard/apdu/profile"
)

// generations are the profiles that were asked for so far, by ID. They are part of the
// program and nobody changes one: reading one anew for every job and every start of it
// would cost as much as the card's share of a job.
var generations sync.Map

// generation is the profile of that ID.
func generation(id string) (*profile.Card, error) {
	if p, ok := generations.Load(id); ok {
		return p.(*profile.Card), nil
	}
	p, err := profile.Load(id)
	if err == nil {
		generations.Store(id, p)
	}
	return p, err
}
