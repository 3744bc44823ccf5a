package dashboard

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/nats-io/nats.go"

	"github.com/seatstream/seatstream/catalogue"
	"github.com/seatstream/seatstream/schemas"
)

// testBrowser drives every page and form in a real browser.
func (s *stack) testBrowser(t *testing.T) {
	b := openTab(t, s.url)
	s.lookAround(t, b)
	s.compareStream(t, b)
	s.leaveAloneAndTakeBack(t, b)
	s.storeDeadLetters(t, b)
	s.addConnector(t, b)
	s.removeIt(t, b)
	s.hostileNames(t, b)
	s.firstOpen(t)
}

// everyPage lists the pages that a person can get to.
func (s *stack) everyPage(t *testing.T) []string {
	t.Helper()
	contoso := s.sim.Tenants()[0]
	var user string
	if err := s.db.Conn.QueryRow(t.Context(), "SELECT toString(user_id) FROM m365.users FINAL WHERE tenant_id = ? AND notEmpty(sku_ids) ORDER BY length(sku_ids) DESC LIMIT 1", contoso.ID).Scan(&user); err != nil {
		t.Fatal(err)
	}
	return []string{
		"/", "/tenant?tenant=contoso", "/people", "/people?tenant=contoso&state=unknown&sort=-last_use", "/people?show=disabled", "/people/" + user + "?tenant=contoso",
		"/recommendations?tenant=contoso", "/recommendations?kind=downgrade", "/recommendations?kind=outcome", "/recommendations?kind=excluded", "/questions", "/questions/licence-position",
		"/connectors", "/connectors/contoso", "/connectors/new", "/connectors/contoso/remove", "/streams", "/nothing", "/?as_of=2020-01-01",
	}
}

// lookAround opens every page: no complaint of the browser, no sideways scrolling, nothing
// that axe-core finds.
func (s *stack) lookAround(t *testing.T, b *tab) {
	for _, path := range s.everyPage(t) {
		b.open(path)
		b.until("figures that moved", `[...document.querySelectorAll("[data-delta]")].every(e => e.textContent.trim() !== "")`)
		b.fits(path)
		b.accessible(path)
		if path == "/nothing" { // the browser logs the status itself
			b.says("Not found")
			b.mu.Lock()
			b.complaints = nil
			b.mu.Unlock()
		}
		b.quiet(path)
	}
	// Links, sorting, pages and filters are addresses.
	b.open("/people?tenant=contoso")
	rows := `document.querySelectorAll("#people tbody tr").length`
	if n := value[int](b, rows); n != pageRows {
		t.Errorf("a list of people shows %d rows", n)
	}
	b.submit(`a[rel=next]`)
	b.says("51 to ")
	b.submit(`#people th a`)
	if got := value[string](b, `document.querySelector("#people th").getAttribute("aria-sort") + location.search`); !strings.HasPrefix(got, "ascending?") || !strings.Contains(got, "sort=display_name") {
		t.Errorf("sorted: %s", got)
	}
	b.do(chromedp.SetValue(chromedp.CSS(`input[name=search]`), "zzzzzz"))
	b.submit(`form.filters button`)
	b.says("Nobody fits")
	b.open("/?tenant=fabrikam")
	if got := value[string](b, "location.pathname + location.search"); got != "/tenant?tenant=fabrikam.onmicrosoft.com" {
		t.Errorf("a tenant of the overview is %s", got)
	}
	b.says("Fabrikam", "usage reports to")
	b.submit(`.figures a[href*=evidence]`)
	b.says("What this rests on", "Definition", "seatstream query")
	b.quiet("lists")
}

// compareStream compares stream and tables, seen without a reload.
func (s *stack) compareStream(t *testing.T, b *tab) {
	b.open("/streams")
	b.do(chromedp.Evaluate[chromedp.Void](`window.kept = true`))
	b.until("a rate", `[...document.querySelectorAll("[data-rate]")].some(e => e.textContent !== "–")`)
	b.submit(`#verify button`)
	b.do(chromedp.Evaluate[chromedp.Void](`window.kept = true`))
	b.until("the end of the comparison", `/Equal|Not equal|failed/.test(document.querySelector("#verify").innerText)`)
	if !value[bool](b, "window.kept") {
		t.Error("the comparison needed a reload")
	}
	b.says("Equal:")
	b.quiet("/streams")
}

