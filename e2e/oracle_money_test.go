package e2e

import (
	"encoding/csv"
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Prices and exclusions are not read from a tenant: the tests write them, for the product and
// for the oracle.

// offer is a line of a price list.
type offer struct{ tenant, sku, price, currency, from, to string }

// offers reads a price list as the product's command takes it.
func offers(text string) (list []offer) {
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		panic(err) // it is written in a test
	}
	for _, r := range records[1:] {
		list = append(list, offer{r[0], r[1], r[2], r[3], r[5], r[6]})
	}
	return list
}

// spared is an account that is left alone on purpose, for one SKU or, where part is empty, all.
type spared struct{ tenant, user, part, why, made, until string }

// price is in ten-thousandths of a currency; without a currency it is unknown.
type price struct {
	units    int64
	currency string
}

// units reads an amount with up to four places.
func units(text string) int64 {
	n, ok := new(big.Rat).SetString(text)
	if !ok {
		panic("oracle: price " + text)
	}
	n.Mul(n, big.NewRat(10_000, 1))
	return n.Num().Int64()
}

// decimals writes an amount as a number without zeros at its end.
func decimals(n int64) json.Number {
	text := strings.TrimRight(big.NewRat(n, 10_000).FloatString(4), "0")
	return json.Number(strings.TrimSuffix(text, "."))
}

// priceOf is what a seat costs on the oracle's day: by the tenant's own list where that has a
// price in force, else by that for all; of several in force the one that began last.
func (o *oracle) priceOf(part string) (p price) {
	for _, whose := range []string{"all", o.tenant.Domain} {
		began := ""
		for _, f := range o.offers {
			if f.tenant == whose && f.sku == part && f.from <= o.today && (f.to == "" || f.to >= o.today) && f.from > began {
				began, p = f.from, price{units(f.price), f.currency}
			}
		}
	}
	return p
}

// excluded says why a seat is left alone, empty where it is not.
func (o *oracle) excluded(user, part string) string {
	for _, s := range o.spared {
		if s.tenant == o.tenant.Domain && s.user == user && (s.part == "" || s.part == part) && s.made <= o.today && s.until >= o.today {
			return s.why
		}
	}
	return ""
}

// paid tells whether a SKU costs money and has holders.
func (s *sku) paid() bool { return s.Applies == "User" && !slices.Contains(freeOnes, s.Part) }

// seat is a verdict with what it is worth.
type seat struct {
	verdict
	who      *person
	of       *sku
	price    price
	excluded string
}

func (s seat) unused() bool { return s.state == "inactive" || s.state == "never used" }

func (s seat) reclaim() bool { return s.unused() && s.of.paid() && s.excluded == "" }

func (o *oracle) seats(limit int) (all []seat) {
	r := o.last()
	skus := map[string]*sku{}
	for i := range r.skus {
		skus[r.skus[i].ID] = &r.skus[i]
	}
	for _, v := range o.verdicts(limit) {
		k := skus[v.sku]
		all = append(all, seat{verdict: v, who: r.users[v.user], of: k, price: o.priceOf(k.Part), excluded: o.excluded(v.user, k.Part)})
	}
	return all
}

// priced answers unused-licences: what there is to reclaim, and its price.
func (o *oracle) priced(state string) (lines []string) {
	for _, s := range o.seats(90) {
		if state == "" || s.state == state {
			lines = append(lines, line(s.user, s.sku, s.state, orNull(s.last), s.reclaim(), s.excluded, s.price.amount(1), s.price.currency))
		}
	}
	return lines
}

var pricedColumns = []string{"user_id", "sku_id", "state", "last_use", "reclaim", "excluded", "price", "currency"}

// amount is the price of so many seats, null where it is not known.
func (p price) amount(seats int) any {
	if p.currency == "" {
		return nil
	}
	return decimals(p.units * int64(seats))
}

// unusedMoney answers the columns about money of licence-position.
func (o *oracle) unusedMoney() (lines []string) {
	reclaim, left := map[string]int{}, map[string]int{}
	for _, s := range o.seats(90) {
		if s.reclaim() {
			reclaim[s.sku]++
		}
		if s.excluded != "" {
			left[s.sku]++
		}
	}
	for _, k := range o.last().skus {
		p := o.priceOf(k.Part)
		var cost any
		if k.paid() {
			cost = p.amount(reclaim[k.ID] + max(0, k.Units.Enabled-k.Consumed))
		}
		lines = append(lines, line(k.ID, left[k.ID], p.amount(1), cost, p.currency))
	}
	return lines
}

var unusedMoneyColumns = []string{"sku_id", "excluded", "price", "unused_cost", "currency"}

// share is a row of cost: seats and money by what they are.
type share struct {
	seats int
	money map[string]int64
}

