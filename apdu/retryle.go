package apdu

import "context"

// RetryLe sends a command again with the Le a card names by 6Cxx
// (ISO/IEC 7816-4:2020, 5.6, Table 6). By default it does so twice.
//
// It repeats only commands that read and that no card counts: SELECT, READ BINARY,
// READ RECORD, GET DATA, GET RESPONSE, GET CHALLENGE, and GlobalPlatform's GET DATA
// and GET STATUS; and of these only such as are neither part of a chain nor under
// secure messaging, where a second time is another command. A command that presents
// reference data or changes the card (VERIFY, CHANGE REFERENCE DATA, RESET RETRY
// COUNTER, UPDATE, PUT, GENERATE, any signature) is never sent twice by software:
// its 6Cxx goes to the caller.
func RetryLe(b Budget) Wrapper {
	b = b.orDefault(2, 0)
	return func(t Transport) Transport { return &retryLe{t: t, budget: b} }
}

type retryLe struct {
	t      Transport
	budget Budget
	again  []byte
}

func (r *retryLe) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	answer, err := r.t.Transmit(ctx, command)
	if sw, ok := statusOf(answer); err != nil || !ok || sw.SW1() != 0x6C || !repeatable(command) {
		return answer, err
	}
	c, err := ParseCommand(command)
	if err != nil {
		return answer, nil // not ours to judge: the card answered
	}
	for range r.budget.Steps {
		sw, _ := statusOf(answer)
		c.Ne = shortNe(sw.SW2())
		if r.again, err = c.Append(r.again[:0]); err != nil {
			return nil, err
		}
		if answer, err = r.t.Transmit(ctx, r.again); err != nil {
			return nil, err
		}
		if sw, ok := statusOf(answer); !ok || sw.SW1() != 0x6C {
			return answer, nil
		}
	}
	return nil, over("retry with right Le", command, "commands", r.budget.Steps)
}

// repeatable says whether a second time does no more than the first. What it does not
// know it does not repeat.
func repeatable(command []byte) bool {
	if len(command) < 4 {
		return false
	}
	switch command[0] &^ 0x03 { // logical channels 0 to 3
	case 0x00:
		switch command[1] {
		case INSSelect, INSReadBinary, INSReadRecord, INSGetData, INSGetResponse, INSGetChallenge:
			return true
		}
	case 0x80:
		return command[1] == INSGetData || command[1] == INSGetStatus
	}
	return false
}
