package juki

// text is what one code says. ja is a whole sentence or two: rule, then remedy.
type text struct{ rule, remedy, ja string }

// fieldNames are the Japanese words for the fields this package names itself
// and for those an order commonly carries.
var fieldNames = map[string]string{
	"my_number":                  "個人番号",
	"resident_code":              "住民票コード",
	"addressee_number":           "宛名番号",
	"application_id":             "申請書ID",
	"security_code":              "セキュリティコード",
	"municipality_code":          "市区町村コード",
	"date":                       "日付",
	"birth":                      "生年月日",
	"wareki":                     "和暦の年月日",
	"applied":                    "申請受付日",
	"issued":                     "発行日",
	"expiry_year":                "有効期限の年",
	"card_expiry":                "カードの有効期間満了日",
	"authentication_expiry":      "利用者証明用電子証明書の有効期間満了日",
	"renewal":                    "更新前の有効期間満了日",
	"stay_until":                 "在留期間満了日",
	"product":                    "カードの種別",
	"purpose":                    "電子証明書の種別",
	"signature_certificate":      "署名用電子証明書",
	"authentication_certificate": "利用者証明用電子証明書",
	"photo":                      "顔写真",
	"sex":                        "性別",
	"name":                       "氏名",
	"address":                    "住所",
	"pin":                        "暗証番号の種類",
	"pins":                       "暗証番号",
	"pin.signature":              "署名用電子証明書暗証番号",
	"pin.authentication":         "利用者証明用電子証明書暗証番号",
	"pin.resident":               "住民基本台帳用暗証番号",
	"pin.text":                   "券面事項入力補助用暗証番号",
	"pins.signature":             "署名用電子証明書暗証番号",
	"pins.authentication":        "利用者証明用電子証明書暗証番号",
	"pins.resident":              "住民基本台帳用暗証番号",
	"pins.text":                  "券面事項入力補助用暗証番号",
}

