package station

import (
	"encoding/json"

	"jukicard/cardd/internal/order"
	"jukicard/cardd/internal/receipt"
)

// factChosen in the first Planned record of a job says who chose substitutes (代替文字)
// for its order, and when: JSON of the receipt's choices. What was chosen is not in it,
// for it is a part of somebody's name.
const factChosen = "chosen"

// chosenBy are choices as a fact; empty where nothing was to be chosen.
func chosenBy(all []order.Choice) string {
	if len(all) == 0 {
		return ""
	}
	said := make([]receipt.Choice, len(all))
	for i, c := range all {
		said[i] = receipt.Choice{Field: c.Field, Place: c.Place, By: c.By, At: c.At.UTC()}
	}
	b, err := json.Marshal(said)
	if err != nil {
		panic("internal error: " + err.Error()) // text, numbers and times
	}
	return string(b)
}

// choices are those of a fact.
func choices(fact string) (all []receipt.Choice, err error) {
	if fact == "" {
		return nil, nil
	}
	err = json.Unmarshal([]byte(fact), &all)
	return all, err
}
