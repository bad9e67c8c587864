package journal

import (
	"context"
	"errors"

	"jukicard/highwater"
)

// MarkSuffix follows the journal's name in that of its mark, which notices that the
// file has lost what it had taken (package highwater).
const MarkSuffix = highwater.Suffix

// unlost refuses a file that is behind its mark.
func unlost(ctx context.Context, path string) error {
	const wanted = "open the journal"
	err := highwater.Check(ctx, path)
	switch {
	case errors.Is(err, highwater.ErrLost):
		return ErrLost.when(wanted, err.Error(), nil)
	case errors.Is(err, highwater.ErrMark):
		return ErrMark.when(wanted, err.Error(), nil)
	}
	return failure(wanted, err)
}
