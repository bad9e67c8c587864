package station

import (
	"context"
	"time"

	"jukicard/cardd/internal/failure"
)

// The end of a job is told a moment before its station is free: its card is still reset.
// Who hears of the end and decides at once need not be sent away.
const (
	seizeMost = time.Second
	seizeLook = 5 * time.Millisecond
)

// seize takes the station, waiting a moment for a job that is about to leave it. The error
// is STATION-BUSY; without one the caller unlocks busy.
func (s *Station) seize(ctx context.Context) error {
	if s.busy.TryLock() {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, seizeMost)
	defer stop()
	look := time.NewTicker(seizeLook)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return failure.New(failure.StationBusy, "", nil)
		case <-look.C:
		}
		if s.busy.TryLock() {
			return nil
		}
	}
}
