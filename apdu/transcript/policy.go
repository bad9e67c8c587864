package transcript

import "jukicard/apdu"

// shown says what of a command's exchange a redacted transcript may show.
type shown struct{ command, answer bool }

// policy lists the instructions whose data is harmless; that of every other is secret.
// So VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER, PUT KEY, UPDATE and PUT DATA
// show no command data, READ BINARY, READ RECORD and GET RESPONSE no answer, and an
// unknown instruction neither. Command headers, Le, lengths and status words always
// show.
var policy = map[byte]shown{
	apdu.INSSelect:               {command: true, answer: true}, // names and file control information
	apdu.INSGetStatus:            {command: true, answer: true}, // applications and their states
	apdu.INSSetStatus:            {command: true, answer: true},
	apdu.INSManageSecurityEnv:    {command: true, answer: true},
	apdu.INSInitializeUpdate:     {command: true, answer: true}, // challenges and cryptograms
	apdu.INSExternalAuthenticate: {command: true, answer: true},
	apdu.INSGetChallenge:         {command: true, answer: true},
	apdu.INSReadBinary:           {command: true}, // an offset at most
	apdu.INSReadRecord:           {command: true},
	apdu.INSGetData:              {command: true}, // what it gives depends on the tag
	apdu.INSGenerateKeyPair:      {command: true}, // the public key is the holder's
	apdu.INSPutKey:               {answer: true},  // check values
}

// showable applies the policy to the classes 0x and 8x without secure messaging; of
// others nothing shows, for under a MAC alone the data is plain. EXTERNAL AUTHENTICATE
// of GlobalPlatform has the secure-messaging bit and holds a cryptogram.
func showable(c apdu.Command) shown {
	switch cla := c.CLA &^ 0x03; {
	case cla == 0x00, cla == 0x80, cla == 0x84 && c.INS == apdu.INSExternalAuthenticate:
		return policy[c.INS]
	}
	return shown{}
}

// redactCommand is the part of a command that may show, and what may show of the
// answer to it.
func redactCommand(b []byte) (Message, shown) {
	c, err := apdu.ParseCommand(b)
	if err != nil {
		return Message{Secret: len(b)}, shown{}
	}
	show := showable(c)
	if show.command || len(c.Data) == 0 {
		return Message{Head: b}, show
	}
	lc := 1
	if c.Extended {
		lc = 3
	}
	return Message{Head: b[:4], Secret: len(c.Data), Tail: b[4+lc+len(c.Data):]}, show
}

func redactAnswer(b []byte, show shown) Message {
	if show.answer || len(b) <= 2 {
		return Message{Head: b}
	}
	n := len(b) - 2
	return Message{Secret: n, Tail: b[n:]}
}
