package juki

// adultFrom is the first day of acceptance on which the age that gives a card of
// ten years is 18; before it is 20 (rules fact sheet, 3.1).
var adultFrom = Date{2022, 4, 1}

const (
	birthdaysAdult   = 10 // birthdays after issue until which an adult's card is valid
	birthdaysMinor   = 5
	daysTransitional = 60 // days of a 経過滞在者
)

// Terms are the spans of time that differ between generations of card.
type Terms struct {
	CertificateBirthdays int // birthdays after issue until which a certificate is valid
	RenewalMonths        int // months before expiry, fewer than which open the renewal
	GraceMonths          int // months that a card is valid beyond its last birthday
}

// PresentTerms are those of the cards issued since 2016.
var PresentTerms = Terms{CertificateBirthdays: 5, RenewalMonths: 3}

// ValidityInput is what the validity of a card depends on.
type ValidityInput struct {
	Birth   Date
	Applied Date // the day J-LIS accepted the application (申請受付日); decides the age
	Issued  Date // the day the card is made (発行日), not handed over

	// Renewal is the expiry of the card being renewed, nil for any other issue.
	// When application and issue both lie in its last three months, one birthday
	// more is counted; otherwise it changes nothing (see CheckRenewal).
	Renewal *Date

	Foreign bool
	// StayUntil is the end of the period of stay (在留期間満了日) of a foreign resident;
	// nil for 永住者, 高度専門職2号 and 特別永住者, who are treated as Japanese.
	StayUntil *Date
}

// CardExpiry is the last day on which a card is valid: the holder's 10th birthday
// after the day of issue, the 5th for a minor, one more when renewed inside the
// last three months; for a foreign resident the end of stay where that is
// earlier. A birthday on the day of issue itself does not count. Someone born on
// 29 February has the birthday on the 28th in common years.
//
// A minor is who is under 18 on the day of acceptance, under 20 where that day
// lies before 2022-04-01 (rules fact sheet, 3.1; that acceptance decides is told
// alike by 都城市, 鴻巣市, 大阪狭山市 and 行橋市).
func CardExpiry(v ValidityInput) (Date, error) { return PresentTerms.CardExpiry(v) }

// CardExpiry is the same for a card of these terms.
func (t Terms) CardExpiry(v ValidityInput) (Date, error) {
	if err := checkDays(v.Birth, v.Applied, v.Issued); err != nil {
		return Date{}, err
	}
	if err := v.checkStay(); err != nil {
		return Date{}, err
	}
	n := birthdaysMinor
	if Age(v.Birth, v.Applied) >= adultAge(v.Applied) {
		n = birthdaysAdult
	}
	more, err := t.birthdaysMore(v.Renewal, v.Applied, v.Issued)
	if err != nil {
		return Date{}, err
	}
	expiry := BirthdayAfter(v.Birth, v.Issued, n+more).AddMonths(t.GraceMonths)
	return earliest(expiry, v.StayUntil), nil
}

// checkStay accepts an end of stay for a foreigner, not before the day of issue.
func (v ValidityInput) checkStay() error {
	const field = "stay_until"
	switch {
	case v.StayUntil == nil:
		return nil
	case !v.Foreign:
		return refuse("JUKI-STAY-JAPANESE", field)
	case !v.StayUntil.Valid():
		return refuse("JUKI-DATE-IMPOSSIBLE", field)
	case v.StayUntil.Before(v.Issued):
		return refuse("JUKI-STAY-ENDED", field)
	default:
		return nil
	}
}

// TransitionalStay is the end of stay of a 経過滞在者: 60 days from birth in Japan or
// from the loss of Japanese nationality. The day itself is not counted (ours,
// after the common rule of the Civil Code, article 140).
func TransitionalStay(from Date) Date { return from.AddDays(daysTransitional) }

// RenewalFrom is the first day on which what expires on a day can be renewed:
// the first with fewer than three months left, so 01-11 for 04-10. Three months
// before a day that their month lacks is its last day (03-01 for 05-31).
func RenewalFrom(expiry Date) Date { return PresentTerms.RenewalFrom(expiry) }

// RenewalFrom is the same for what was issued on these terms.
func (t Terms) RenewalFrom(expiry Date) Date {
	return expiry.AddMonths(-t.RenewalMonths).AddDays(1)
}

// CheckRenewal refuses a renewal asked for too early or after the last day.
func CheckRenewal(expiry, asked Date) error { return PresentTerms.CheckRenewal(expiry, asked) }