func (s *stack) leaveAloneAndTakeBack(t *testing.T, b *tab) {
	b.open("/recommendations?tenant=contoso")
	before := value[int](b, `document.querySelectorAll("#seats tbody tr").length`)
	if before == 0 {
		t.Fatal("nothing to recommend: the test needs an unused licence")
	}
	b.submit(`main form[action^="/recommendations"] button`)
	b.says("Recorded ")
	b.open("/recommendations?tenant=contoso&kind=outcome")
	b.says("open")
	b.open("/recommendations?tenant=contoso")
	b.submit(`#seats a[href^="/exclusions/new"]`)
	b.fits("/exclusions/new")
	b.accessible("/exclusions/new")
	b.fill(map[string]string{"until": "2099-01-31", "reason": "<b>scanner</b>"})
	b.do(chromedp.SetValue(chromedp.CSS("#tag"), "service account"))
	b.submit(`form.form button`)
	b.says("left alone from now on")
	if after := value[int](b, `document.querySelectorAll("#seats tbody tr").length`); after != before-1 {
		t.Errorf("%d seats are recommended after one of %d was left alone", after, before)
	}
	list, err := catalogue.Exclusions(t.Context(), s.db.Conn)
	if err != nil || len(list) != 1 || list[0].Reason != "<b>scanner</b>" || list[0].Tag != "service account" || list[0].Who != "local" || list[0].Until == nil {
		t.Fatalf("exclusions %+v, %v", list, err)
	}
	b.open("/recommendations?tenant=contoso&kind=excluded")
	b.says("service account: <b>scanner</b>", "2099-01-31")
	b.fits("exclusions")
	b.accessible("exclusions")
	b.submit(`#standing form button`)
	b.says("Taken back.", "Nothing is left out")
	b.quiet("exclusions")
}

// storeDeadLetters sets a record aside as an older program would have, and stores it again.
func (s *stack) storeDeadLetters(t *testing.T, b *tab) {
	contoso := s.sim.Tenants()[0]
	stream, err := s.nats.JS.Stream(t.Context(), schemas.StreamM365.Name)
	if err != nil {
		t.Fatal(err)
	}
	var seq uint64
	if err := s.db.Conn.QueryRow(t.Context(), "SELECT min(stream_seq) FROM m365.user_changes WHERE tenant_id = ?", contoso.ID).Scan(&seq); err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetMsg(t.Context(), seq)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"user_changes", "users"} {
		if err := s.db.Conn.Exec(t.Context(), fmt.Sprintf("ALTER TABLE m365.%s DELETE WHERE stream_seq = %d SETTINGS mutations_sync = 1", table, seq)); err != nil {
			t.Fatal(err)
		}
	}
	h := nats.Header{}
	for k, v := range m.Header {
		if !strings.HasPrefix(k, "Nats-") {
			h[k] = v
		}
	}
	h.Set(schemas.HeaderMsgID, fmt.Sprintf("M365/%d", seq))
	h.Set(schemas.HeaderDeadReason, "decode: <i>not known</i> yet")
	h.Set(schemas.HeaderDeadStream, schemas.StreamM365.Name)
	h.Set(schemas.HeaderDeadSequence, fmt.Sprint(seq))
	h.Set(schemas.HeaderDeadSubject, m.Subject)
	if _, err := s.nats.JS.PublishMsg(t.Context(), &nats.Msg{Subject: "dlq." + m.Subject, Header: h, Data: m.Data}); err != nil {
		t.Fatal(err)
	}
	b.open("/streams")
	b.says("decode: <i>not known</i> yet")
	b.fits("dead letters")
	b.accessible("dead letters")
	b.submit(`#dead form button`)
	b.says("Stored 1 records; 0 still cannot be stored", "None: every record")
	if n := s.count(t, "SELECT count() FROM m365.user_changes FINAL WHERE stream_seq = %d", seq); n != 1 {
		t.Errorf("the record is there %d times", n)
	}
	b.quiet("dead letters")
}