// costs answers cost for one way to group.
func (o *oracle) costs(by string) (lines []string) {
	type key struct{ part, currency string }
	rows := map[key]*share{}
	add := func(part string, p price, seats int, kinds ...string) {
		k := key{part, p.currency}
		if rows[k] == nil {
			rows[k] = &share{money: map[string]int64{}}
		}
		rows[k].seats += seats
		for _, kind := range append(kinds, "bill") {
			rows[k].money[kind] += p.units * int64(seats)
		}
	}
	for _, s := range o.seats(90) {
		part := map[string]string{"sku": s.of.Part, "department": s.who.Department, "person": s.who.UPN}[by]
		if part == "" {
			part = "(blank)"
		}
		kinds := []string{s.state}
		if s.unused() && s.excluded != "" {
			kinds = append(kinds, "excluded")
		}
		if s.reclaim() {
			kinds = append(kinds, "reassignable")
		}
		add(part, s.price, 1, kinds...)
	}
	for _, k := range o.last().skus {
		part := func(nobody string) string {
			if by == "sku" {
				return k.Part
			}
			return nobody
		}
		p := o.priceOf(k.Part)
		if free := k.Units.Enabled - k.Consumed; free > 0 {
			kinds := []string{"unassigned"}
			if k.paid() {
				kinds = append(kinds, "reducible")
			}
			add(part("(unassigned)"), p, free, kinds...)
		}
		if more := k.Consumed - o.last().holdersOf(k.ID); more != 0 {
			add(part("(unmatched)"), p, more, "unmatched")
		}
	}
	for k, s := range rows {
		values := []any{k.part, k.currency, s.seats}
		s.money["unproductive"] = s.money["bill"] - s.money["active"] - s.money["unknown"]
		for _, kind := range []string{"bill", "active", "inactive", "never used", "unknown", "unassigned", "unmatched", "unproductive", "excluded", "reassignable", "reducible"} {
			values = append(values, price{s.money[kind], k.currency}.amount(1))
		}
		lines = append(lines, line(values...))
	}
	return lines
}

var costColumns = strings.Fields("part currency seats bill active inactive never_used unknown unassigned unmatched unproductive excluded reassignable_now reducible_at_renewal")

// supersedes names the plans that give what another plan gives, and more, after Microsoft's
// descriptions of the plans that the simulator has.
var supersedes = map[string][]string{
	"EXCHANGE_S_ENTERPRISE": {"EXCHANGE_S_STANDARD", "EXCHANGE_S_DESKLESS"}, "EXCHANGE_S_STANDARD": {"EXCHANGE_S_DESKLESS"},
	"SHAREPOINTENTERPRISE": {"SHAREPOINTSTANDARD", "SHAREPOINTDESKLESS"}, "SHAREPOINTSTANDARD": {"SHAREPOINTDESKLESS"},
	"OFFICESUBSCRIPTION": {"OFFICE_BUSINESS", "OFFICEMOBILE_SUBSCRIPTION"}, "OFFICE_BUSINESS": {"OFFICEMOBILE_SUBSCRIPTION"},
	"MCOSTANDARD": {"MCOIMP"}, "AAD_PREMIUM_P2": {"AAD_PREMIUM"}, "BI_AZURE_P2": {"BI_AZURE_P0"}, "VISIO_CLIENT_SUBSCRIPTION": {"VISIOONLINE"},
}

// plansOn are the plans of a person's licence that count when licences are compared.
func (k *sku) plansOn(u *person) map[string]bool {
	on := map[string]bool{}
	for _, p := range k.Plans {
		if p.Name != "ONEDRIVE_BASIC" && !slices.Contains(u.disabledPlansOf[k.ID], p.ID) { // a foundation plan
			on[p.Name] = true
		}
	}
	return on
}

// missing counts the plans of b that a has under another name only; ok is false where it
// lacks one altogether.
func missing(a, b map[string]bool) (superseded int, ok bool) {
	for p := range b {
		if a[p] {
			continue
		}
		if !slices.ContainsFunc(slices.Collect(maps.Keys(a)), func(q string) bool { return slices.Contains(supersedes[q], p) }) {
			return 0, false
		}
		superseded++
	}
	return superseded, len(b) > 0 && len(a) > 0
}

// overlapping answers overlaps.
func (o *oracle) overlapping() (lines []string) {
	byUser := map[string][]seat{}
	for _, s := range o.seats(90) {
		if s.of.paid() {
			byUser[s.user] = append(byUser[s.user], s)
		}
	}
	for _, held := range byUser {
		for _, b := range held {
			best := ""
			for _, a := range held {
				n, ok := missing(a.of.plansOn(a.who), b.of.plansOn(b.who))
				_, back := missing(b.of.plansOn(b.who), a.of.plansOn(a.who))
				if a.sku == b.sku || !ok || back && b.price.units > a.price.units {
					continue
				}
				if found := strconv.Itoa(n) + " " + a.of.Part; best == "" || found < best {
					best = found
				}
			}
			if best != "" {
				n, part, _ := strings.Cut(best, " ")
				lines = append(lines, line(b.user, b.sku, part, json.Number(n), b.excluded, b.price.amount(1), b.price.currency))
			}
		}
	}
	return lines
}

var overlapColumns = []string{"user_id", "sku_id", "contained_in", "superseded_plans", "excluded", "saving", "currency"}
