package card

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"jukicard/apdu"
	"jukicard/apdu/scp03"
	"jukicard/apdu/tlv"
)

// keyInformation is the name of the issuer domain's object E0.
const keyInformation = "key-information"

// KeyVersions are the versions of the key sets of the issuer domain, in the card's
// order and each once, from the key information template: E0 of C0 entries, each the
// key's identifier, its version, type and length (GlobalPlatform Card Specification
// 2.3.1, 11.3.3.1). It needs no key and is the truth about a change of keys that was
// interrupted.
func (s *Session) KeyVersions(ctx context.Context) ([]byte, error) {
	tag, ok := s.p.Object(keyInformation)
	if !ok {
		return nil, fmt.Errorf("cannot read key versions: profile %s has no object %s", s.p.ID, keyInformation)
	}
	b, err := s.Data(ctx, tag, keyInformation)
	if err != nil {
		return nil, err
	}
	return parseKeyVersions(b)
}

func parseKeyVersions(b []byte) (versions []byte, err error) {
	const tagTemplate, tagKey tlv.Tag = 0xE0, 0xC0
	inner, ok := tlv.Find(b, tagTemplate)
	if !ok {
		return nil, errors.New("cannot read key versions: the card gives no key information template")
	}
	for o, err := range tlv.All(inner) {
		if err != nil {
			return nil, fmt.Errorf("cannot read key versions: %w", err)
		}
		if o.Tag != tagKey || len(o.Value) < 2 {
			return nil, errors.New("cannot read key versions: an entry is no key information")
		}
		if v := o.Value[1]; !slices.Contains(versions, v) {
			versions = append(versions, v)
		}
	}
	if len(versions) == 0 {
		return nil, errors.New("cannot read key versions: the card lists no key")
	}
	return versions, nil
}

// OpenVersion is Open with the key set of that version, which is then also the one of
// every later Open.
func (s *Session) OpenVersion(ctx context.Context, app string, version byte, find scp03.KeyFinder) error {
	if err := s.openVersion(ctx, app, version, find); err != nil {
		return err
	}
	s.version = version
	return nil
}

// changedVersion is the version to use on a card whose keys were changed: the first
// that it lists but for the laboratory's, whose keys everybody knows. While a change is
// under way that is the old one.
func (s *Session) changedVersion(ctx context.Context) (version byte, ok bool) {
	versions, err := s.KeyVersions(ctx)
	if err != nil {
		return 0, false // the refusal that led here says more
	}
	i := slices.IndexFunc(versions, func(v byte) bool { return v != s.p.Domain.LabVersion && v != s.p.Domain.KeyVersion })
	if i < 0 {
		return 0, false
	}
	return versions[i], true
}

// PutKeys adds a key set through the domain's channel, wrapped elsewhere (PUT KEY,
// GlobalPlatform Card Specification 2.3.1, 11.8). It is never repeated: after a link
// that failed, KeyVersions tells.
func (s *Session) PutKeys(ctx context.Context, version byte, wrapped [3]scp03.WrappedKey) error {
	if err := s.inChannel(Domain); err != nil {
		return err
	}
	return s.channel.PutWrappedKeys(ctx, 0, version, wrapped)
}

// DeleteKeys removes a key set through the domain's channel (DELETE, GlobalPlatform
// Card Specification 2.3.1, 11.2).
func (s *Session) DeleteKeys(ctx context.Context, version byte) error {
	const tagKeyVersion tlv.Tag = 0xD2
	if err := s.inChannel(Domain); err != nil {
		return err
	}
	c := apdu.Command{CLA: 0x80, INS: apdu.INSDelete, Data: tlv.Append(nil, tagKeyVersion, []byte{version}), Ne: s.readChunk(false)}
	_, err := s.send(ctx, c, fmt.Sprintf("%s/keys %02X", Domain, version))
	return err
}
