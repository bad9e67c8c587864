package apdu

import "fmt"

// Instruction is an INS byte; its String is the name of the command.
type Instruction byte

// Instruction bytes of ISO/IEC 7816-4:2020 (Table 5), 7816-8, 7816-9, of
// GlobalPlatform Card Specification 2.3.1 (11.1.2) and of JICSAP 1.1 where they
// differ. C0 is GET RESPONSE only on T=0 and behind 61xx.
const (
	INSVerify               = 0x20
	INSManageSecurityEnv    = 0x22
	INSChangeReferenceData  = 0x24
	INSSecurityOperation    = 0x2A // PERFORM SECURITY OPERATION; on this card 80 2A signs
	INSResetRetryCounter    = 0x2C
	INSChangeKey            = 0x32 // JICSAP CHANGE KEY, CLA 80
	INSGenerateKeyPair      = 0x47 // GENERATE ASYMMETRIC KEY PAIR, ISO/IEC 7816-8
	INSInitializeUpdate     = 0x50 // GlobalPlatform, CLA 80
	INSExternalAuthenticate = 0x82
	INSGetChallenge         = 0x84
	INSInternalAuthenticate = 0x88
	INSSelect               = 0xA4
	INSReadBinary           = 0xB0
	INSReadRecord           = 0xB2
	INSGetResponse          = 0xC0
	INSGetData              = 0xCA
	INSUpdateBinary         = 0xD6
	INSPutKey               = 0xD8
	INSPutData              = 0xDA
	INSPutDataBERTLV        = 0xDB
	INSUpdateRecord         = 0xDC
	INSDelete               = 0xE4
	INSStoreData            = 0xE2
	INSInstall              = 0xE6
	INSSetStatus            = 0xF0
	INSGetStatus            = 0xF2
)

var instructionNames = map[Instruction]string{
	INSVerify:               "VERIFY",
	INSManageSecurityEnv:    "MANAGE SECURITY ENVIRONMENT",
	INSChangeReferenceData:  "CHANGE REFERENCE DATA",
	INSSecurityOperation:    "COMPUTE DIGITAL SIGNATURE",
	INSResetRetryCounter:    "RESET RETRY COUNTER",
	INSChangeKey:            "CHANGE KEY",
	INSGenerateKeyPair:      "GENERATE ASYMMETRIC KEY PAIR",
	INSInitializeUpdate:     "INITIALIZE UPDATE",
	INSExternalAuthenticate: "EXTERNAL AUTHENTICATE",
	INSGetChallenge:         "GET CHALLENGE",
	INSInternalAuthenticate: "INTERNAL AUTHENTICATE",
	INSSelect:               "SELECT",
	INSReadBinary:           "READ BINARY",
	INSReadRecord:           "READ RECORD",
	INSGetResponse:          "GET RESPONSE",
	INSGetData:              "GET DATA",
	INSUpdateBinary:         "UPDATE BINARY",
	INSPutKey:               "PUT KEY",
	INSPutData:              "PUT DATA",
	INSPutDataBERTLV:        "PUT DATA",
	INSUpdateRecord:         "UPDATE RECORD",
	INSDelete:               "DELETE",
	INSStoreData:            "STORE DATA",
	INSInstall:              "INSTALL",
	INSSetStatus:            "SET STATUS",
	INSGetStatus:            "GET STATUS",
}

// String is the command's name in the standards' own words, or "INS xx".
func (i Instruction) String() string {
	if name, ok := instructionNames[i]; ok {
		return name
	}
	return fmt.Sprintf("INS %02X", byte(i))
}
