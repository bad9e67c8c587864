package order

import "maps"

// text is what one code says; ja is rule and remedy in Japanese.
type text struct{ rule, remedy, ja string }

// catalogue holds every text by its code.
var catalogue = map[string]text{
	"ORDER-SIZE": {
		"it has at most {0} bytes",
		"leave out what does not belong to it; reduce the photograph",
		"大きさは{0}バイトまでです。不要なものを除き、写真を小さくしてください。"},
	"ORDER-JSON": {
		"it is one well-formed JSON value; this is broken at line {0}, column {1}",
		"correct the file at that place",
		"JSONとして正しくありません({0}行{1}文字目)。その箇所を直してください。"},
	"ORDER-CBOR": {
		"it is one well-formed CBOR item of definite length without tags, its map keys texts",
		"encode it again; JSON is accepted too",
		"CBORとして正しくないか、使えない形式です。符号化し直すか、JSONで送ってください。"},
	"ORDER-DEPTH": {
		"objects stand at most {0} deep in each other",
		"write the fields where the form has them",
		"入れ子は{0}段までです。様式のとおりに記載してください。"},
	"ORDER-FIELDS-MANY": {
		"it has at most {0} fields in all",
		"leave out what does not belong to it",
		"項目は全部で{0}個までです。不要な項目を除いてください。"},
	"ORDER-PROBLEMS-MANY": {
		"more than {0} things are wrong, and the rest is not listed",
		"correct those listed and check again",
		"誤りが{0}件を超えるため、残りは表示していません。表示分を直してから再度確認してください。"},

	"ORDER-FIELD-UNKNOWN": {
		"there is no such field",
		"remove it, or correct its spelling; there are {0}",
		"この項目はありません。取り除くか、綴りを直してください({0})。"},
	"ORDER-FIELD-OPERATION": {
		"the field belongs to an order of the other operation",
		"remove it, or correct operation: a new card (issue) and an entry on a card in use (endorse) are two orders",
		"もう一方の操作の項目です。取り除くか、操作を直してください。新しいカードの発行(issue)と使用中のカードへの追記(endorse)は別の申請です。"},
	"ORDER-FIELD-CASE": {
		"field names are written in lower case, exactly",
		"write {0}",
		"項目名は小文字で正確に書きます。{0}と書いてください。"},
	"ORDER-FIELD-DUPLICATE": {
		"each field is given once, also when spelt in other case",
		"remove all but one",
		"同じ項目が二度あります(大文字小文字の違いを含む)。一つだけ残してください。"},
	"ORDER-FIELD-MISSING": {
		"the field must be there",
		"add it",
		"必須の項目がありません。追加してください。"},
	"ORDER-FIELD-TYPE": {
		"it is {0}",
		"write it as {0}",
		"型が違います。{0}として記載してください。"},
	"ORDER-FIELD-LONG": {
		"it has at most {0} bytes",
		"shorten it; nothing is cut off silently",
		"{0}バイトまでです。短くしてください。自動では切り詰めません。"},

	"ORDER-VERSION": {
		"the version of the form is {0}",
		"write the order in that version",
		"様式の版は{0}です。その版で記載してください。"},
	"ORDER-ID": {
		"it has 1 to 64 of the characters A-Z a-z 0-9 . _ -, begins with a letter or digit and has no ten digits in a row, for it is shown in logs and must not hold a person's number",
		"give a reference such as LAB-2026-0001",
		"英数字と . _ - の1文字から64文字で、英数字で始め、数字は連続9桁までです(記録に残るため個人の番号は使えません)。LAB-2026-0001のように記載してください。"},
	"ORDER-OPERATION": {
		"it is issue or endorse",
		"write issue for a new card, endorse for an entry on a card in use",
		"操作はissueまたはendorseです。新しいカードはissue、使用中のカードへの追記はendorseと記載してください。"},
	"ORDER-PROFILE": {
		"it is one of {0}",
		"use one of these names",
		"カードの世代は{0}のいずれかです。確かめてください。"},
	"ORDER-NATIONALITY": {
		"it is japanese or foreign",
		"use one of these two words as the resident record has it",
		"japaneseまたはforeignです。住民票のとおり記載してください。"},
	"ORDER-ROMAJI": {
		"it is a romanised name of 2 to 64 Latin letters and hyphens that begins with a capital, such as Tokyo-to",
		"write the name as certificates have it",
		"ローマ字名は大文字で始まる2文字から64文字の英字とハイフンです。Tokyo-toのように記載してください。"},
	"ORDER-NAME-ROMAJI": {
		"a name in Latin letters has capitals A to Z, spaces, hyphens and apostrophes",
		"write the name in capitals, such as YAMADA TARO",
		"ローマ字氏名は半角の英大文字、空白、ハイフン、アポストロフィです。YAMADA TAROのように記載してください。"},
	"ORDER-NAME-KANA": {
		"a name in kana has full-width katakana and the full-width space",
		"write the name in full-width katakana, such as ヤマダ　タロウ",
		"氏名のフリガナは全角カタカナと全角空白です。ヤマダ　タロウのように記載してください。"},
	"ORDER-WINDOW": {
		"it has exactly 9 of the characters A-Z and 0-9",
		"enter the 受付窓口識別記号 of the window",
		"受付窓口識別記号は半角の英大文字と数字9文字です。確かめてください。"},
	"ORDER-NAME-SPACE": {
		"the parts of a Japanese name are separated by the ideographic space U+3000",
		"write the full-width space between family and given name",
		"氏と名の間は全角空白です。半角空白を全角空白に直してください。"},
	"ORDER-ADDRESS-HALFWIDTH": {
		"digits in an address are full-width, on the chip and in certificates",
		"write the digits full-width, such as １２－３",
		"住所の数字は全角です。１２－３のように全角で記載してください。"},
	"ORDER-TEXT-GLYPH": {
		"every character can be printed on the card face",
		"have the resident register give a character that can be printed, or load a font that has it",
		"券面に印字できない文字があります。住民記録で印字できる文字を確認するか、フォントを追加してください。"},

	"ORDER-PHOTO-NAME": {
		"it is the name of a file beside the order, with no way out of that folder",
		"put the photograph beside the order and give its name alone",
		"写真は申請ファイルと同じフォルダに置き、ファイル名だけを記載してください。"},
	"ORDER-PHOTO-FILE": {
		"the file can be read beside the order",
		"put the photograph there, or correct its name",
		"写真ファイルを読めません。申請ファイルと同じ場所に置くか、名前を直してください。"},
	"ORDER-PHOTO-INLINE": {
		"on the wire the photograph itself is sent",
		"send photo_data, the file in base64",
		"送信時は写真そのものが必要です。photo_dataに画像をbase64で入れてください。"},
	"ORDER-PHOTO-BASE64": {
		"it is base64 (RFC 4648, 4) with padding and without line breaks",
		"encode the file again",
		"base64として正しくありません。画像を符号化し直してください。"},
	"ORDER-PHOTO-LARGE": {
		"the photograph has at most {0} bytes",
		"reduce the photograph",
		"写真は{0}バイトまでです。小さくしてください。"},
	"ORDER-PHOTO-UNUSABLE": {
		"it is a photograph that can be used",
		"take it again and save it as JPEG",
		"使える写真ではありません。撮り直してJPEGで保存してください。"},

	"ORDER-CERTIFICATE-CHARACTER": {
		"a certificate has the characters of JIS X 0208 and JIS X 0212 only; character {1} of {0} is another, and the MJ shrink map gives none in its place",
		"ask the resident for its reading and record it here in kana: to, by, at",
		"{2}の{1}文字目は電子証明書に使えず(JIS X 0208とJIS X 0212の文字だけです)、MJ縮退マップにも代わる文字がありません。本人に読みを確認し、仮名をto、by、atに記録してください。"},
	"ORDER-SUBSTITUTE-CHOICE": {
		"a certificate has the characters of JIS X 0208 and JIS X 0212 only; character {1} of {0} is another, and the MJ shrink map gives several in its place",
		"choose one of those offered with the resident and record it here: to, by, at; `cardctl moji check` shows where each comes from",
		"{2}の{1}文字目は電子証明書に使えず(JIS X 0208とJIS X 0212の文字だけです)、代わる文字の候補が複数あります。本人と候補から一つ選び、to、by、atに記録してください。候補の根拠は cardctl moji check で確かめられます。"},
	"ORDER-CHOICE-CANDIDATE": {
		"what stands for a character with candidates is one of them",
		"choose one of those offered; what the resident wishes otherwise is written out in substitutes with its flags",
		"候補のある文字の代替文字は、候補のいずれかです。候補から選んでください。本人がほかの文字を希望する場合は、代替文字の全文と位置を記載してください。"},
	"ORDER-CHOICE-KANA": {
		"what stands for a kanji without candidates is its reading, 1 to {0} full-width kana",
		"write the reading in full-width hiragana or katakana",
		"候補のない漢字の代わりは読みの仮名で、全角1文字から{0}文字です。全角の仮名で記載してください。"},
	"ORDER-CHOICE-TEXT": {
		"what stands for a sign without candidates is 1 to {0} characters of JIS X 0208 and JIS X 0212",
		"write it in such characters",
		"候補のない記号などの代わりはJIS X 0208とJIS X 0212の1文字から{0}文字です。その文字で記載してください。"},
	"ORDER-CHOICE-NEEDLESS": {
		"every character here has exactly one form in a certificate, so nothing is chosen",
		"remove it; what the resident wishes otherwise is written out in substitutes with its flags",
		"ここには選ぶべき文字がありません。取り除いてください。本人がほかの文字を希望する場合は、代替文字の全文と位置を記載してください。"},
	"ORDER-CHOICE-TWICE": {
		"a substitute text is whole, so nothing in it is chosen as well",
		"give either {0} with its flags or choices",
		"代替文字の全文がある場合、文字ごとの選択は記載できません。{0}と位置、または選択のどちらかだけを記載してください。"},
	"ORDER-CHOICE-BY": {
		"it is who chose, 1 to 64 bytes of printable text without ten digits in a row",
		"give the operator's name or number",
		"選んだ人です。印字できる文字で64バイトまで、数字は連続9桁までです。担当者の氏名または番号を記載してください。"},
	"ORDER-CHOICE-AT": {
		"it is when it was chosen, to the second with its offset (RFC 3339), and not before the day of application",
		"write it such as 2026-11-20T10:30:00+09:00",
		"選んだ日時です。時差付きで秒まで、申請受付日以後とします。2026-11-20T10:30:00+09:00のように記載してください。"},
	"ORDER-SUBSTITUTE-PAIR": {
		"a substitute text and its flags come together",
		"give {0} too",
		"代替文字と代替文字位置は組で必要です。{0}も記載してください。"},
	"ORDER-SUBSTITUTE-CHARACTER": {
		"a certificate has the characters of JIS X 0208 and JIS X 0212 only; character {0} is another",
		"choose another substitute for it",
		"電子証明書に使えるのはJIS X 0208とJIS X 0212の文字だけです({0}文字目)。別の代替文字を選んでください。"},
	"ORDER-FLAGS-CHARACTERS": {
		"flags are the digits 0 (as it is) and 1 (substitute)",
		"write one 0 or 1 for each character",
		"代替文字位置は0と1だけです。1文字ごとに0または1を記載してください。"},
	"ORDER-FLAGS-LENGTH": {
		"there is one flag for each character of the substitute text, which has {0}",
		"write {0} flags; the space between names counts",
		"代替文字位置は1文字につき1桁で、{0}桁必要です。氏名の間の空白も数えます。"},
	"ORDER-SUBSTITUTE-MISMATCH": {
		"a character flagged 0 is the resident record's own, one flagged 1 differs from it",
		"compare the substitute text with the resident record, character by character",
		"0の文字は住民票と同じ、1の文字は異なる文字です。住民票と1文字ずつ照らし合わせてください。"},
}