// addConnector sets up the third tenant with a pasted secret and sees its first run end
// without a reload.
func (s *stack) addConnector(t *testing.T, b *tab) {
	northwind := s.sim.Tenants()[2]
	b.open("/connectors/new")
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("details").open = true`))
	fields := map[string]string{
		"name": "northwind", "tenant": "nonsense", "client_id": northwind.ClientID, "client_secret": northwind.ClientSecret,
		"graph_url": s.sim.URL(), "authority_url": s.sim.AuthorityURL(), "ca_file": s.sim.CAFile(),
	}
	b.fill(fields)
	b.submit(`form.form button`)
	b.says("This cannot work yet", `tenant "nonsense"`)
	if value[string](b, `document.querySelector("#client_secret").value`) != "" || strings.Contains(value[string](b, "document.documentElement.outerHTML"), northwind.ClientSecret) {
		t.Error("the page shows the secret")
	}
	b.accessible("a form with problems")
	b.mu.Lock()
	b.complaints = nil // the browser logs the status 400 itself
	b.mu.Unlock()
	fields["tenant"] = northwind.Domain
	b.fill(fields)
	b.submit(`form.form button`)
	b.do(chromedp.Evaluate[chromedp.Void](`window.kept = true`))
	b.until("the end of the first run", `document.documentElement.dataset.run === "done stored"`)
	b.until("the words of its end", `/complete: \d+ entities/.test(document.querySelector("[data-text]").textContent)`)
	if !value[bool](b, "window.kept") {
		t.Error("to see the run's end needed a reload")
	}
	b.submit(`form[action^="/connectors/northwind/check"] button`)
	b.says("Check: ready", "Questions that will be answered", "licence-position")
	b.fits("verdict")
	b.accessible("verdict")
	if page := s.get(t, "/connectors/northwind") + s.get(t, "/api/v1/connectors/northwind"); strings.Contains(page, northwind.ClientSecret) || strings.Contains(page, s.secrets) {
		t.Error("the page shows the secret, or where it is")
	}
	info, err := os.Stat(filepath.Join(s.secrets, "northwind.secret"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret's file: %v, %v", info, err)
	}
	b.submit(`form[action^="/connectors/northwind/pause"] button`)
	b.says("paused")
	b.submit(`form[action^="/connectors/northwind/resume"] button`)
	b.submit(`form[action^="/connectors/northwind/run"] button`)
	b.do(chromedp.Evaluate[chromedp.Void](`window.kept = true`))
	b.until("the second run in the list", `document.querySelectorAll("#runs tbody tr").length === 2`)
	if !value[bool](b, "window.kept") {
		t.Error("to see the second run needed a reload")
	}
	b.open("/tenant?tenant=northwind")
	b.says("Northwind Traders", "usage reports to")
	b.quiet("new connector")
}

// removeIt removes the connector: what will happen stands there first, in numbers.
func (s *stack) removeIt(t *testing.T, b *tab) {
	holdings := s.count(t, "SELECT count() FROM (SELECT arrayJoin(sku_ids) FROM m365.users FINAL WHERE tenant_id = '%s')", s.sim.Tenants()[2].ID)
	b.open("/connectors/northwind/remove")
	b.says(fmt.Sprintf("%d licences of people", holdings))
	b.fill(map[string]string{"name": "northwind"})
	b.submit(`form.form button`)
	if _, err := s.registry.Get(t.Context(), "northwind"); err == nil {
		t.Error("the connector is still there")
	}
	b.open("/streams")
	b.says("connector-added", "connector-removed", "letters-requeued", "exclusion-added", "exclusion-removed", "recommendations-recorded")
	b.quiet("removed")
}

// hostile are names that somebody may have.
var hostile = []string{
	`<script>window.owned = 1</script>`, `"><img src=x onerror="window.owned = 1">`, "\u202eevil\u202c \u0627\u0644\u0639\u0631\u0628\u064a\u0629", "👩‍👩‍👧‍👦 family " + strings.Repeat("🧨", 20),
	strings.Repeat("w", 300), strings.Repeat("Lorem ipsum ", 25), `{{.}} ${1} javascript:window.owned=1`, "a\x00b\x1b[31mc", `</td></table><iframe src="//evil.example"></iframe>`, "=HYPERLINK(\"//evil.example\")",
}

// hostileNames gives people and a tenant such names and opens every page.
func (s *stack) hostileNames(t *testing.T, b *tab) {
	contoso := s.sim.Tenants()[0]
	rows, err := s.db.Conn.Query(t.Context(), "SELECT toString(user_id) FROM m365.users FINAL WHERE tenant_id = ? AND notEmpty(sku_ids) ORDER BY user_principal_name LIMIT ?", contoso.ID, len(hostile))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	_ = rows.Close()
	for i, id := range ids {
		err := s.db.Conn.Exec(t.Context(), `INSERT INTO m365.user_changes SELECT * REPLACE (stream_seq + 1000000 AS stream_seq, ? AS display_name, ? AS department) FROM m365.users FINAL WHERE user_id = ?`, hostile[i], hostile[i], id)
		if err != nil {
			t.Fatal(err)
		}
	}
	err = s.db.Conn.Exec(t.Context(), `INSERT INTO m365.organization_changes SELECT * REPLACE (stream_seq + 1000000 AS stream_seq, ? AS display_name) FROM m365.organizations FINAL WHERE tenant_id = ?`, hostile[0]+hostile[4], contoso.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(s.everyPage(t)[:8], "/people?tenant=contoso&sort=display_name", "/people?search="+`%3Cscript%3E`, "/people/"+ids[0]+"?tenant=contoso", "/people/"+ids[4]+"?tenant=contoso") {
		b.open(path)
		b.until("figures that moved", `[...document.querySelectorAll("[data-delta]")].every(e => e.textContent.trim() !== "")`)
		if value[bool](b, `"owned" in window || document.querySelectorAll("main img, iframe, script:not([src^='/assets/'])").length > 0`) {
			t.Errorf("%s: a name is markup", path)
		}
		b.fits(path)
		b.quiet(path)
	}
	b.open("/people/" + ids[0] + "?tenant=contoso")
	b.says(hostile[0])
	b.accessible("hostile names")
}

// firstOpen is what somebody sees who has nothing yet.
func (s *stack) firstOpen(t *testing.T) {
	for _, name := range []string{"contoso", "fabrikam"} {
		if err := s.registry.Remove(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range []string{"organizations", "organization_changes"} {
		if err := s.db.Conn.Exec(t.Context(), "TRUNCATE TABLE m365."+table); err != nil {
			t.Fatal(err)
		}
	}
	b := openTab(t, s.url)
	b.open("/")
	b.says("Set up the first tenant in five steps", "Grant admin consent", "seatstream demo")
	b.fits("first open")
	b.accessible("first open")
	b.quiet("first open")
}
