package simulator

import (
	"bytes"
	"crypto/rsa"
	"math/big"

	"jukicard/apdu"
	"jukicard/apdu/tlv"
)

// Tags of GENERATE ASYMMETRIC KEY PAIR and of key import (ISO/IEC 7816-8:2021, 9).
const (
	tagSignatureTemplate tlv.Tag = 0xB6
	tagKeyRef            tlv.Tag = 0x84
	tagPrivateKey        tlv.Tag = 0x7F48
	tagP                 tlv.Tag = 0x92
	tagQ                 tlv.Tag = 0x93
	tagQInv              tlv.Tag = 0x94
	tagDP                tlv.Tag = 0x95
	tagDQ                tlv.Tag = 0x96
	tagN                 tlv.Tag = 0x97
)

// P1 of GENERATE ASYMMETRIC KEY PAIR.
const (
	generateNew  = 0x80
	readExisting = 0x81
)

// generateKeyPair is GENERATE ASYMMETRIC KEY PAIR, inside the channel: it makes a pair
// and answers the public key, or answers that of the pair there is. The old pair lives
// until the new one is kept.
func (c *Card) generateKeyPair(cmd apdu.Command) apdu.SW {
	if cmd.P1 != generateNew && cmd.P1 != readExisting || cmd.P2 != 0 {
		return apdu.SWIncorrectP1P2
	}
	if !c.secured {
		return apdu.SWSecurityStatus
	}
	ref, ok := tlv.Find(cmd.Data, tagSignatureTemplate, tagKeyRef)
	if !ok || len(ref) != 1 {
		return apdu.SWWrongData
	}
	k := c.app.keyByRef(ref[0])
	switch {
	case k == nil:
		return apdu.SWReferenceDataNotFound
	case cmd.P1 == generateNew:
		if sw := c.generate(k); sw != apdu.SWOK {
			return sw
		}
	case k.private == nil:
		return apdu.SWReferenceDataNotFound
	}
	c.out = tlv.Append(c.out, tagPublicKey, k.kind.answer(k.private.Public()))
	return apdu.SWOK
}

func (c *Card) generate(k *key) apdu.SW {
	if k.Made {
		return apdu.SWConditionsNotSatisfied
	}
	private, err := k.kind.pair(c)
	if err != nil {
		return apdu.SWUnknown
	}
	return c.commit(keyChange(k.path, private))
}

// rsaParts are 81 n and 82 e (ISO/IEC 7816-8:2021, Table 3).
func rsaParts(k *rsa.PublicKey) []byte {
	parts := tlv.Append(nil, tagPublicModulus, modulus(k))
	return tlv.Append(parts, tagPublicExp, big.NewInt(int64(k.E)).Bytes())
}

// importKey is PUT DATA 3FFF with the CRT parts of a pair made elsewhere, for the key
// that B6 {84 ref} names or whose EF is current, where the profile allows it.
func (c *Card) importKey(cmd apdu.Command) apdu.SW {
	switch {
	case cmd.P1 != 0x3F || cmd.P2 != 0xFF:
		return apdu.SWIncorrectP1P2
	case !c.secured:
		return apdu.SWSecurityStatus
	}
	k, sw := c.importTarget(cmd.Data)
	switch {
	case sw != apdu.SWOK:
		return sw
	case !k.Import || k.Made || k.kind.adopt == nil:
		return apdu.SWConditionsNotSatisfied
	}
	parts, ok := tlv.Find(cmd.Data, tagPrivateKey)
	if !ok {
		return apdu.SWWrongData
	}
	private := k.kind.adopt(parts)
	if private == nil {
		return apdu.SWWrongData
	}
	return c.commit(keyChange(k.path, private))
}

func (c *Card) importTarget(data []byte) (*key, apdu.SW) {
	if ref, ok := tlv.Find(data, tagSignatureTemplate, tagKeyRef); ok && len(ref) == 1 {
		if k := c.app.keyByRef(ref[0]); k != nil {
			return k, apdu.SWOK
		}
		return nil, apdu.SWReferenceDataNotFound
	}
	switch {
	case c.ef == nil:
		return nil, apdu.SWNoCurrentEF
	case c.ef.key == nil:
		return nil, apdu.SWCommandIncompatible
	}
	return c.ef.key, apdu.SWOK
}

// parseCRT makes a key of its parts, with the public exponent 65537; nil unless all
// are there and agree.
func parseCRT(parts []byte) *rsa.PrivateKey {
	read := func(tag tlv.Tag) *big.Int {
		value, _ := tlv.Find(parts, tag)
		return new(big.Int).SetBytes(value)
	}
	p, q, one := read(tagP), read(tagQ), big.NewInt(1)
	if p.BitLen() < 512 || q.BitLen() < 512 {
		return nil
	}
	k := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, Primes: []*big.Int{p, q}}
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	if k.D = new(big.Int).ModInverse(big.NewInt(int64(k.E)), phi); k.D == nil || k.N.BitLen() > 4096 {
		return nil
	}
	k.Precompute()
	if k.Validate() != nil || k.Precomputed.Dp == nil {
		return nil
	}
	for _, pair := range [][2]*big.Int{
		{read(tagN), k.N},
		{read(tagDP), k.Precomputed.Dp},
		{read(tagDQ), k.Precomputed.Dq},
		{read(tagQInv), k.Precomputed.Qinv},
	} {
		if !bytes.Equal(pair[0].Bytes(), pair[1].Bytes()) {
			return nil
		}
	}
	return k
}