// endorsementTexts are those of orders to endorse.
var endorsementTexts = map[string]text{
	"ORDER-CARD": {
		"the card's number is 16 of the characters 0-9 and A-F, as printed on it",
		"copy the number from the card, or read it with: cardctl card show",
		"カードの番号は0-9とA-Fの16文字です。券面の番号を写すか、cardctl card show で読み取ってください。"},
	"ORDER-ENTRY-ONE": {
		"an order to endorse has either an entry to be printed or one that was written by hand",
		"give entry or by_hand, and not both",
		"追記の申請には、印字する追記か手書きの追記のどちらか一方だけを記載します。entryまたはby_handのどちらかを記載してください。"},
	"ORDER-ENTRY-DATE": {
		"the day of notification (届出日) is one on which there were such cards, from 2016-01-01 on",
		"give the day on which the resident notified the change, such as 2026-11-23",
		"届出日はカードの交付が始まった2016-01-01以後の日です。届出のあった日を2026-11-23のように記載してください。"},
	"ORDER-LINES": {
		"it is a number of lines of 追記欄, 1 to {0}",
		"count the lines that the entry takes on the card",
		"追記欄の行数で、1から{0}です。券面の行数を数えて記載してください。"},
	"ORDER-LAYOUT": {
		"it is the name of a layout: 1 to 64 of the characters a-z 0-9 and -",
		"write the layout that the card was printed with, such as mynumber-1",
		"レイアウト名は英小文字、数字、ハイフンの1文字から64文字です。カードを印刷したレイアウトをmynumber-1のように記載してください。"},
	"ORDER-LAYOUT-VERSION": {
		"it is the version of a layout, 1 to {0}",
		"write the version of the layout that the card was printed with",
		"レイアウトの版は1から{0}です。カードを印刷したレイアウトの版を記載してください。"},
	"ORDER-PANEL-PLACES": {
		"the entries on the card are numbered from 1 without a gap",
		"number them in the order in which they stand on the card: 1, 2, 3",
		"券面の追記には、並び順に1から欠番なく番号を付けます。1、2、3のように記載してください。"},
}

