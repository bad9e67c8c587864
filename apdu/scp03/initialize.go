package scp03

import "fmt"

// initializeUpdate is the answer to INITIALIZE UPDATE (Amendment D v1.1.2, 7.1.1):
// diversification data (10), key version, SCP identifier 03, "i", card challenge and
// card cryptogram (8 or 16 each), sequence counter (3) when "i" says pseudo-random.
type initializeUpdate struct {
	Info
	challenge  []byte
	cryptogram []byte
}

func parseInitializeUpdate(b []byte, cfg Config) (a initializeUpdate, err error) {
	const fixed = 10 + 3
	if len(b) < fixed {
		return a, fmt.Errorf("cannot read answer to INITIALIZE UPDATE: %d bytes", len(b))
	}
	copy(a.Diversification[:], b)
	a.KeyVersion, a.Options = b[10], Options(b[12])
	if b[11] != 0x03 {
		return a, fmt.Errorf("cannot open secure channel: the card offers SCP%02X, wanted SCP03", b[11])
	}
	if err := a.suits(cfg); err != nil {
		return a, err
	}
	n := int(cfg.Mode)
	want := fixed + 2*n
	if a.Options&OptionPseudoRandom != 0 {
		want += 3
	}
	if len(b) != want {
		return a, fmt.Errorf("cannot read answer to INITIALIZE UPDATE: %d bytes, wanted %d for i=%02X", len(b), want, byte(a.Options))
	}
	a.challenge, a.cryptogram = b[fixed:fixed+n], b[fixed+n:fixed+2*n]
	if s := b[fixed+2*n:]; len(s) == 3 {
		a.Sequence = uint32(s[0])<<16 | uint32(s[1])<<8 | uint32(s[2])
	}
	return a, nil
}

// suits checks that the card can do what cfg wants.
func (a *initializeUpdate) suits(cfg Config) error {
	switch {
	case cfg.KeyVersion != 0 && a.KeyVersion != cfg.KeyVersion:
		return fmt.Errorf("cannot open secure channel: wanted key version %02X, the card used %02X", cfg.KeyVersion, a.KeyVersion)
	case a.Options.Mode() != cfg.Mode:
		return fmt.Errorf("cannot open secure channel: wanted %v, the card does %v", cfg.Mode, a.Options.Mode())
	case !a.Options.Supports(cfg.Level):
		return fmt.Errorf("cannot open secure channel: wanted level %v, the card states i=%02X", cfg.Level, byte(a.Options))
	}
	return nil
}

// append encodes a.
func (a *initializeUpdate) append(b []byte) []byte {
	b = append(b, a.Diversification[:]...)
	b = append(b, a.KeyVersion, 0x03, byte(a.Options))
	b = append(append(b, a.challenge...), a.cryptogram...)
	if a.Options&OptionPseudoRandom != 0 {
		b = append(b, byte(a.Sequence>>16), byte(a.Sequence>>8), byte(a.Sequence))
	}
	return b
}
