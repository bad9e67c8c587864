// Package failure is the list of what can go wrong where an operator sees it:
// each with a stable code, a cause and a remedy, in English and Japanese.
// docs/FAILURES.md is the same list for people, and a test keeps the two alike.
package failure

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Code is stable: scripts and manuals may rely on it.
type Code string

// What happens between reader, card and station.
const (
	ReaderNone      Code = "READER-NONE"
	ReaderUnknown   Code = "READER-UNKNOWN"
	ReaderNoCard    Code = "READER-NO-CARD"
	ReaderTwoCards  Code = "READER-TWO-CARDS"
	ReaderBusy      Code = "READER-BUSY"
	ReaderService   Code = "READER-SERVICE"
	ReaderMute      Code = "READER-MUTE"
	ReaderRemoved   Code = "READER-CARD-REMOVED"
	ReaderLink      Code = "READER-LINK"
	CardNotMyNumber Code = "CARD-NOT-MYNUMBER"
	CardGeneration  Code = "CARD-OTHER-GENERATION"
	CardOther       Code = "CARD-ANOTHER"
	CardIssued      Code = "CARD-ISSUED"
	CardHalfMade    Code = "CARD-HALF-MADE"
	CardLifeCycle   Code = "CARD-LIFECYCLE"
	CardNoState     Code = "CARD-UNKNOWN-STATE"
	CardKeys        Code = "CARD-KEYS"
	CardRefused     Code = "CARD-REFUSED"
	CardDiffers     Code = "CARD-DIFFERS"
	CardKey         Code = "CARD-BAD-KEY"
	CardHolderKeys  Code = "CARD-KEY-PROOF"
	CardMemory      Code = "CARD-MEMORY"
	CardAside       Code = "CARD-PUT-ASIDE"
	CardQuarantined Code = "CARD-QUARANTINED"
	CardInWork      Code = "CARD-IN-WORK"
	StationPIN      Code = "STATION-PIN-NEEDED"
	StationBusy     Code = "STATION-BUSY"
	StationContent  Code = "STATION-CONTENT"
	StationJournal  Code = "STATION-JOURNAL"
	StationJobLive  Code = "STATION-JOB-LIVE"
	StationJobLong  Code = "STATION-JOB-LONG"
	StationStopped  Code = "STATION-STOPPED"
	StationDecision Code = "STATION-DECISION"

	StationOrderDone    Code = "STATION-ORDER-DONE"
	StationOrderChanged Code = "STATION-ORDER-CHANGED"
	StationAbandoned    Code = "STATION-JOB-ABANDONED"
	QuarantineNone      Code = "QUARANTINE-NO-CARD"
	QuarantinePerson    Code = "QUARANTINE-SAME-PERSON"
	QuarantineClosed    Code = "QUARANTINE-CLOSED"

	StationVaultKey   Code = "STATION-VAULT-KEY"
	StationReceiptKey Code = "STATION-RECEIPT-KEY"
	StationDamaged    Code = "STATION-JOURNAL-DAMAGED"
	PKIStore          Code = "PKI-AUTHORITY-STORE"

	PKIAuthority     Code = "PKI-AUTHORITY"
	PKIDoubt         Code = "PKI-AUTHORITY-DOUBT"
	PKINoStatus      Code = "PKI-AUTHORITY-ELSEWHERE"
	PKINoDoubt       Code = "PKI-AUTHORITY-NO-DOUBT"
	PKINoCertificate Code = "PKI-NO-CERTIFICATE"
	PKICertificate   Code = "PKI-CERTIFICATE"
	KeysAbsent       Code = "PKI-KEYS-ABSENT"
	KeysUnlock       Code = "PKI-KEYS-UNLOCK"
	KeysLocked       Code = "PKI-KEYS-LOCKED"
	KeysFull         Code = "PKI-KEYS-FULL"
	KeysGone         Code = "PKI-KEYS-GONE"
	KeysUnable       Code = "PKI-KEYS-UNABLE"
	KeysDamaged      Code = "PKI-KEYS-DAMAGED"
	KeysNone         Code = "PKI-KEYS-NONE"
	KeysTaken        Code = "PKI-KEYS-TAKEN"
	KeysCheck        Code = "PKI-KEYS-CHECK-VALUE"
	KeysPerson       Code = "PKI-KEYS-SAME-PERSON"
	KeysRotation     Code = "PKI-KEYS-ROTATION"
	PrintFailed      Code = "PRINT-FAILED"
	PrintDoubt       Code = "PRINT-DOUBT"
	PrintSpoilt      Code = "PRINT-SPOILT"
	PrinterFault     Code = "PRINTER-FAULT"
	PrinterJam       Code = "PRINTER-JAM"
	PrinterLink      Code = "PRINTER-LINK"
	PrinterCardOut   Code = "PRINTER-CARD-OUT"
	PrinterUnknown   Code = "PRINTER-UNKNOWN"
	FaceGlyph        Code = "FACE-GLYPH"
	FaceOverflow     Code = "FACE-OVERFLOW"
	FacePhoto        Code = "FACE-PHOTO"
	CardNotOrdered   Code = "CARD-NOT-ORDERED"
	CardNotInUse     Code = "CARD-NOT-IN-USE"
	EntrySpoilt      Code = "ENTRY-SPOILT"
	EntryAbandoned   Code = "ENTRY-ABANDONED"
	EntryNoRoom      Code = "ENTRY-NO-ROOM"
	EntryRefused     Code = "ENTRY-REFUSED"
	EntryLayout      Code = "ENTRY-LAYOUT"
	PanelUnknown     Code = "ENTRY-PANEL-UNKNOWN"
	PanelDiffers     Code = "ENTRY-PANEL-DIFFERS"
	APINotLab        Code = "API-NOT-LAB"
	APINoJob         Code = "API-NO-JOB"
	APINoReceipt     Code = "API-NO-RECEIPT"
	APIRequest       Code = "API-REQUEST"
	APIUnreachable   Code = "API-UNREACHABLE"
	APIForbidden     Code = "API-FORBIDDEN"
	APIAnswer        Code = "API-ANSWER"
)

