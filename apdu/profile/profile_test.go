package profile

import "testing"

func TestEmbeddedProfilesLoad(t *testing.T) {
	for _, id := range IDs() {
		if _, err := Load(id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}
