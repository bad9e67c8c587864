// Package juki holds the rules of the resident register (住民基本台帳) that bind
// whoever issues a My Number card: numbers and their check digits, eras and
// birth dates, the PIN rules of the four classes, who may have which product,
// until when a card and its certificates are valid, and the reference numbers
// (照合番号) derived from the card face.
//
// # What it leaves out
//
// It decides nothing about a card, a file or a procedure, and it neither reads
// a clock nor does any I/O: every date comes in as an argument and is a civil
// day in Japan. What is not public stays out and is refused by name, for
// instance the expiry of a card whose holder's birthday is unknown. The 成年被後見人
// rule of the 署名用 certificate is decided at the window, not here.
//
// # Errors
//
// Bad input is an *InputError with a stable code, the field, the rule and the
// remedy, in English and in Japanese. Values (numbers, names, birthdays, PINs)
// never stand in an error.
//
// # Sources
//
// 平成26年総務省令85号 (My Number), 住民記録システム標準仕様書 ("register specification"
// below, with its clause), the JPKI certificate profile, JIS X 0303, and the notices of
// municipalities collected in the project's fact sheets. Where those are silent and
// a choice had to be made, the comment says "ours".
package juki
