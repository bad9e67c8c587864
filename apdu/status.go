package apdu

import "fmt"

// SW is a status word SW1 SW2 (ISO/IEC 7816-4:2020, 5.6). It is an error and the
// target of errors.Is: errors.Is(err, apdu.SWFileNotFound).
type SW uint16

// Status words this family of cards is known to give (JICSAP's list, facts of
// public clients), and those of GlobalPlatform's issuer domain.
const (
	SWOK                         SW = 0x9000
	SWCorrupted                  SW = 0x6281 // part of the returned data may be corrupted
	SWEndOfFile                  SW = 0x6282
	SWDeactivated                SW = 0x6283
	SWVerificationFailed         SW = 0x6300 // no counter told
	SWMemoryUnchanged            SW = 0x6400
	SWMemoryFailure              SW = 0x6581
	SWWrongLength                SW = 0x6700
	SWLogicalChannelNotSupported SW = 0x6881
	SWSecureMessagingUnsupported SW = 0x6882
	SWCommandIncompatible        SW = 0x6981
	SWSecurityStatus             SW = 0x6982
	SWAuthenticationBlocked      SW = 0x6983
	SWReferenceDataUnusable      SW = 0x6984 // on this card: IEF blocked (JICSAP)
	SWConditionsNotSatisfied     SW = 0x6985
	SWNoCurrentEF                SW = 0x6986
	SWSecureMessagingMissing     SW = 0x6987
	SWSecureMessagingIncorrect   SW = 0x6988
	SWVendorSecureMessaging      SW = 0x69FC // this card: secure messaging not possible here
	SWWrongData                  SW = 0x6A80
	SWFunctionNotSupported       SW = 0x6A81
	SWFileNotFound               SW = 0x6A82
	SWRecordNotFound             SW = 0x6A83
	SWNotEnoughMemory            SW = 0x6A84
	SWNcInconsistentTLV          SW = 0x6A85
	SWIncorrectP1P2              SW = 0x6A86
	SWNcInconsistentP1P2         SW = 0x6A87
	SWReferenceDataNotFound      SW = 0x6A88
	SWWrongP1P2                  SW = 0x6B00 // offset outside the EF
	SWInstructionNotSupported    SW = 0x6D00
	SWClassNotSupported          SW = 0x6E00
	SWUnknown                    SW = 0x6F00
)

var swText = map[SW]string{
	SWOK:                         "success",
	SWCorrupted:                  "part of the returned data may be corrupted",
	SWEndOfFile:                  "end of file before Le bytes",
	SWDeactivated:                "selected file deactivated",
	SWVerificationFailed:         "verification failed",
	SWMemoryUnchanged:            "execution error, memory unchanged",
	SWMemoryFailure:              "memory failure",
	SWWrongLength:                "wrong length",
	SWLogicalChannelNotSupported: "logical channel not supported",
	SWSecureMessagingUnsupported: "secure messaging not supported",
	SWCommandIncompatible:        "command incompatible with file structure",
	SWSecurityStatus:             "security status not satisfied",
	SWAuthenticationBlocked:      "authentication method blocked",
	SWReferenceDataUnusable:      "reference data blocked",
	SWConditionsNotSatisfied:     "conditions of use not satisfied",
	SWNoCurrentEF:                "no current EF",
	SWSecureMessagingMissing:     "secure messaging data objects missing",
	SWSecureMessagingIncorrect:   "secure messaging data objects incorrect",
	SWVendorSecureMessaging:      "secure messaging not possible here",
	SWWrongData:                  "incorrect parameters in the command data",
	SWFunctionNotSupported:       "function not supported",
	SWFileNotFound:               "file or application not found",
	SWRecordNotFound:             "record not found",
	SWNotEnoughMemory:            "not enough memory in the file",
	SWNcInconsistentTLV:          "Nc inconsistent with TLV structure",
	SWIncorrectP1P2:              "incorrect P1 P2",
	SWNcInconsistentP1P2:         "Nc inconsistent with P1 P2",
	SWReferenceDataNotFound:      "referenced data not found",
	SWWrongP1P2:                  "offset outside the file",
	SWInstructionNotSupported:    "instruction not supported",
	SWClassNotSupported:          "class not supported",
	SWUnknown:                    "no precise diagnosis",
}

// SW1 is the first byte.
func (s SW) SW1() byte { return byte(s >> 8) }

// SW2 is the second byte.
func (s SW) SW2() byte { return byte(s) }

// Retries is the number of tries left when s is 63Cx (ISO/IEC 7816-4:2020,
// Table 6); ok is false for any other status word.
func (s SW) Retries() (n int, ok bool) {
	if s&0xFFF0 != 0x63C0 {
		return 0, false
	}
	return int(s & 0x0F), true
}

// Text is the meaning in words.
func (s SW) Text() string {
	if n, ok := s.Retries(); ok {
		return fmt.Sprintf("verification failed, %d tries left", n)
	}
	if text, ok := swText[s]; ok {
		return text
	}
	switch s.SW1() {
	case 0x61:
		if s.SW2() == 0 {
			return "256 or more bytes of response wait"
		}
		return fmt.Sprintf("%d bytes of response wait", s.SW2())
	case 0x6C:
		return fmt.Sprintf("wrong Le, %d is right", shortNe(s.SW2()))
	}
	return "unknown status"
}

// Error is the four hex digits and the meaning: "6982 (security status not satisfied)".
func (s SW) Error() string { return fmt.Sprintf("%04X (%s)", uint16(s), s.Text()) }

// StatusError is a card's refusal: it answered, and the answer was no. It unwraps
// to the SW. It never holds command data.
type StatusError struct {
	Command Command // Data is nil
	File    string  // the profile's name of the file, "jpki/sign-cert"; may be empty
	SW      SW
}

// Error reads "UPDATE BINARY on jpki/sign-cert: 6982 (security status not satisfied)".
func (e *StatusError) Error() string {
	on := ""
	if e.File != "" {
		on = " on " + e.File
	}
	return fmt.Sprintf("%v%s: %v", Instruction(e.Command.INS), on, e.SW)
}

// Unwrap is the status word.
func (e *StatusError) Unwrap() error { return e.SW }