// What happens between station, card management and JPKI, and what a reconciliation finds.
const (
	UpstreamUnreachable   Code = "UPSTREAM-UNREACHABLE"
	UpstreamAnswer        Code = "UPSTREAM-ANSWER"
	UpstreamRefused       Code = "UPSTREAM-REFUSED"
	UpstreamUnauthorised  Code = "UPSTREAM-UNAUTHORISED"
	UpstreamConflict      Code = "UPSTREAM-CONFLICT"
	UpstreamTells         Code = "UPSTREAM-TELLS-MAX"
	UpstreamTell          Code = "UPSTREAM-TELL"
	UpstreamTellVoid      Code = "UPSTREAM-TELL-VOID"
	UpstreamAsk           Code = "UPSTREAM-ASK"
	UpstreamWaiting       Code = "UPSTREAM-WAITING"
	UpstreamResume        Code = "UPSTREAM-RESUME"
	UpstreamRefusedStands Code = "UPSTREAM-REFUSED-YET-THERE"
	UpstreamForgotten     Code = "UPSTREAM-FORGOTTEN"
	UpstreamUntold        Code = "UPSTREAM-UNTOLD-YET-THERE"
	UpstreamEarly         Code = "UPSTREAM-EARLY"
	UpstreamVoidCard      Code = "UPSTREAM-VOID-CARD"
	UpstreamSpoiledIssued Code = "UPSTREAM-SPOILED-ISSUED"
	UpstreamSpoiledLive   Code = "UPSTREAM-SPOILED-LIVE"
	UpstreamChipNotDone   Code = "UPSTREAM-CHIP-NOT-DONE"
	UpstreamChipNotIssued Code = "UPSTREAM-CHIP-NOT-ISSUED"
	UpstreamChipStrange   Code = "UPSTREAM-CHIP-STRANGE"
	UpstreamHalfStrange   Code = "UPSTREAM-HALF-MADE"
	UpstreamChipStopped   Code = "UPSTREAM-CHIP-STOPPED"
	UpstreamOrderTwice    Code = "UPSTREAM-ORDER-TWICE"
	UpstreamNoJob         Code = "UPSTREAM-NO-JOB"

	UpstreamNotHeld              Code = "UPSTREAM-NOT-HELD"
	UpstreamNoNotice             Code = "UPSTREAM-NO-NOTICE"
	UpstreamCertificateLive      Code = "UPSTREAM-CERTIFICATE-LIVE"
	UpstreamCertificateAbolished Code = "UPSTREAM-CERTIFICATE-ABOLISHED"
	UpstreamCertificateRevoked   Code = "UPSTREAM-CERTIFICATE-REVOKED"
	UpstreamCertificateEarly     Code = "UPSTREAM-CERTIFICATE-EARLY"
	UpstreamCertificateTwice     Code = "UPSTREAM-CERTIFICATE-TWICE"
	UpstreamCertificateUnknown   Code = "UPSTREAM-CERTIFICATE-UNKNOWN"
)

// Entry explains one code.
type Entry struct {
	Cause    string // what is wrong, completing "cannot go on: …"
	Remedy   string // what to do next
	CauseJa  string // Cause for Japanese operators
	RemedyJa string // Remedy for Japanese operators
}

