package scp03

import "context"

// Data derivation constants (Amendment D v1.1.2, 4.1.5, Table 4-1).
const (
	constCardCryptogram = 0x00
	constHostCryptogram = 0x01
	constCardChallenge  = 0x02
	constSENC           = 0x04
	constSMAC           = 0x06
	constSRMAC          = 0x07
)

// derive fills out by the counter-mode KDF of NIST SP 800-108 with AES-CMAC as
// Amendment D v1.1.2, 4.1.5 lays it out: eleven zeros and the constant, 00, the
// length of out in bits, the counter, the context.
func derive(prf func(data []byte) ([16]byte, error), constant byte, context, out []byte) error {
	block := make([]byte, 16, 16+2*int(S16))
	bits := 8 * len(out)
	block[11], block[13], block[14] = constant, byte(bits>>8), byte(bits)
	block = append(block, context...)
	for i := byte(1); len(out) > 0; i++ {
		block[15] = i
		v, err := prf(block)
		if err != nil {
			return err
		}
		out = out[copy(out, v[:]):]
		clear(v[:])
	}
	return nil
}

// prf is the CMAC of one static key as derive wants it.
func prf(ctx context.Context, k Keys, usage Usage) func([]byte) ([16]byte, error) {
	return func(data []byte) ([16]byte, error) { return k.CMAC(ctx, usage, data) }
}

// cardChallenge is the pseudo-random card challenge: KDF under the static ENC key
// over the sequence counter and the AID of the application that opens the channel
// (Amendment D v1.1.2, 6.2.2.1).
func cardChallenge(ctx context.Context, k Keys, sequence uint32, aid, out []byte) error {
	seed := append([]byte{byte(sequence >> 16), byte(sequence >> 8), byte(sequence)}, aid...)
	return derive(prf(ctx, k, ENC), constCardChallenge, seed, out)
}
