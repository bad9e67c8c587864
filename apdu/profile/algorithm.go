package profile

import (
	"maps"
	"slices"
)

// Algorithm is what the type of a key says of the commands that use it.
type Algorithm struct {
	Name   string  // Key.Type
	Public int     // bytes that GENERATE ASYMMETRIC KEY PAIR answers
	Input  int     // bytes COMPUTE DIGITAL SIGNATURE is given for a certificate request
	Output int     // bytes it answers
	Make   float64 // time to make a pair, RSA-2048 taking 1
	Sign   float64 // time to sign, RSA-2048 taking 1
}

// algorithms by Key.Type. An RSA public key is 7F49 82 hh ll {81 82 hh ll n, 82 03 e} and
// one on a curve 7F49 L {86 L 04 x y} (ISO/IEC 7816-8:2021, Table 3). With RSA the card
// pads a DigestInfo of SHA-256 (RFC 8017, 9.2); on P-384 it is given the digest of SHA-384
// and answers r and s, 48 bytes each, which is ours: no card that does so is public.
//
// The times are medians of published cards (physics sheet, 4): a pair takes 12 s with RSA
// and 0.34 s on P-384, a signature 0.2 s with RSA; that on P-384, 0.13 s, is the published
// one on P-256 by the ratio of the two curves' pairs, which is ours.
var algorithms = map[string]Algorithm{
	"RSA-2048": {Name: "RSA-2048", Public: 5 + 4 + 256 + 5, Input: 51, Output: 256, Make: 1, Sign: 1},
	"P-384":    {Name: "P-384", Public: 3 + 2 + 97, Input: 48, Output: 96, Make: 0.34 / 12, Sign: 0.13 / 0.2},
}

// Algorithm is that of the key's type, which a profile that was read always has.
func (k *Key) Algorithm() Algorithm { return algorithms[k.Type] }

func knownTypes() []string { return slices.Sorted(maps.Keys(algorithms)) }

// PINClasses are the classes of PIN a holder sets on this card where the register wants
// those of a list: each that has a reference of its own or is covered by one. They stand in
// the order of all, which are the register's classes.
func (c *Card) PINClasses(all, wanted []string) []string {
	serves := map[string]bool{}
	for _, a := range c.Applications {
		for _, r := range a.PINs {
			for _, class := range append([]string{r.Class}, r.Covers...) {
				serves[r.Class] = serves[r.Class] || slices.Contains(wanted, class)
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(class string) bool { return !serves[class] })
}