var entries = map[Code]Entry{
	ReaderNone:      {"no card reader is attached", "plug a reader in and look with: cardctl readers", "カードリーダーが接続されていません", "リーダーを接続し cardctl readers で確かめてください"},
	ReaderUnknown:   {"no reader has that name", "look at the names with: cardctl readers", "その名前のリーダーはありません", "cardctl readers で名前を確かめてください"},
	ReaderNoCard:    {"no card is in the reader", "put a card in and start again", "リーダーにカードがありません", "カードを入れてやり直してください"},
	ReaderTwoCards:  {"cards are in more than one reader", "take all but one out, or name the reader: reader.name in cardd's configuration, --reader for cardctl card", "複数のリーダーにカードがあります", "一枚だけ残すか、リーダーを指定してください (carddの設定 reader.name、cardctl card では --reader)"},
	ReaderBusy:      {"another program holds the card", "close the other program and start again", "ほかのプログラムがカードを使用中です", "そのプログラムを終了してやり直してください"},
	ReaderService:   {"the PC/SC service does not run", "start pcscd and start again", "PC/SCサービスが動いていません", "pcscdを起動してやり直してください"},
	ReaderMute:      {"the card does not answer", "take it out, clean its contacts and put it in again", "カードが応答しません", "カードを抜き、接点を拭いて入れ直してください"},
	ReaderRemoved:   {"the card was pulled out", "put the same card in again and resume the job", "カードが抜かれました", "同じカードを入れて再開してください"},
	ReaderLink:      {"the link to the card failed", "put the same card in again and resume the job; change the reader if it happens again", "カードとの通信が途切れました", "同じカードを入れて再開し、繰り返すならリーダーを替えてください"},
	CardNotMyNumber: {"the card is not a My Number card", "put a blank My Number card in", "個人番号カードではありません", "未発行の個人番号カードを入れてください"},
	CardGeneration:  {"the card is of another generation", "put a card of the order's generation in", "世代の異なるカードです", "申請に合う世代のカードを入れてください"},
	CardOther:       {"it is not the card this job was begun on", "put the job's own card in and resume", "この処理を始めたカードではありません", "元のカードを入れて再開してください"},
	CardIssued:      {"the card is already issued", "put a blank card in; look at this one with: cardctl card show", "発行済みのカードです", "未発行のカードを入れてください (確認は cardctl card show)"},
	CardHalfMade:    {"the card is half made and no job here knows it", "put a blank card in; this one belongs to another station or goes to destruction", "書込み途中のカードで、この端末に記録がありません", "未発行のカードを入れてください。このカードは別端末の処理か廃棄の対象です"},
	CardLifeCycle:   {"the card is locked or terminated", "put it aside for destruction and take a blank card", "カードが停止または廃止されています", "廃棄へ回し、未発行のカードを使ってください"},
	CardNoState:     {"the card does not tell its personalisation state", "put a blank card of the profile in; a real issued card can be looked at with: cardctl card show", "カードの書込み状態が読めません", "プロファイルに合う未発行カードを入れてください"},
	CardKeys:        {"card and station hold different keys", "check gp.master_key_file in the configuration; do not try again with this card before", "カードと端末の鍵が一致しません", "設定の gp.master_key_file を確かめてください。それまで再試行しないでください"},
	CardRefused:     {"the card refused a command it must take", "put it aside for destruction; the order is issued on a fresh card", "カードが必要な命令を拒否しました", "廃棄へ回し、新しいカードで発行してください"},
	CardDiffers:     {"what was read back is not what was written", "put it aside for destruction; the order is issued on a fresh card", "読み戻した内容が書込み内容と一致しません", "廃棄へ回し、新しいカードで発行してください"},
	CardKey:         {"the key the card made cannot be used", "put it aside for destruction; the order is issued on a fresh card", "カードが生成した鍵が使えません", "廃棄へ回し、新しいカードで発行してください"},
	CardHolderKeys:  {"a signature made on the card does not fit its key", "put it aside for destruction; the order is issued on a fresh card", "カードの署名が鍵と一致しません", "廃棄へ回し、新しいカードで発行してください"},
	CardMemory:      {"the card reported that its memory failed", "put it aside for destruction; the order is issued on a fresh card", "カードの記憶素子が故障しました", "廃棄へ回し、新しいカードで発行してください"},
	CardAside:       {"the card was put aside by an operator", "have its destruction confirmed by two persons; the order is issued on a fresh card", "職員がカードの使用を中止しました", "二人で廃棄を確認し、新しいカードで発行してください"},
	CardQuarantined: {"the card is in quarantine", "put it back into the reject bin and take a blank card", "使用不可として隔離されたカードです", "不良品箱に戻し、未発行のカードを使ってください"},
	CardInWork:      {"another job was begun on the card", "resume that job with it, or take a blank card", "別の処理を始めたカードです", "その処理を再開するか、未発行のカードを使ってください"},
	StationPIN:      {"a PIN is needed that the station no longer has", "let the holder enter the PINs again: cardctl issue with the same order", "暗証番号が端末に残っていません", "本人にもう一度入力してもらってください (同じ申請で cardctl issue)"},
	StationBusy:     {"the station is carrying out another job", "wait until it is done: cardctl jobs", "端末は別の処理中です", "終わるまでお待ちください (cardctl jobs)"},
	StationContent:  {"what is to be written is not what the plan says", "resume the job; if it happens again report it with the job's number", "書込み内容が計画と一致しません", "再開し、繰り返すなら処理番号を添えて報告してください"},
	StationJournal:  {"the journal cannot be written", "free disk space or mend the disk, then resume", "記録を書き込めません", "ディスクを直して再開してください"},
	StationJobLive:  {"the order has a job already", "look at it with: cardctl jobs, and resume it", "この申請には処理が既にあります", "cardctl jobs で確かめ再開してください"},
	StationJobLong:  {"the job has failed too often", "put the card aside for destruction; the order is issued on a fresh card", "失敗の回数が上限に達しました", "廃棄へ回し、新しいカードで発行してください"},
	StationStopped:  {"the daemon was stopped", "start it again and resume the job", "デーモンが停止しました", "起動し直して再開してください"},
	StationDecision: {"the decision cannot be taken down", "look at the job with: cardctl job show", "この決定は記録できません", "cardctl job show で処理の状態を確かめてください"},

	StationOrderDone:    {"the order is fulfilled and its card must not be made twice", "hand the finished card over; one that must not be used is first put aside: cardctl quarantine put CARD --by NAME --reason TEXT", "この申請のカードは発行済みで、二枚目は作れません", "完成したカードを交付してください。使えないカードは先に cardctl quarantine put CARD --by 氏名 --reason 理由 で隔離します"},
	StationOrderChanged: {"another order was handed in under the same number", "hand in the very order of before, or give the changed one a number of its own", "同じ番号で内容の異なる申請が既に受け付けられています", "前と同じ申請を出すか、変更した申請には新しい番号を付けてください"},
	StationAbandoned:    {"an operator gave the job up before anything was written", "the card is blank and free; the order can be handed in again", "書込みの前に職員が処理を中止しました", "カードは未使用のままです。申請はもう一度出せます"},
	QuarantineNone:      {"no card of that number is in quarantine", "look at the cards with: cardctl quarantine list", "その番号のカードは隔離されていません", "cardctl quarantine list で確かめてください"},
	QuarantinePerson:    {"the same person has confirmed the destruction already", "another person who saw it has to confirm it", "同じ人が既に廃棄を確認しています", "立ち会った別の職員が確認してください"},
	QuarantineClosed:    {"two persons have confirmed the destruction already", "nothing is left to do: cardctl quarantine list", "廃棄は二人の確認済みです", "これ以上の操作は不要です (cardctl quarantine list)"},

	StationVaultKey:   {"vault.key cannot be used", "put the key that belongs to this journal back from its backup; where there is none, start once with: cardd serve --orders-lost, and give up the jobs that it holds for this", "vault.key が使えません", "この端末の記録に対応する鍵を控えから戻してください。控えがなければ一度 cardd serve --orders-lost で起動し、保留となった処理を中止してください"},
	StationReceiptKey: {"the key of receipts cannot be used", "put receipt.key back from its backup; where there is none, keep receipt.pub for the receipts there are, move both away, and a new pair is made at the next start", "受領証の鍵が使えません", "receipt.key を控えから戻してください。控えがなければ既存の受領証のため receipt.pub を保管し、両方を移してから起動すると新しい鍵が作られます"},
	StationDamaged:    {"the journal holds something else than what was written", "issue nothing more: stop cardd, keep journal.db with its -wal and .mark as evidence, put the newest backup back, and look at every card in work since", "記録が書き込んだ内容と異なります", "発行を止め、journal.db と -wal、.mark を証拠として保管し、最新の控えを戻して、以後に処理したカードを全て確かめてください"},
	PKIStore:          {"the embedded authority's folder cannot be used", "put the whole folder back from its newest backup; an older one would issue certificates a second time", "認証局のフォルダーが使えません", "フォルダー全体を最新の控えから戻してください。古い控えでは証明書が二重に発行されます"},

	PKIAuthority:     {"the certificate authority cannot be reached or refused", "mend the cause and resume; asking again is safe", "認証局に接続できないか拒否されました", "原因を除いて再開してください。再要求は安全です"},
	PKIDoubt:         {"nobody here knows whether the authority issued a certificate for the request", "look at the authority for the common name and key that cardctl authority doubts shows, settle it with cardctl authority settle, and resume; it is not asked anew before", "認証局が証明書を発行したか不明です", "cardctl authority doubts に示すCNと鍵で認証局を確認し、cardctl authority settle で決着してから再開してください。それまで再要求しません"},
	PKINoStatus:      {"the authority is elsewhere and itself tells what became of certificates", "ask it for its certificates, lists and OCSP", "認証局は外部にあり、失効情報は認証局自身が公開します", "認証局から証明書・失効リスト・OCSPを取得してください"},
	PKINoDoubt:       {"there is no doubt to settle about this request", "look with: cardctl authority doubts", "この要求に未決の発行はありません", "cardctl authority doubts で確かめてください"},
	PKINoCertificate: {"no certificate was issued here for this card", "look at the card's number: cardctl jobs", "このカードの証明書はここでは発行されていません", "cardctl jobs でカードの番号を確かめてください"},
	PKICertificate:   {"the authority's certificate is not what was asked for", "do not hand the card out; report it with the job's number", "認証局の証明書が要求と一致しません", "カードを渡さず、処理番号を添えて報告してください"},
	KeysAbsent:       {"the key store is not there", "see that the module's library and token, or the sealed file, are where the configuration says, then start again", "鍵の保管先が見つかりません", "設定どおりの場所にHSMのライブラリとトークン、または封印ファイルがあるか確かめてください"},
	KeysUnlock:       {"what unlocks the key store is wrong", "correct the PIN, passphrase or credential that the configuration names; it is not tried again by itself", "鍵の保管先を開く暗証番号などが違います", "設定の暗証番号・合言葉・資格情報を正してください。自動では再試行しません"},
	KeysLocked:       {"the hardware module's PIN is locked, or a wrong one was presented before", "log in once with the maker's tool or pkcs11-tool --login, or have the module's officer unlock it; then start again", "HSMの暗証番号がロックされたか、誤った番号が提示されています", "メーカーのツールか pkcs11-tool --login で一度ログインするか、管理者に解除を依頼してください"},
	KeysFull:         {"the key store has no room", "remove keys or close other programs that use the module; nothing was changed", "鍵の保管先に空きがありません", "不要な鍵を消すか、HSMを使う他のプログラムを終了してください。変更はされていません"},
	KeysGone:         {"the key store no longer answers", "look after the module or the file, then resume; it is asked anew by itself", "鍵の保管先が応答しなくなりました", "HSMまたはファイルを確かめてから再開してください。自動で接続し直します"},
	KeysUnable:       {"the key store cannot do what is needed", "use a module that has the mechanisms that the text names, or a program built with cgo", "鍵の保管先に必要な機能がありません", "必要な機構を備えたHSM、またはcgo付きで作られたプログラムを使ってください"},
	KeysDamaged:      {"the sealed key file is none or was changed", "restore it from a backup", "封印された鍵ファイルが壊れています", "バックアップから戻してください"},
	KeysNone:         {"the key store has no key of that name or version", "look with: cardctl key list; bring the key in with: cardctl key ceremony", "その名前または版の鍵がありません", "cardctl key list で確かめ、cardctl key ceremony で鍵を入れてください"},
	KeysTaken:        {"a key of that name or version is there already", "choose another version; versions stand side by side", "その名前または版の鍵はすでにあります", "別の版を選んでください。版は並べて置けます"},
	KeysCheck:        {"a key's check value is another than expected", "compare the forms and begin again; nothing was kept", "鍵のチェック値が一致しません", "用紙を照合してやり直してください。何も保存されていません"},
	KeysPerson:       {"one person would do what two must", "let a second person do it under that person's own name", "二人で行う操作を一人で行おうとしています", "もう一人が自分の名前で行ってください"},
	KeysRotation:     {"a card's keys could not be changed", "do what the text says; the card is usable with the version it names, and the same command goes on", "カードの鍵を切り替えられませんでした", "表示に従ってください。カードは示された版の鍵で使えます。同じコマンドで続きから行います"},
	PrintFailed:      {"the printer refused or failed", "mend the printer and resume; the card is finished but for its face", "印刷できません", "プリンターを直して再開してください"},
	PrintDoubt:       {"it is not known whether the face was printed", "look at the card: printed, resume with --printed; blank, resume", "印刷されたか分かりません", "カードを見て、印刷済みなら --printed を付けて再開してください"},
	PrintSpoilt:      {"a part of the face was printed and the rest cannot follow", "the card is in the reject bin; have its destruction confirmed by two persons and issue the order on a fresh card", "券面の一部だけが印刷されました", "カードは不良品箱にあります。二人で廃棄を確認し、新しいカードで発行してください"},
	PrinterFault:     {"the printer cannot go on", "do what the printer asks for (the text says what), then resume", "プリンターが停止しています", "表示された内容に従って直し、再開してください"},
	PrinterJam:       {"the card is stuck inside the printer", "take the card out by hand, lay it on the hopper, then resume with --taken-out; where no job is held: cardctl printer emptied NAME", "カードがプリンター内で詰まりました", "カードを手で取り出してホッパーに置き、--taken-out を付けて再開してください (処理がないときは cardctl printer emptied NAME)"},
	PrinterLink:      {"the printer cannot be reached", "look at its cable and whether it is switched on, then resume", "プリンターと通信できません", "ケーブルと電源を確かめて再開してください"},
	PrinterCardOut:   {"the job's card is not in the printer any more", "lay that card on the hopper and resume; if it cannot be found put the job aside", "処理中のカードがプリンターにありません", "そのカードをホッパーに置いて再開してください。見つからないときは使用中止にしてください"},
	PrinterUnknown:   {"there is no printer of that name", "look at the names with: cardctl printers", "その名前のプリンターはありません", "cardctl printers で確かめてください"},
	CardNotOrdered:   {"the card's number is not the one in the order", "nothing was done to the card; put in the holder's own card, or correct the number in the order", "カードの番号が申請と異なります", "カードには何もしていません。本人のカードを入れるか、申請の番号を直してください"},
	CardNotInUse:     {"the card is not in use, so that no entry can be made on it", "nothing was done to the card; look at it with: cardctl card show", "使用中のカードではないため、追記できません", "カードには何もしていません。cardctl card show で確かめてください"},
	EntrySpoilt:      {"the entry is or may be printed in part", "the card stays its holder's and nothing was revoked: give it back, tell the holder, and have it reissued; the spoilt lines are recorded, and until then further entries are written by hand", "追記の一部だけが印刷された、またはそのおそれがあります", "カードは本人のもので、失効していません。本人に説明して返し、再交付の手続きをしてください。印刷された行は記録済みで、それまでの追記は手書きとなります"},
	EntryAbandoned:   {"an operator gave the entry up before anything was printed", "the card is unchanged: give it back to its holder; the order can be handed in again", "印刷の前に職員が追記を中止しました", "カードは元のままです。本人に返してください。申請はもう一度出せます"},
	EntryNoRoom:      {"the entry does not fit into what is left of the card's remarks panel", "have the card reissued, which is free of charge when the remarks panel is full and may be asked for as express issue", "追記欄の残りに収まりません", "再交付を案内してください。追記欄の余白がないための再交付は無料で、特急発行もできます"},
	EntryRefused:     {"the entry cannot be printed as the order has it", "correct the order", "申請のとおりに追記できません", "申請を直してください"},
	EntryLayout:      {"the layout that the card was printed with is not here", "correct the panel in the order; a card of a layout that this cardd does not hold is written and sealed by hand elsewhere", "カードを印刷したレイアウトがありません", "申請の追記欄の記載を確かめてください。このcarddにないレイアウトのカードには印字できません"},
	PanelUnknown:     {"this station has not issued the card and does not know what stands in its remarks panel", "look at the card and say so in the order: panel with layout, version and the lines of each entry", "この端末で発行したカードではなく、追記欄の状態が分かりません", "券面を見て、申請のpanelにレイアウト、版、各追記の行数を記載してください"},
	PanelDiffers:     {"the order and the record do not agree on what stands in the card's remarks panel", "look at the card: where the record is right, leave panel out; entries that were made elsewhere are first recorded, each with an order by_hand", "追記欄の状態について、申請と記録が一致しません", "券面を見て、記録が正しければpanelを除いてください。ほかで行われた追記は、先にby_handの申請で一件ずつ記録してください"},
	FaceGlyph:        {"a character cannot be printed exactly as it is written", "have the character checked: no font here holds it", "文字を正確に印字できません", "字形を確認してください。対応するフォントがありません"},
	FaceOverflow:     {"a text does not fit its field on the face", "shorten it as the register's rules allow", "文字が欄に収まりません", "登録規則の範囲で短くしてください"},
	FacePhoto:        {"the photo cannot be used", "hand in a photo that keeps the rules", "写真が使えません", "規定に合う写真を用意してください"},
	APINotLab:        {"this is only for invented people in a laboratory", "set lab = true in the configuration of a laboratory; never on real data", "試験環境専用の機能です", "試験環境の設定で lab = true にしてください"},
	APINoJob:         {"there is no job of that number", "look at the numbers with: cardctl jobs", "その番号の処理はありません", "cardctl jobs で確かめてください"},
	APINoReceipt:     {"the job has no receipt", "a receipt is signed when the card is finished: cardctl job show", "この処理の受領証はまだありません", "カード完成後に発行されます (cardctl job show)"},
	APIRequest:       {"the request is not as the API wants it", "see /openapi.json", "要求の形式が正しくありません", "/openapi.json を参照してください"},
	APIUnreachable:   {"cardd cannot be reached", "start it with: cardd serve", "carddに接続できません", "cardd serve で起動してください"},
	APIForbidden:     {"this user may not use cardd", "run it as the user that cardd runs as, or root", "この利用者には許可がありません", "carddと同じ利用者かrootで実行してください"},
	APIAnswer:        {"cardd's answer did not come or cannot be read", "what was asked may have been done: look with cardctl jobs before you ask again; both programs must be of one version", "carddの応答が得られないか、読み取れません", "要求は実行された可能性があります。再試行の前に cardctl jobs で確かめ、両方のプログラムの版を揃えてください"},

	UpstreamUnreachable:   {"the other side cannot be reached", "nothing is lost: what it has to know waits here and goes out in order; mend the line or wait", "相手システムに接続できません", "通知はこの端末に順番どおり保存され、失われません。回線を直すか復旧をお待ちください"},
	UpstreamAnswer:        {"the other side answered in a form nobody here understands", "it counts as no answer and is asked again; if it goes on, check the address and both versions", "相手システムの応答を解釈できません", "未応答として扱い再照会します。続くときは接続先と双方の版を確かめてください"},
	UpstreamRefused:       {"the other side refused the notice", "do not send it again; have the cause mended there, then: cardctl reconcile. Card and terminal keep their state", "相手システムが通知を拒否しました", "再送しないでください。先方で原因を除いてから cardctl reconcile で確かめます。カードと端末の状態はそのまま保たれます"},
	UpstreamUnauthorised:  {"the other side took a notice for unauthorised access and barred the card's record", "do not send anything for this card; have the record unbarred there, then: cardctl reconcile", "相手システムが不正アクセスと判定し、カードの記録を閉鎖しました", "このカードについて何も送らず、先方で閉鎖を解いてから cardctl reconcile で確かめてください"},
	UpstreamConflict:      {"the other side knows the notice's number for another card or event", "nothing more is sent for this card; compare both records with the other side", "通知番号が先方で別のカードまたは別の事由に使われています", "このカードの通知を止めました。先方と記録を突き合わせてください"},
	UpstreamTells:         {"the notice was told as often as is allowed and never arrived", "find out why it is lost on the way, then release it: cardctl reconcile", "通知を上限回数送りましたが届いていません", "途中で失われる原因を除いてから cardctl reconcile で再開してください"},
	UpstreamTell:          {"terminal and chip are finished, card management was never told", "cardctl reconcile --mend asks card management and, where it does not have it, tells it", "端末とチップは完了済みですが、カード管理へ通知していません", "cardctl reconcile --mend が照会し、未登録なら通知します"},
	UpstreamTellVoid:      {"the card was spoiled here, card management was never told", "cardctl reconcile --mend asks card management and, where it does not have it, tells it that the card is void", "使用不可としたカードについて、カード管理へ通知していません", "cardctl reconcile --mend が照会し、未登録なら廃止を通知します"},
	UpstreamAsk:           {"it is not known whether card management received the notice", "nothing to do by hand: it is asked before anything is sent again", "カード管理へ通知が届いたか分かりません", "操作は不要です。再送の前に必ず照会します"},
	UpstreamWaiting:       {"card management is told when its turn comes", "nothing to do by hand; if it takes long, look whether the other side can be reached", "カード管理への通知は順番待ちです", "操作は不要です。長引くときは接続を確かめてください"},
	UpstreamResume:        {"the chip is finished, its job here is not", "put the card in and resume the job: cardctl job resume", "チップは完了済みですが、端末の処理が終わっていません", "カードを入れ cardctl job resume で再開してください"},
	UpstreamRefusedStands: {"card management refused the notice and yet shows what it said", "make sure why with card management, then release the notice", "カード管理は通知を拒否しましたが、状態は一致しています", "カード管理に理由を確かめてから、保留を解いてください"},
	UpstreamForgotten:     {"card management accepted the notice and does not show it any more", "do not send it again; card management has to restore its record", "カード管理は通知を受理しましたが、反映されていません", "再送せず、カード管理に記録の復元を依頼してください"},
	UpstreamUntold:        {"card management shows what it was not told from here", "hold the queue; find out whether another terminal told it or this journal is an old copy", "通知していない状態がカード管理に登録されています", "送信を止め、別端末の通知か、この記録が古い控えかを確かめてください"},
	UpstreamEarly:         {"the card counts as handed over, or a notice says so, while it is still being made", "stop the job and do not hand the card out; compare the card's number with card management", "作成中のカードが、交付済として登録または通知されています", "処理を止め、カードを渡さず、番号をカード管理と照合してください"},
	UpstreamVoidCard:      {"card management has abolished the card", "do not use it; destroy it before two persons. What is abolished cannot be restored", "カード管理で廃止されたカードです", "使用せず、二人で立ち会って廃棄してください。廃止は取り消せません"},
	UpstreamSpoiledIssued: {"the card was spoiled here, card management has it as handed over", "find the card and destroy it before two persons; a person with the right to do so has it abolished", "この端末で使用不可としたカードが、カード管理では交付済です", "カードを探して二人で廃棄し、権限のある職員が廃止を届け出てください"},
	UpstreamSpoiledLive:   {"the card was spoiled here, and its chip works", "destroy it before two persons; do not hand it out", "使用不可としたカードのチップが動作します", "渡さずに、二人で立ち会って廃棄してください"},
	UpstreamChipNotDone:   {"the journal has the card as finished and read back, its chip is not", "lay the card aside: it is another card with the same number, or the journal is another card's", "端末では完了済みですが、チップは未完了です", "カードを別に保管してください。番号の同じ別のカードか、記録の取り違えです"},
	UpstreamChipNotIssued: {"card management has the card as handed over, its chip is not finished", "lay the card aside and compare the number with card management: it is the wrong card, or it was never finished", "カード管理では交付済ですが、チップは未完了です", "カードを別に保管し、番号をカード管理と照合してください。カードの取り違えか未完了です"},
	UpstreamChipStrange:   {"the chip is finished, and neither this terminal nor card management knows of it", "do not hand it out; find the terminal that made it and run cardctl reconcile there", "チップは完了済みですが、この端末にもカード管理にも記録がありません", "渡さずに、作成した端末を探し、そこで cardctl reconcile を実行してください"},
	UpstreamHalfStrange:   {"the chip is half made and no job here knows it", "find the terminal that began it; without one it goes to destruction", "チップは書込み途中で、この端末に記録がありません", "書込みを始めた端末を探し、なければ廃棄へ回してください"},
	UpstreamChipStopped:   {"the chip is stopped, the others do not know", "the chip is right: it cannot be used any more. Destroy it before two persons and have it abolished", "チップが停止していますが、ほかの記録にありません", "使用できません。二人で立ち会って廃棄し、廃止を届け出てください"},
	UpstreamOrderTwice:    {"one order has more than one finished card", "hand none of them out; one is kept, the others are destroyed before two persons and abolished", "一件の申請に完了済みのカードが複数あります", "どれも渡さず、一枚を残して二人で廃棄し、廃止を届け出てください"},
	UpstreamNoJob:         {"a notice about the card is in the outbox, its job is not in the journal", "stop cardd and keep the journal as evidence; it is incomplete", "通知の記録はありますが、処理の記録がありません", "carddを止め、記録を証拠として保管してください。記録が欠けています"},

	UpstreamNotHeld:              {"the notice does not wait for a person", "look at those that do: cardctl reconcile", "その通知は保留されていません", "保留中の通知は cardctl reconcile で確かめてください"},
	UpstreamNoNotice:             {"there is no notice under that key", "look at the keys with: cardctl reconcile", "その番号の通知はありません", "通知番号は cardctl reconcile で確かめてください"},
	UpstreamCertificateLive:      {"the card is void here, its certificate is valid at the authority", "cardctl reconcile --mend takes it back; a void card stays void", "この端末で使用不可としたカードの証明書が、認証局では有効です", "cardctl reconcile --mend で失効させます。使用不可の決定は変わりません"},
	UpstreamCertificateAbolished: {"card management has abolished the card, its certificate is valid at the authority", "make sure with card management; then put the card aside, which takes the certificate back: cardctl quarantine put CARD --by NAME --reason TEXT", "カード管理で廃止されたカードの証明書が、認証局では有効です", "カード管理に確かめてから cardctl quarantine put カード --by 氏名 --reason 理由 で隔離し、失効させてください"},
	UpstreamCertificateRevoked:   {"the card is finished here, its certificate is revoked or on hold at the authority", "the authority is right, a revocation is for ever: do not hand the card out as it is; put it aside and issue the order on a fresh card, or have certificates issued anew at the window", "完了済みのカードの証明書が、認証局では失効または保留されています", "認証局の記録が正しく、失効は取り消せません。そのまま渡さず、隔離して新しいカードで発行するか、窓口で証明書を再発行してください"},
	UpstreamCertificateEarly:     {"the card is still being made, its certificate is revoked or on hold at the authority", "give the job up and issue the order on a fresh card: cardctl job abandon JOB --by NAME --reason TEXT", "作成中のカードの証明書が、認証局では失効または保留されています", "cardctl job abandon 処理 --by 氏名 --reason 理由 で中止し、新しいカードで発行してください"},
	UpstreamCertificateTwice:     {"the card has two valid certificates for one purpose", "do not hand the card out; ask the authority which it made for whom, and have the other revoked there", "一枚のカードに同じ用途の有効な証明書が二通あります", "カードを渡さず、認証局に確かめて片方を失効させてください"},
	UpstreamCertificateUnknown:   {"a certificate was told as issued, and the authority does not know it", "do not hand the card out; the authority's register is an old copy or another's", "発行済みと通知した証明書が、認証局の記録にありません", "カードを渡さず、認証局の記録が古い控えか別のものかを確かめてください"},
}

// Explain gives the entry of a code; ok is false for a code that is not in the list.
func Explain(c Code) (Entry, bool) {
	e, ok := entries[c]
	return e, ok
}

// Codes are all codes, sorted.
func Codes() []Code { return slices.Sorted(maps.Keys(entries)) }

// Error is a failure with its code. Detail never holds data of a resident.
type Error struct {
	Code   Code
	Detail string // what exactly; may be empty
	cause  error
}

// New is a failure of that code; cause may be nil and may be looked at with
// errors.Is and errors.As.
func New(c Code, detail string, cause error) *Error {
	return &Error{Code: c, Detail: detail, cause: cause}
}

// Error reads "cause (detail); remedy".
func (e *Error) Error() string {
	entry := entries[e.Code]
	detail := ""
	if e.Detail != "" {
		detail = " (" + e.Detail + ")"
	}
	return fmt.Sprintf("%s%s; %s", entry.Cause, detail, entry.Remedy)
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.cause }

// CodeOf finds the code in an error's chain; empty when there is none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