// catalogue holds every text by its code. A test holds it against the code that
// uses it: no code without a text, no text without a use.
var catalogue = map[string]text{
	"JUKI-MYNUMBER-LENGTH": {
		"a My Number (個人番号) has exactly 12 digits",
		"enter all 12 digits without spaces or hyphens",
		"個人番号は12桁です。空白やハイフンを入れず、12桁すべてを入力してください。"},
	"JUKI-MYNUMBER-DIGITS": {
		"a My Number (個人番号) consists of the half-width digits 0 to 9",
		"switch the keyboard to half-width and enter digits only",
		"個人番号に使えるのは半角数字だけです。半角に切り替えて数字だけを入力してください。"},
	"JUKI-MYNUMBER-CHECKDIGIT": {
		"the last digit does not fit the eleven before it",
		"compare every digit with the resident record and enter the number again",
		"検査用数字が一致しません。住民票と1桁ずつ照らし合わせて入力し直してください。"},
	"JUKI-RESIDENTCODE-LENGTH": {
		"a resident record code (住民票コード) has exactly 11 digits",
		"enter all 11 digits without spaces or hyphens",
		"住民票コードは11桁です。空白やハイフンを入れず、11桁すべてを入力してください。"},
	"JUKI-RESIDENTCODE-DIGITS": {
		"a resident record code (住民票コード) consists of the half-width digits 0 to 9",
		"switch the keyboard to half-width and enter digits only",
		"住民票コードに使えるのは半角数字だけです。半角に切り替えて数字だけを入力してください。"},
	"JUKI-RESIDENTCODE-CHECKDIGIT": {
		"the last digit does not fit the ten before it",
		"compare every digit with the resident record and enter the code again",
		"検査用数字が一致しません。住民票と1桁ずつ照らし合わせて入力し直してください。"},
	"JUKI-ADDRESSEE-DIGITS": {
		"an addressee number (宛名番号) without its check digit is 1 to 31 half-width digits",
		"enter the serial number in digits only",
		"宛名番号の連番部分は半角数字1桁から31桁です。数字だけを入力してください。"},
	"JUKI-ADDRESSEE-NODIGIT": {
		"the remainder is 1, for which the register specification names no check digit",
		"leave this serial number out and take the next",
		"余りが1となり、標準仕様書に検査付番の定めがありません。この連番を飛ばして次の番号を使ってください。"},
	"JUKI-APPLICATIONID-FORMAT": {
		"an application ID (申請書ID) is exactly 23 half-width digits",
		"read the QR code of the application form again or copy all 23 digits",
		"申請書IDは半角数字23桁です。申請書のQRコードを読み直すか、23桁すべてを入力してください。"},
	"JUKI-SECURITYCODE-FORMAT": {
		"a security code is exactly 4 half-width digits",
		"enter the 4 digits printed on the card face",
		"セキュリティコードは半角数字4桁です。カード表面の4桁を入力してください。"},
	"JUKI-MUNICIPALITY-FORMAT": {
		"a municipality code is 5 half-width digits, the first two a prefecture from 01 to 47",
		"enter the code of JIS X 0401 and JIS X 0402 without the sixth (check) digit",
		"市区町村コードは半角数字5桁で、先頭2桁は01から47です。6桁目の検査数字を除いた5桁を入力してください。"},

	"JUKI-DATE-FORMAT": {
		"a date has the form YYYY-MM-DD in half-width digits",
		"enter four digits of the year, two of the month and two of the day, such as 2026-04-01",
		"日付は半角数字のYYYY-MM-DDの形です。2026-04-01のように入力してください。"},
	"JUKI-DATE-IMPOSSIBLE": {
		"the calendar has no such day",
		"check month and day and enter a day that exists",
		"暦にない日付です。月と日を確かめ、暦にある日付を入力してください。"},
	"JUKI-BIRTH-IMPOSSIBLE": {
		"a birth date is a calendar day, 29 February of any year, or a date whose unknown parts are 00",
		"check the resident record; enter 00 for an unknown day, month and day, or whole date",
		"生年月日は暦上の日、2月29日、または不詳部分を00とした日付です。住民票を確かめ、不詳の月日は00と入力してください。"},
	"JUKI-BIRTH-UNKNOWN": {
		"the rule for a birth date whose month or day is unknown (不詳) is not public",
		"have the date decided by the register's administrator and enter the decided day",
		"月日が不詳の場合の取扱いは公表されていません。住民記録の管理者に日付の決定を求め、その日を入力してください。"},
	"JUKI-BIRTH-FUTURE": {
		"nobody is born after the day of the application",
		"check the birth date and the day the application was accepted",
		"生年月日が申請受付日より後です。生年月日と申請受付日を確かめてください。"},
	"JUKI-WAREKI-FORMAT": {
		"a Japanese date is an era name, a year (or 元) and month and day, such as 昭和55年2月17日",
		"enter era, year, month and day in that order",
		"和暦は「昭和55年2月17日」の形です。元号、年(または元)、月、日の順に入力してください。"},
	"JUKI-WAREKI-RANGE": {
		"the era has no such day",
		"check the era and its year against the resident record",
		"その元号にない年月日です。住民票で元号と年を確かめてください。"},
	"JUKI-ERA-BEFORE": {
		"days before 1873-01-01 (明治6年) belong to the old lunisolar calendar",
		"enter a day from 1873-01-01 on",
		"1873年1月1日(明治6年)より前は旧暦です。それ以後の日付を入力してください。"},
	"JUKI-ERA-AMBIGUOUS": {
		"the known part of the date lies in two eras",
		"enter the date in the Japanese calendar with the era of the resident record",
		"不詳部分のため元号が定まりません。住民票の元号を付けて和暦で入力してください。"},
	"JUKI-ERA-YEAR": {
		"the year of the era needs more than two digits",
		"check the date; an era of 100 years or more needs a new rule",
		"元号の年が2桁を超えます。日付を確かめてください。"},
	"JUKI-SEX-UNKNOWN": {
		"sex is one of male, female, not-applicable, unknown (JIS X 0303)",
		"enter one of these words as the resident record has it",
		"性別は男、女、適用不能、不明のいずれかです。住民票のとおり入力してください。"},

	"JUKI-PIN-CLASS": {
		"a PIN class is one of signature, authentication, resident, text",
		"use one of these four names",
		"暗証番号の種類はsignature、authentication、resident、textのいずれかです。種類を確かめてください。"},
	"JUKI-PIN-SIGNATURE-LENGTH": {
		"the signature PIN (署名用) has 6 to 16 characters",
		"choose 6 to 16 upper-case letters and digits",
		"署名用は6文字以上16文字以下です。英大文字と数字を組み合わせて決めてください。"},
	"JUKI-PIN-SIGNATURE-LOWERCASE": {
		"the signature PIN (署名用) has upper-case letters only",
		"enter the letters in upper case",
		"署名用の英字は大文字だけです。大文字で入力してください。"},
	"JUKI-PIN-SIGNATURE-CHARACTERS": {
		"the signature PIN (署名用) consists of the half-width characters A to Z and 0 to 9",
		"leave out spaces, signs and full-width characters",
		"署名用に使えるのは半角の英大文字と数字だけです。空白、記号、全角文字を除いてください。"},
	"JUKI-PIN-SIGNATURE-LETTER": {
		"the signature PIN (署名用) needs at least one letter",
		"add a letter from A to Z",
		"署名用には英字が1文字以上必要です。英大文字を加えてください。"},
	"JUKI-PIN-SIGNATURE-DIGIT": {
		"the signature PIN (署名用) needs at least one digit",
		"add a digit from 0 to 9",
		"署名用には数字が1文字以上必要です。数字を加えてください。"},
	"JUKI-PIN-NUMERIC-LENGTH": {
		"this PIN has exactly 4 digits",
		"choose 4 digits",
		"この暗証番号は4桁です。数字4桁で決めてください。"},
	"JUKI-PIN-NUMERIC-CHARACTERS": {
		"this PIN consists of the half-width digits 0 to 9",
		"choose 4 half-width digits",
		"この暗証番号に使えるのは半角数字だけです。半角数字4桁で入力してください。"},
	"JUKI-PIN-MISSING": {
		"this card needs a PIN of this class",
		"let the holder set it",
		"このカードにはこの暗証番号が必要です。本人に設定してもらってください。"},
	"JUKI-PIN-FORBIDDEN": {
		"this card has no PIN of this class",
		"leave it out, or order the certificate or product it belongs to",
		"このカードにこの暗証番号はありません。取り除くか、対応する電子証明書またはカードの種別を申請してください。"},
	"JUKI-PIN-DUPLICATE": {
		"each PIN class is given once",
		"remove the second entry",
		"同じ種類の暗証番号が二度指定されています。一方を取り除いてください。"},

	"JUKI-PRODUCT-UNKNOWN": {
		"a product is one of standard, under15, infant, face-auth",
		"use one of these four names",
		"カードの種別はstandard、under15、infant、face-authのいずれかです。種別を確かめてください。"},
	"JUKI-PRODUCT-AGE-STANDARD": {
		"the holder is 15 or older on the day of issue",
		"order product standard (or face-auth)",
		"発行日に15歳以上です。種別standard(またはface-auth)で申請してください。"},
	"JUKI-PRODUCT-AGE-UNDER15": {
		"the holder is under 15 on the day of issue and not an applicant under 1",
		"order product under15 (or face-auth)",
		"発行日に15歳未満で、1歳未満の申請ではありません。種別under15(またはface-auth)で申請してください。"},
	"JUKI-PRODUCT-AGE-INFANT": {
		"an applicant under 1 gets the card without a photograph",
		"order product infant",
		"申請受付日に1歳未満の場合は顔写真のないカードです。種別infantで申請してください。"},
	"JUKI-PRODUCT-FACE-INFANT": {
		"a card without a photograph cannot be a face-authentication card (顔認証)",
		"order product infant",
		"顔写真のないカードは顔認証マイナンバーカードにできません。種別infantで申請してください。"},
	"JUKI-SIGNATURE-UNDER15": {
		"no signature certificate (署名用) is issued to a holder under 15 on the day of issue",
		"order the card without the signature certificate",
		"発行日に15歳未満の方に署名用電子証明書は発行しません。署名用を外して申請してください。"},
	"JUKI-SIGNATURE-INFANT": {
		"a card applied for under the age of 1 carries no signature certificate (署名用)",
		"order the card without the signature certificate",
		"1歳未満で申請するカードに署名用電子証明書は発行しません。署名用を外して申請してください。"},
	"JUKI-SIGNATURE-FACE": {
		"a face-authentication card (顔認証) carries no signature certificate (署名用)",
		"order the card without the signature certificate, or order product standard",
		"顔認証マイナンバーカードに署名用電子証明書は搭載しません。署名用を外すか、種別standardで申請してください。"},
	"JUKI-PHOTO-MISSING": {
		"this product carries a photograph",
		"add a photograph taken within six months",
		"このカードには顔写真が必要です。6か月以内に撮影した写真を添えてください。"},
	"JUKI-PHOTO-FORBIDDEN": {
		"an infant's card carries no photograph",
		"remove the photograph",
		"1歳未満で申請するカードに顔写真は載せません。写真を取り除いてください。"},

	"JUKI-ISSUED-BEFORE-APPLIED": {
		"a card is issued on or after the day its application was accepted",
		"check both dates",
		"発行日が申請受付日より前です。両方の日付を確かめてください。"},
	"JUKI-STAY-JAPANESE": {
		"only a foreign resident has a period of stay",
		"remove the end of stay, or mark the holder as foreign",
		"在留期間があるのは外国人住民だけです。在留期間満了日を取り除くか、外国人住民として申請してください。"},
	"JUKI-STAY-ENDED": {
		"the period of stay ends before the day of issue",
		"enter the end of the extended period of stay",
		"在留期間が発行日より前に満了しています。更新後の在留期間満了日を入力してください。"},
	"JUKI-RENEWAL-EARLY": {
		"renewal is possible only once less than three months of validity remain",
		"apply again inside the last three months, or order a reissue (再交付)",
		"更新は有効期間が3か月未満になってからです。期間内に申請し直すか、再交付として申請してください。"},
	"JUKI-RENEWAL-LATE": {
		"what has expired is not renewed",
		"order a new issue",
		"有効期間が満了したものは更新できません。新規の発行として申請してください。"},
	"JUKI-CARD-EXPIRED": {
		"a certificate is issued only while the card is valid",
		"renew the card first",
		"カードの有効期間が満了しています。先にカードを更新してください。"},
	"JUKI-AUTHENTICATION-EXPIRED": {
		"a signature certificate ends no later than the authentication certificate, which has expired",
		"renew the authentication certificate first",
		"利用者証明用電子証明書が満了しています。先に利用者証明用を更新してください。"},
	"JUKI-PURPOSE-UNKNOWN": {
		"the purpose of a certificate is signature or authentication",
		"use one of these two names",
		"電子証明書の種別はsignatureまたはauthenticationです。種別を確かめてください。"},
	"JUKI-EXPIRYYEAR-FORMAT": {
		"the year of expiry has four digits and is 2016 or later",
		"enter the year printed on the card face, such as 2035",
		"有効期限の年は2016年以後の西暦4桁です。カード表面の年を入力してください。"},

	"JUKI-TEXT-EMPTY": {
		"the text is empty or holds only spaces",
		"enter at least one character",
		"何も入力されていないか、空白だけです。1文字以上入力してください。"},
	"JUKI-TEXT-ENCODING": {
		"the text is not valid UTF-8, or a character was lost in conversion (U+FFFD)",
		"send the text again as UTF-8 from its source",
		"UTF-8として正しくないか、変換で失われた文字があります。元のデータからUTF-8で送り直してください。"},
	"JUKI-TEXT-UNPRINTABLE": {
		"the text has a control, invisible, private-use or unassigned character",
		"remove line breaks, tabs and invisible characters; enter a 外字 as its registered character",
		"制御文字、不可視文字、外字領域または未定義の文字があります。改行やタブを除き、外字は登録された文字で入力してください。"},
	"JUKI-TEXT-NOBASE": {
		"the text begins with a combining character or variation selector that has nothing to act on",
		"enter the base character first",
		"先頭が結合文字または異体字セレクタです。基底となる文字から入力してください。"},
	"JUKI-TEXT-LONG": {
		"the text has more than {n} characters",
		"shorten it to {n} characters as the register's overflow rule allows; nothing is cut off silently",
		"{n}文字を超えています。住民記録の文字溢れの取扱いに従い、{n}文字以内にしてください。自動では切り詰めません。"},
}
