package catalogue_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/seatstream/seatstream/catalogue"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

func TestMain(m *testing.M) { teststack.Main(m) }

const (
	e5    = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
	e3    = "05e9a617-0261-4cee-bb44-138d3ef5d965"
	own   = "0f1d2c3b-4a59-4687-9786-a5b4c3d2e1f0"
	head  = "Product_Display_Name,String_Id,GUID,Service_Plan_Name,Service_Plan_Id,Service_Plans_Included_Friendly_Names\n"
	plan  = "efb87545-963c-4e0d-99df-69c6916d9eb0"
	plan2 = "57ff2da0-773e-42df-b2af-ffb7a2317929"
)

func products(t *testing.T, text string) *catalogue.Products {
	t.Helper()
	p, err := catalogue.ReadProducts(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// traps counts by kind; the shipped products that a short file lacks are left out.
func traps(p *catalogue.Products) map[string]int {
	n := map[string]int{}
	for _, trap := range p.Traps {
		if trap.Kind != catalogue.TrapMissing {
			n[trap.Kind]++
		}
	}
	return n
}

func TestTrapsOfAFile(t *testing.T) {
	t.Parallel()
	p := products(t, "\xef\xbb\xbf"+head+
		"A,PA,"+strings.ToUpper(e5)+"\u00a0,X,"+plan+",x\n"+ // 2: blank, upper case
		"A,PA,"+e5+"\u00a0,Y,"+plan2+",y\n"+ // 3: the same again
		"B,PA,"+e5+",X,"+plan+",x\n"+ // 4: another name, and a repeated pair
		"A,PA,"+e3+",XX,"+plan+",x\n"+ // 5: the name and part number of another, another plan name
		"C,PC,not-a-guid,X,"+plan+",x\n"+ // 6
		"\"Line\nbreak\",PD,"+own+",X,"+plan+",x\xe9\n") // 7 and 8
	want := map[string]int{
		catalogue.TrapBlanks: 1, catalogue.TrapNames: 1, catalogue.TrapRepeated: 1, catalogue.TrapSameName: 1, catalogue.TrapSameCode: 1,
		catalogue.TrapPlanNames: 1, catalogue.TrapNotGUID: 1, catalogue.TrapNotUTF8: 1,
	}
	if got := traps(p); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("traps %v\nwant %v\n%v", got, want, p.Traps)
	}
	for _, w := range []string{"2 blanks in a GUID", "4 GUID with several names", "4 repeated line", "6 not a GUID", "5 plan GUID with several names", "8 not UTF-8"} {
		found := false
		for _, trap := range p.Traps {
			found = found || strings.HasPrefix(fmt.Sprintf("%d %s", trap.Line, trap.Kind), w)
		}
		if !found {
			t.Errorf("no trap %q in %v", w, p.Traps)
		}
	}
	if len(p.SKUs) != 3 || p.SKUs[0] != (catalogue.Name{ID: e5, Code: "PA", Name: "A", Line: 2}) || p.SKUs[2].Name != "Line break" || len(p.Pairs) != 4 {
		t.Errorf("%+v, %v", p.SKUs, p.Pairs)
	}
}

func TestNoCatalogue(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                "no header line",
		"<html>\n":        "no column product_display_name",
		head:              "no product",
		head + "\"A,PA\n": "line 2",
		strings.Replace(head, "GUID", "String_Id", 1): "stands twice",
	} {
		if _, err := catalogue.ReadProducts(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestMicrosoftsFile reads the file as Microsoft publishes it, and knows its traps.
func TestMicrosoftsFile(t *testing.T) {
	t.Parallel()
	const file = "../../shared/graph/sku/product-names-and-service-plans.csv"
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("no samples of the live service beside the repository")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := catalogue.ReadProducts(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.SKUs) != 619 || len(p.Plans) != 791 {
		t.Errorf("%d SKUs, %d plans", len(p.SKUs), len(p.Plans))
	}
	want := map[string]int{
		catalogue.TrapBlanks: 1, catalogue.TrapNames: 3, catalogue.TrapSameName: 15, catalogue.TrapSameCode: 1, catalogue.TrapPlanNames: 7,
		catalogue.TrapPlanSame: 1, catalogue.TrapRepeated: 31,
	}
	if got := traps(p); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("traps %v\nwant  %v", got, want)
	}
	for _, trap := range p.Traps {
		t.Logf("%d %s: %s", trap.Line, trap.Kind, trap.What)
		if trap.Kind == catalogue.TrapBlanks && (trap.Line != 4093 || !strings.Contains(trap.What, "420c7602-7f70-4895-9394-d3d679ea36fb")) {
			t.Errorf("%+v", trap)
		}
		if trap.Kind == catalogue.TrapMissing {
			t.Errorf("a shipped product has another GUID: %+v", trap)
		}
	}
	ids := map[string]catalogue.Name{}
	for _, s := range p.SKUs {
		ids[s.ID] = s
	}
	for _, s := range schemas.Shipped().SKUs {
		if ids[s.ID].Code != s.PartNumber {
			t.Errorf("%s: shipped as %s, in the file %s", s.ID, s.PartNumber, ids[s.ID].Code)
		}
	}
}

var find = catalogue.Lookup{
	Tenant: func(name string) (string, error) {
		if name == "contoso" {
			return own, nil
		}
		return "", fmt.Errorf("tenant %q: no such tenant", name)
	},
	SKU: func(part string) (string, error) {
		if part == "SPE_E5" {
			return e5, nil
		}
		return "", fmt.Errorf("sku %q: not known", part)
	},
}

const priceHead = "tenant,sku,price,currency,term,from,to\n"

// TestBadPrices: every bad line is named, and there is no price to import.
func TestBadPrices(t *testing.T) {
	t.Parallel()
	text := priceHead +
		"all,SPE_E5,52.3,EUR,annual,2026-01-01,2026-06-30\n" + // 2 good
		"northwind,SPE_E5,1,EUR,annual,2026-01-01,\n" + // 3
		"all,NOTHING,1,EUR,annual,2026-01-01,\n" + // 4
		"all,SPE_E5,-1,EUR,annual,2026-01-01,\n" + // 5
		"all,SPE_E5,1.23456,EUR,annual,2026-01-01,\n" + // 6
		"all,SPE_E5,\"1,5\",EUR,annual,2026-01-01,\n" + // 7
		"all,SPE_E5,1,XXX,annual,2026-01-01,\n" + // 8
		"all,SPE_E5,1,eur,weekly,2026-01-01,\n" + // 9: two faults
		"all,SPE_E5,1,USD,annual,2026-02-30,\n" + // 10
		"all,SPE_E5,1,USD,annual,01/02/2026,\n" + // 11
		"all,SPE_E5,1,USD,annual,2026-03-01,2026-02-01\n" + // 12
		"all," + e5 + ",60,EUR,annual,2026-06-30,\n" + // 13 overlaps 2
		"all,SPE_E5,52.3,EUR,annual,2026-01-01,2026-06-30\n" + // 14 is 2 again
		"all,SPE_E5,50,EUR,annual,2026-01-01,2026-06-30\n" + // 15 contradicts 2
		",,,,,,\n" + // 16: everything
		"contoso,SPE_E5,1,EUR,annual,2026-01-01,\n" + // 17 good
		"=cmd|' /C calc'!A0,SPE_E5,1,EUR,annual,2026-01-01,\n" // 18
	got, err := catalogue.ReadPrices(strings.NewReader(text), find, nil)
	var bad *catalogue.BadLines
	if !errors.As(err, &bad) || got != nil {
		t.Fatalf("%v, %v", got, err)
	}
	named := map[int]int{}
	for _, f := range bad.Faults {
		var n int
		if _, err := fmt.Sscanf(f, "line %d:", &n); err != nil {
			t.Errorf("%q names no line", f)
		}
		named[n]++
	}
	for n := 2; n <= 18; n++ {
		want := 1
		switch n {
		case 2, 17:
			want = 0
		case 9:
			want = 2
		case 16:
			want = 6
		}
		if named[n] != want {
			t.Errorf("line %d: named %d times, want %d: %v", n, named[n], want, err)
		}
	}
	for text, want := range map[string]string{
		"tenant,sku\n": "no column price", priceHead[:len(priceHead)-1] + ",note\n": `unknown column "note"`, priceHead: "no price",
	} {
		if _, err := catalogue.ReadPrices(strings.NewReader(text), find, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestGoodPrices(t *testing.T) {
	t.Parallel()
	read := func(text string, before []catalogue.Price) ([]catalogue.Price, error) {
		return catalogue.ReadPrices(strings.NewReader(priceHead+text), find, before)
	}
	first, err := read("all,SPE_E5,52.3,EUR,annual,2026-01-01,\nAll, spe , 1,EUR,annual,2026-01-01,\n", nil)
	if err == nil {
		t.Errorf("a part number that is not known: %v", first)
	}
	// A price without end, the next one, another currency, another term, a tenant's own.
	first, err = read(`all,SPE_E5,52.3,EUR,annual,2026-01-01,
all,SPE_E5,55,EUR,annual,2026-07-01,2026-12-31
all,SPE_E5,57,EUR,annual,2027-01-01,
all,SPE_E5,60,USD,annual,2026-07-01,
all,SPE_E5,63,EUR,monthly,2026-07-01,
contoso,SPE_E5,48.1234,EUR,annual,2026-07-01,
`, nil)
	if err != nil || len(first) != 6 || first[5].Tenant != own || first[0].Tenant != schemas.AllTenants {
		t.Fatalf("%+v, %v", first, err)
	}
	if _, err := read("all,SPE_E5,52,EUR,annual,2026-07-01,2026-12-31\n", first); err != nil {
		t.Errorf("a price that replaces one: %v", err)
	}
	if _, err := read("all,SPE_E5,52,EUR,annual,2026-08-01,2026-08-31\n", first); err == nil || !strings.Contains(err.Error(), "line 2: its time overlaps that of the stored price from 2026-07-01") {
		t.Errorf("a price inside a stored one: %v", err)
	}
	if _, err := read("all,SPE_E5,1,EUR,annual,2026-01-01,2026-12-31\nall,SPE_E5,1,EUR,annual,2026-02-01,2026-02-10\nall,SPE_E5,1,EUR,annual,2026-03-01,2026-03-10\n", nil); err == nil ||
		!strings.Contains(err.Error(), "line 3:") || !strings.Contains(err.Error(), "line 4:") {
		t.Errorf("two inside one: %v", err)
	}
}

func one(t *testing.T, db driver.Conn, sql string) (s string) {
	t.Helper()
	if err := db.QueryRow(t.Context(), "SELECT toString(("+sql+"))").Scan(&s); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	db := teststack.StartClickHouse(t).Conn
	ctx, now := t.Context(), time.Now()
	line := "A,PA," + e5 + ",X," + plan + ",x\n"
	for i, text := range []string{head + line + "B,PB," + own + ",Y," + plan2 + ",y\n", head + line} {
		if err := catalogue.StoreProducts(ctx, db, products(t, text), now.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprint(2 - i) // what the second file has not is taken back
		for _, table := range []string{"sku_names", "plan_names", "sku_plans"} {
			if got := one(t, db, "SELECT count() FROM m365."+table+" FINAL WHERE source = 'catalogue'"); got != want {
				t.Errorf("import %d: %s has %s rows, want %s", i, table, got, want)
			}
		}
	}
	parts, err := catalogue.PartNumbers(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := parts("spe_e5"); id != e5 || err != nil {
		t.Errorf("SPE_E5 is %s, %v", id, err)
	}
	if _, err := parts("NOTHING"); err == nil {
		t.Error("a part number nobody has was found")
	}
	last := time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)
	prices := []catalogue.Price{{Tenant: own, SKU: e5, Price: "52.3456", Currency: "EUR", Term: "annual", From: last.AddDate(0, -6, 0), To: &last}}
	if err := catalogue.StorePrices(ctx, db, prices, "jane", now); err != nil {
		t.Fatal(err)
	}
	got, err := catalogue.StoredPrices(ctx, db)
	if err != nil || len(got) != 1 || got[0].Price != "52.3456" || !got[0].To.Equal(last) || !got[0].From.Equal(prices[0].From) {
		t.Errorf("%+v, %v", got, err)
	}
	if err := catalogue.RemovePrices(ctx, db, got, "jane", now.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if got, err := catalogue.StoredPrices(ctx, db); err != nil || len(got) != 0 {
		t.Errorf("after removal: %+v, %v", got, err)
	}
	id, err := catalogue.Exclude(ctx, db, catalogue.Exclusion{Tenant: own, User: plan, SKU: schemas.AllTenants, Tag: "leave", Reason: "'); DROP", Who: "jane"}, now)
	if err != nil || one(t, db, "SELECT reason FROM m365.exclusions FINAL") != "'); DROP" {
		t.Errorf("exclude: %v", err)
	}
	if err := catalogue.RemoveExclusion(ctx, db, id, "joe", now.Add(time.Second)); err != nil || one(t, db, "SELECT count() FROM m365.exclusions FINAL") != "0" {
		t.Errorf("remove exclusion: %v", err)
	}
	if err := catalogue.RemoveExclusion(ctx, db, id, "joe", now); err == nil {
		t.Error("an exclusion was taken back twice")
	}
	if err := catalogue.Override(ctx, db, own, e5, "Mine", now); err != nil || one(t, db, "SELECT name FROM m365.sku_names FINAL WHERE source = 'override'") != "Mine" {
		t.Errorf("override: %v", err)
	}
	if err := catalogue.Override(ctx, db, own, e5, "", now.Add(time.Second)); err != nil || one(t, db, "SELECT count() FROM m365.sku_names FINAL WHERE source = 'override'") != "0" {
		t.Errorf("override taken back: %v", err)
	}
}

// TestTraits: a tenant's own traits come before those for all, family and tier stay, and what
// is taken back leaves what is shipped.
func TestTraits(t *testing.T) {
	t.Parallel()
	db := teststack.StartClickHouse(t).Conn
	now := time.Now()
	set := func(tenant, traits, want string) {
		t.Helper()
		var list []string
		if traits != "" {
			var err error
			if list, err = catalogue.ReadTraits(traits); err != nil {
				t.Fatal(err)
			}
		}
		now = now.Add(time.Second)
		if err := catalogue.SetTraits(t.Context(), db, tenant, e5, list, now); err != nil {
			t.Fatal(err)
		}
		if got := one(t, db, "SELECT arrayStringConcat(arraySort(groupArray(if(tenant_id = '"+own+"', 'own', 'all') || toString((free, viral, company_level, family, tier)))), ' ') FROM m365.sku_traits FINAL WHERE sku_id = '"+e5+"'"); got != want {
			t.Errorf("%q: %s\nwant %s", traits, got, want)
		}
	}
	const all = "all(false,false,false,'Microsoft 365',50)"
	set(own, "free, viral", all+" own(true,true,false,'Microsoft 365',50)")
	set(own, "paid", all+" own(false,false,false,'Microsoft 365',50)")
	set(schemas.AllTenants, "company-level", "all(false,false,true,'Microsoft 365',50) own(false,false,false,'Microsoft 365',50)")
	set(own, "", "all(false,false,true,'Microsoft 365',50)")
	set(schemas.AllTenants, "", all)
	for _, bad := range []string{"", "cheap", "free,", "paid,free", "Free"} {
		if list, err := catalogue.ReadTraits(bad); err == nil {
			t.Errorf("%q was taken: %q", bad, list)
		}
	}
}

// TestRecord: a seat is recommended once, and once more after it was taken away and came
// back.
func TestRecord(t *testing.T) {
	t.Parallel()
	db := teststack.StartClickHouse(t).Conn
	now := time.Now()
	seats := []catalogue.Recommendation{
		{Tenant: own, User: plan, SKU: e5, Reason: "never used", Price: "52.3", Currency: "EUR"},
		{Tenant: own, User: plan, SKU: e3, Reason: "never used"},
		{Tenant: own, User: plan, SKU: e3, Reason: "twice in one answer"},
	}
	record := func(kind string, at time.Time, want int) {
		t.Helper()
		if n, err := catalogue.Record(t.Context(), db, kind, "jane", seats, at); err != nil || n != want {
			t.Errorf("%s: recorded %d, %v; want %d", kind, n, err, want)
		}
	}
	record("reclaim", now, 2)
	record("reclaim", now.Add(time.Minute), 0)
	record("downgrade", now.Add(time.Minute), 2)
	if got := one(t, db, "SELECT groupArray((toString(price), currency)) FROM (SELECT price, currency FROM m365.recommendations FINAL WHERE kind = 'reclaim' ORDER BY currency)"); got != "[(NULL,''),('52.3','EUR')]" {
		t.Errorf("prices %s", got)
	}
	err := db.Exec(t.Context(), fmt.Sprintf("INSERT INTO m365.licence_changes (tenant_id, user_id, sku_id, stream_seq, observed_at, change) VALUES ('%s', '%s', '%s', 1, fromUnixTimestamp64Milli(%d), 'removed')",
		own, plan, e5, now.Add(2*time.Minute).UnixMilli()))
	if err != nil {
		t.Fatal(err)
	}
	record("reclaim", now.Add(3*time.Minute), 1)
	record("reclaim", now.Add(4*time.Minute), 0)
	if _, err := catalogue.Record(t.Context(), db, "gift", "jane", seats, now); err == nil {
		t.Error("a kind that is none was recorded")
	}
}
