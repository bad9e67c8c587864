package simulator

import (
	"jukicard/apdu"
	"jukicard/apdu/scp03"
)

// GlobalPlatform life-cycle states in which the card as a whole refuses
// (GPC_SPE_034 v2.3.1, 5.1.1; Table 11-6). The states before and after issue are
// the profile's.
const (
	lifeLocked     = 0x7F // CARD_LOCKED
	lifeTerminated = 0xFF // TERMINATED
)

// Classes of command (ISO/IEC 7816-4:2020, 5.4.1).
const (
	classISO = 0x00
	classOwn = 0x80 // GlobalPlatform's and the card's own
	classSM  = 0x08 // secure messaging, ISO, header not authenticated
	classSMH = 0x0C // secure messaging, ISO, header authenticated
)

// handler carries out one command: it appends response data to c.out and gives the
// status word. With an error status word the data is dropped.
type handler func(c *Card, cmd apdu.Command) apdu.SW

// iso holds the commands of CLA 00, own those of CLA 80.
var (
	iso = [256]handler{
		apdu.INSSelect:               (*Card).selectFile,
		apdu.INSReadBinary:           (*Card).readBinary,
		apdu.INSReadRecord:           (*Card).readRecord,
		apdu.INSUpdateBinary:         (*Card).updateBinary,
		apdu.INSUpdateRecord:         (*Card).updateRecord,
		apdu.INSVerify:               (*Card).verify,
		apdu.INSChangeReferenceData:  (*Card).changeReferenceData,
		apdu.INSResetRetryCounter:    (*Card).resetRetryCounter,
		apdu.INSGetChallenge:         (*Card).getChallenge,
		apdu.INSInternalAuthenticate: (*Card).internalAuthenticate,
		apdu.INSGenerateKeyPair:      (*Card).generateKeyPair,
		apdu.INSGetData:              (*Card).getData,
		apdu.INSPutData:              (*Card).putData,
		apdu.INSPutDataBERTLV:        (*Card).importKey,
		apdu.INSGetResponse:          (*Card).getResponse,
	}
	own = [256]handler{
		apdu.INSSecurityOperation:    (*Card).computeSignature,
		apdu.INSChangeKey:            (*Card).changeKey,
		insSetSessionKey:             (*Card).setSessionKey,
		apdu.INSGetData:              (*Card).getData,
		apdu.INSInitializeUpdate:     (*Card).initializeUpdate,
		apdu.INSExternalAuthenticate: (*Card).externalAuthenticate,
		apdu.INSPutKey:               (*Card).putKey,
		apdu.INSDelete:               (*Card).deleteKey,
		apdu.INSGetStatus:            (*Card).getStatus,
		apdu.INSSetStatus:            (*Card).setStatus,
	}
)

// Process carries out one command and gives the answer: response data and SW1 SW2,
// always at least two bytes, whatever command is. The answer is the card's until the
// next Process; command is the caller's again.
func (c *Card) Process(command []byte) []byte {
	c.out = c.out[:0]
	cmd, err := apdu.ParseCommand(command)
	if err != nil || cmd.Extended && !c.profile.Limits.Extended || len(cmd.Data) > c.profile.Limits.CommandData {
		return c.answer(0, apdu.SWWrongLength)
	}
	if len(c.pending) > 0 {
		// Some drivers repeat the class of the command before, secured or not.
		if cmd.INS == apdu.INSGetResponse {
			return c.answer(cmd.Ne, c.unlessRefused((*Card).getResponse, cmd))
		}
		c.dropPending() // ISO/IEC 7816-4:2020, 5.3.4: any other command gives it up
	}
	if (cmd.CLA == classISO || cmd.CLA == classOwn) && !c.channel.Open() {
		return c.answer(cmd.Ne, c.dispatch(cmd))
	}
	return c.answer(room(cmd), c.classify(cmd))
}

// room is how many bytes the answer may have at once: Ne, but under the channel's
// secure messaging what the command's form can carry. There Le counts plain bytes, and
// recorded cards answer a protected command without Le at once, MAC and all.
func room(cmd apdu.Command) int {
	switch {
	case !scp03.Secured(cmd.CLA):
		return cmd.Ne
	case cmd.Extended:
		return apdu.MaxExtendedNe
	}
	return apdu.MaxShortNe
}

