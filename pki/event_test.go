package pki_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"jukicard/pki"
)

// Every event with what the rules sheet says of it, written out rather than computed.
func TestEventRevokes(t *testing.T) {
	const s, a = pki.Signature, pki.Authentication
	tests := []struct {
		event pki.Event
		want  []pki.Revocation
	}{
		{"name-changed", []pki.Revocation{{s, 3}}},
		{"address-changed", []pki.Revocation{{s, 3}}},
		{"birth-changed", []pki.Revocation{{s, 3}}},
		{"sex-changed", []pki.Revocation{{s, 3}}},
		{"card-suspended", []pki.Revocation{{s, 6}, {a, 6}}},
		{"card-ended", []pki.Revocation{{s, 5}, {a, 5}}},
		{"card-destroyed", []pki.Revocation{{s, 0}, {a, 0}}},
		{"card-replaced", []pki.Revocation{{s, 4}, {a, 4}}},
		{"face-match", []pki.Revocation{{s, 5}}},
		{"signature-renewed", []pki.Revocation{{s, 4}}},
		{"authentication-renewed", []pki.Revocation{{a, 4}}},
		{"signature-unwanted", []pki.Revocation{{s, 5}}},
		{"authentication-unwanted", []pki.Revocation{{a, 5}}},
		{"keys-compromised", []pki.Revocation{{s, 1}, {a, 1}}},
	}
	for _, tt := range tests {
		t.Run(string(tt.event), func(t *testing.T) {
			got, err := tt.event.Revokes()
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("want %v, got %v, %v", tt.want, got, err)
			}
		})
	}
	for _, none := range []pki.Event{"", "holiday", "Name-Changed"} {
		if got, err := none.Revokes(); err == nil {
			t.Errorf("%q: got %v", none, got)
		}
	}
}

// revoked is a Revoker that keeps what it is told and fails as it is told.
type revoked struct {
	said []string
	err  map[int64]error
}

func (r *revoked) Revoke(_ context.Context, serial *big.Int, why pki.Reason) error {
	r.said = append(r.said, fmt.Sprintf("%v %v", serial, why))
	return r.err[serial.Int64()]
}

func TestEventTakes(t *testing.T) {
	held := map[pki.Purpose]*big.Int{pki.Signature: big.NewInt(7), pki.Authentication: big.NewInt(8)}
	tests := []struct {
		name  string
		event pki.Event
		held  map[pki.Purpose]*big.Int
		err   map[int64]error
		said  []string
		want  error
	}{
		{"a change of address", pki.AddressChanged, held, nil, []string{"7 affiliationChanged"}, nil},
		{"a suspension", pki.CardSuspended, held, nil, []string{"7 certificateHold", "8 certificateHold"}, nil},
		{"a card without 署名用", pki.CardSuspended, map[pki.Purpose]*big.Int{pki.Authentication: big.NewInt(8)}, nil, []string{"8 certificateHold"}, nil},
		{"one revoked before", pki.CardEnded, held, map[int64]error{7: pki.ErrRevoked}, []string{"7 cessationOfOperation", "8 cessationOfOperation"}, nil},
		{"one unknown", pki.CardEnded, held, map[int64]error{7: pki.ErrUnknownSerial}, []string{"7 cessationOfOperation", "8 cessationOfOperation"}, pki.ErrUnknownSerial},
		{"a card without certificates", pki.CardEnded, nil, nil, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &revoked{err: tt.err}
			if err := tt.event.Take(t.Context(), r, tt.held); !errors.Is(err, tt.want) {
				t.Errorf("want %v, got %v", tt.want, err)
			}
			if !slices.Equal(r.said, tt.said) {
				t.Errorf("want %q, got %q", tt.said, r.said)
			}
		})
	}
	if err := pki.Event("holiday").Take(t.Context(), &revoked{}, held); err == nil {
		t.Error("took back for no event")
	}
}
