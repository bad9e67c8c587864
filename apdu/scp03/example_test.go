package scp03_test

import (
	"context"
	"fmt"

	"jukicard/apdu"
	"jukicard/apdu/scp03"
)

// A card in a few lines, and a session on it.
func ExampleOpen() {
	var card scp03.CardSession
	params := scp03.CardParams{
		Info: scp03.Info{KeyVersion: 0x01, Options: scp03.OptionPseudoRandom | scp03.OptionRMAC | scp03.OptionRENC},
		Keys: scp03.TestKeys(),
	}
	chip := apdu.TransportFunc(func(ctx context.Context, b []byte) ([]byte, error) {
		c, err := apdu.ParseCommand(b)
		if err != nil {
			return nil, err
		}
		switch c.INS {
		case apdu.INSInitializeUpdate:
			r, err := card.InitializeUpdate(ctx, params, c)
			return r.Append(nil), err
		case apdu.INSExternalAuthenticate:
			return apdu.Response{SW: card.ExternalAuthenticate(c)}.Append(nil), nil
		}
		plain, sw := card.Unwrap(c)
		fmt.Println("on the wire:", c)
		fmt.Println("on the card:", plain)
		return card.Wrap(nil, apdu.Response{SW: sw}), nil
	})

	ctx := context.Background()
	s, err := scp03.Open(ctx, chip, scp03.Config{Find: scp03.Fixed(scp03.TestKeys()), Level: scp03.LevelFull})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	r, err := apdu.Send(ctx, s, apdu.Command{INS: apdu.INSUpdateBinary, Data: make([]byte, s.Payload(apdu.MaxShortData))})
	fmt.Println(r, err)
	// Output:
	// on the wire: UPDATE BINARY 04D60000 Lc=248 Ne=0
	// on the card: UPDATE BINARY 00D60000 Lc=239 Ne=0
	// 0 bytes 9000 (success) <nil>
}
