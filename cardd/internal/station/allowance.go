package station

import (
	"context"
	"fmt"

	"jukicard/apdu"
	"jukicard/cardd/internal/failure"
)

// commandsMax bounds the commands of one run of a job, GET RESPONSE included. A whole
// issue in short form takes some 250; a card that announces more and more behind every
// answer would have each step take three hundred, and each step eight times.
const commandsMax = 4096

// allowance is what a run may still send.
type allowance struct {
	apdu.Transport
	left *int
}

// limited lets a run send what is left of its commands and no more. It is a wrapper.
func (r *run) limited(t apdu.Transport) apdu.Transport { return allowance{t, &r.left} }

// Transmit refuses what is one too many: nothing was sent, and the job is held.
func (a allowance) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	if *a.left == 0 {
		return nil, failure.New(failure.StationJobLong, fmt.Sprintf("more than %d commands in one run", commandsMax), nil)
	}
	*a.left--
	return a.Transport.Transmit(ctx, command)
}