func init() { maps.Copy(catalogue, endorsementTexts) }

// fieldJapanese are the words of the form for the fields of an order and of PINs.
var fieldJapanese = map[string]string{
	"order": "申請", "pins": "暗証番号",
	"version": "様式の版", "id": "申請の整理番号", "operation": "操作", "profile": "カードの世代", "product": "カードの種別",
	"applied_on": "申請受付日", "issued_on": "発行日", "renews_card_expiring_on": "更新前のカードの有効期間満了日",
	"resident": "住民", "resident.name": "氏名", "resident.former_name": "旧氏", "resident.common_name": "通称", "resident.name_romaji": "氏名(ローマ字)", "resident.name_kana": "氏名(フリガナ)",
	"resident.address": "住所", "resident.birth": "生年月日", "resident.sex": "性別", "resident.my_number": "個人番号",
	"resident.resident_code": "住民票コード", "resident.nationality": "国籍の別", "resident.stay_until": "在留期間満了日",
	"municipality": "市区町村", "municipality.code": "市区町村コード", "municipality.name": "市区町村名",
	"municipality.mayor": "市区町村長", "municipality.prefecture_romaji": "都道府県名(ローマ字)",
	"municipality.city_romaji": "市区町村名(ローマ字)", "municipality.window": "受付窓口識別記号",
	"certificates": "電子証明書", "certificates.signature": "署名用電子証明書", "certificates.authentication": "利用者証明用電子証明書",
	"security_code": "セキュリティコード", "photo": "顔写真", "photo_data": "顔写真",
	"substitutes": "代替文字", "substitutes.name": "氏名の代替文字", "substitutes.name_flags": "氏名の代替文字位置",
	"substitutes.address": "住所の代替文字", "substitutes.address_flags": "住所の代替文字位置",
	"substitutes.name_choices": "氏名の代替文字の選択", "substitutes.address_choices": "住所の代替文字の選択",
	"card": "カードの番号", "entry": "追記", "entry.date": "届出日", "entry.reason": "異動事由", "entry.content": "異動後の内容", "entry.seal": "職印の文字",
	"by_hand": "手書きの追記", "by_hand.lines": "手書きの追記の行数", "panel": "追記欄", "panel.layout": "券面レイアウト", "panel.version": "券面レイアウトの版",
	"panel.entries":  "券面にある追記",
	"pins.signature": "署名用電子証明書暗証番号", "pins.authentication": "利用者証明用電子証明書暗証番号",
	"pins.resident": "住民基本台帳用暗証番号", "pins.text": "券面事項入力補助用暗証番号",
}

// inJapanese is the word of the form for a field, the field itself where there is none.
func inJapanese(field string) string {
	if ja, ok := fieldJapanese[field]; ok {
		return ja
	}
	return field
}