// CheckRenewal is the same for what was issued on these terms.
func (t Terms) CheckRenewal(expiry, asked Date) error {
	if err := checkCalendar(expiry, "renewal"); err != nil {
		return err
	}
	switch {
	case asked.Before(t.RenewalFrom(expiry)):
		return refuse("JUKI-RENEWAL-EARLY", "renewal")
	case asked.After(expiry):
		return refuse("JUKI-RENEWAL-LATE", "renewal")
	default:
		return nil
	}
}

// The purposes of certificates.
const (
	PurposeSignature      = "signature"      // 署名用電子証明書
	PurposeAuthentication = "authentication" // 利用者証明用電子証明書
)

// CertificateExpiry is the last day of a certificate (notAfter is its EndJST):
// the earliest of the 5th birthday after issue (the 6th when issued in the last
// three months of the certificate it renews, whose expiry is renewal), the
// card's expiry and, for signature, the authentication certificate's expiry where
// one is held. authExpiry is not looked at for authentication.
//
// 公的個人認証法施行規則, as 東村山市 words it.
func CertificateExpiry(purpose string, birth, issued, cardExpiry Date, authExpiry *Date, renewal *Date) (Date, error) {
	return PresentTerms.CertificateExpiry(purpose, birth, issued, cardExpiry, authExpiry, renewal)
}

// CertificateExpiry is the same for a certificate of these terms, with their number of
// birthdays in place of the five.
func (t Terms) CertificateExpiry(purpose string, birth, issued, cardExpiry Date, authExpiry *Date, renewal *Date) (Date, error) {
	if purpose != PurposeSignature && purpose != PurposeAuthentication {
		return Date{}, refuse("JUKI-PURPOSE-UNKNOWN", "purpose")
	}
	if err := checkDays(birth, issued, issued); err != nil {
		return Date{}, err
	}
	if purpose == PurposeAuthentication {
		authExpiry = nil
	}
	if err := checkStillValid(cardExpiry, issued, "card_expiry", "JUKI-CARD-EXPIRED"); err != nil {
		return Date{}, err
	}
	if authExpiry != nil {
		if err := checkStillValid(*authExpiry, issued, "authentication_expiry", "JUKI-AUTHENTICATION-EXPIRED"); err != nil {
			return Date{}, err
		}
	}
	more, err := t.birthdaysMore(renewal, issued, issued)
	if err != nil {
		return Date{}, err
	}
	birthday := BirthdayAfter(birth, issued, t.CertificateBirthdays+more)
	return earliest(birthday, &cardExpiry, authExpiry), nil
}

// InsuranceUntil is the last day on which a card whose authentication certificate
// has expired still serves as health-insurance card: the end of the third month
// after the month of expiry.
func InsuranceUntil(certificateExpiry Date) Date {
	firstOfMonth := Date{certificateExpiry.Year, certificateExpiry.Month, 1}
	return firstOfMonth.AddMonths(4).AddDays(-1)
}

// checkStillValid refuses an expiry that the calendar lacks or that lies before
// the day of issue; on its last day a thing is still valid.
func checkStillValid(expiry, issued Date, field, code string) error {
	if err := checkCalendar(expiry, field); err != nil {
		return err
	}
	if expiry.Before(issued) {
		return refuse(code, field)
	}
	return nil
}

// birthdaysMore is 1 for a renewal that was asked for and made inside the window,
// its last day included, else 0.
func (t Terms) birthdaysMore(renewal *Date, asked, issued Date) (int, error) {
	if renewal == nil {
		return 0, nil
	}
	if err := checkCalendar(*renewal, "renewal"); err != nil {
		return 0, err
	}
	if asked.Before(t.RenewalFrom(*renewal)) || issued.After(*renewal) {
		return 0, nil
	}
	return 1, nil
}

// adultAge is the age that gives ten years, for an application accepted on a day.
func adultAge(applied Date) int {
	if applied.Before(adultFrom) {
		return 20
	}
	return 18
}

// Age is the number of whole years lived on a day: it changes on the birthday.
// Negative before birth.
func Age(birth, on Date) int {
	age := on.Year - birth.Year
	if on.Before(birthdayIn(birth, on.Year)) {
		age--
	}
	return age
}

// BirthdayAfter is the n-th birthday after a day, the day itself not counted; n
// counts from 1.
func BirthdayAfter(birth, day Date, n int) Date {
	year := day.Year + n
	if birthdayIn(birth, day.Year).After(day) {
		year--
	}
	return birthdayIn(birth, year)
}

// birthdayIn is the birthday in a year, 28 February where 29 is missing.
func birthdayIn(birth Date, year int) Date {
	return Date{year, birth.Month, min(birth.Day, daysIn(year, birth.Month))}
}

// earliest is the first of the days given; nil ones do not count.
func earliest(first Date, others ...*Date) Date {
	for _, d := range others {
		if d != nil && d.Before(first) {
			first = *d
		}
	}
	return first
}