// classify handles what is not a plain command on a card without a channel.
func (c *Card) classify(cmd apdu.Command) apdu.SW {
	switch {
	case cmd.CLA&0x70 != 0: // command chaining, further channels, what is reserved
		return apdu.SWClassNotSupported
	case cmd.CLA&0x03 != 0:
		return apdu.SWLogicalChannelNotSupported
	case scp03.Secured(cmd.CLA):
		return c.dispatchSecured(cmd)
	case c.channel.Open() && !plainInChannel(cmd):
		return apdu.SWSecurityStatus
	case cmd.CLA == classSM || cmd.CLA == classSMH:
		return c.dispatchText(cmd)
	case cmd.CLA == classISO || cmd.CLA == classOwn:
		return c.dispatch(cmd)
	}
	return apdu.SWClassNotSupported
}

// plainInChannel names the commands that need no secure messaging while a channel is
// open (docs/CARD-WRITING.md, "Keys and channel").
func plainInChannel(cmd apdu.Command) bool {
	return cmd.CLA == classISO && (cmd.INS == apdu.INSSelect || cmd.INS == apdu.INSGetResponse) ||
		cmd.CLA == classOwn && cmd.INS == apdu.INSInitializeUpdate
}

// dispatch carries out a command that is in the clear or has been unwrapped.
func (c *Card) dispatch(cmd apdu.Command) apdu.SW {
	return c.unlessRefused((*Card).carryOut, cmd)
}

func (c *Card) carryOut(cmd apdu.Command) apdu.SW {
	if c.channel.Pending() {
		c.channel.Reset() // EXTERNAL AUTHENTICATE must be next, and it comes secured
	}
	if c.life == lifeTerminated && cmd.INS != apdu.INSGetData && cmd.INS != apdu.INSSelect {
		return apdu.SWConditionsNotSatisfied
	}
	table := &iso
	if cmd.CLA == classOwn {
		if sw, ok := c.app.fixedAnswer(cmd); ok {
			return sw
		}
		table = &own
	}
	h := table[cmd.INS]
	if h == nil {
		return notHere(cmd.INS)
	}
	return h(c, cmd)
}

// notHere tells an instruction the card has in its other class from one it has not.
func notHere(ins byte) apdu.SW {
	if iso[ins] != nil || own[ins] != nil {
		return apdu.SWClassNotSupported
	}
	return apdu.SWInstructionNotSupported
}

// answer ends a command: data that does not fit Ne is kept for GET RESPONSE
// (ISO/IEC 7816-4:2020, 5.3.4).
func (c *Card) answer(ne int, sw apdu.SW) []byte {
	if isError(sw) {
		clear(c.out)
		c.out = c.out[:0]
	}
	if len(c.out) > ne {
		c.pending = append(c.pending[:0], c.out[ne:]...)
		c.pendingSW = sw
		c.out = c.out[:ne]
		sw = waiting(len(c.pending))
	}
	c.out = append(c.out, sw.SW1(), sw.SW2())
	return c.out
}

// isError says whether a status word is an error rather than success, a warning or
// the promise of more.
func isError(sw apdu.SW) bool {
	switch sw.SW1() {
	case 0x90, 0x61, 0x62, 0x63:
		return false
	}
	return true
}

// waiting is 61xx for n bytes.
func waiting(n int) apdu.SW { return apdu.SW(0x6100 | min(n, 256)&0xFF) }

// getResponse hands out what waits, at most Ne bytes of it.
func (c *Card) getResponse(cmd apdu.Command) apdu.SW {
	switch {
	case len(c.pending) == 0:
		return apdu.SWConditionsNotSatisfied
	case cmd.P1 != 0 || cmd.P2 != 0:
		return apdu.SWIncorrectP1P2
	case len(cmd.Data) > 0 || cmd.Ne == 0:
		return apdu.SWWrongLength
	}
	n := min(cmd.Ne, len(c.pending))
	c.out = append(c.out, c.pending[:n]...)
	c.pending = append(c.pending[:0], c.pending[n:]...)
	if len(c.pending) > 0 {
		return waiting(len(c.pending))
	}
	return c.pendingSW
}

func (c *Card) dropPending() {
	clear(c.pending[:cap(c.pending)])
	c.pending = c.pending[:0]
}
