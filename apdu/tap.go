package apdu

import "context"

// Tap shows every exchange to observe once it is over. The bytes are lent for the
// call only and may hold PINs and keys: what observe writes down it must redact, as
// package transcript does.
func Tap(observe func(command, answer []byte, err error)) Wrapper {
	return func(t Transport) Transport {
		return TransportFunc(func(ctx context.Context, command []byte) ([]byte, error) {
			answer, err := t.Transmit(ctx, command)
			observe(command, answer, err)
			return answer, err
		})
	}
}
