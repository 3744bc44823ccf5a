package answer_test

import (
	"fmt"
	"testing"

	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/schemas"
)

// TestEvidence: what a question rests on, where it is whole, where the last reading broke
// off, where names are concealed, and where a feed was never read.
func TestEvidence(t *testing.T) {
	t.Parallel()
	db := database(t)
	for i, run := range []struct {
		feed, status, date, message string
		entities, concealed         int
	}{
		{"skus", "complete", "NULL", "", 3, 0},
		{"users", "complete", "NULL", "", 10, 0},
		{"users", "failed", "NULL", "it broke", 4, 0},
		{"getM365AppUserDetail", "complete", "'2026-11-20'", "", 8, 2},
	} {
		exec(t, db, fmt.Sprintf(`INSERT INTO m365.run_changes (tenant_id, feed, run_id, stream_seq, observed_at, op, deleted, connector, status, entities, concealed_rows, refresh_date, error_message, started_at, finished_at)
VALUES ('%s', '%s', 'e%d', %d, now64(), 'upsert', 0, 'c', '%s', %d, %d, %s, '%s', now64(), now64())`, contoso, run.feed, i, 50+i, run.status, run.entities, run.concealed, run.date, run.message))
	}
	q, err := schemas.QueryNamed("unused-licences")
	if err != nil {
		t.Fatal(err)
	}
	got, err := rows(t, func(w output.Writer) error { return answer.Evidence(t.Context(), db, q, contoso, w) })
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]map[string]any{}
	for _, r := range got {
		by[fmt.Sprint(r["feed"])] = r
	}
	for feed, want := range map[string][]string{
		"skus":                         {"complete", "<nil>", "3", "<nil>", ""},
		"users":                        {"failed", "<nil>", "10", "<nil>", "the last reading broke off: older figures are used; it broke"},
		"getM365AppUserDetail":         {"complete", "2026-11-20", "8", "0.25", "2 rows with concealed names"},
		"getOffice365ActiveUserDetail": {"never collected", "<nil>", "<nil>", "<nil>", "no run has read this feed"},
	} {
		for i, column := range []string{"status", "report_date", "entities", "concealed", "missing"} {
			if s := fmt.Sprint(by[feed][column]); s != want[i] {
				t.Errorf("%s: %s is %q, want %q", feed, column, s, want[i])
			}
		}
		if (by[feed]["collected_at"] == nil) != (feed == "getOffice365ActiveUserDetail") {
			t.Errorf("%s: collected at %v", feed, by[feed]["collected_at"])
		}
	}
	if all, err := rows(t, func(w output.Writer) error { return answer.Evidence(t.Context(), db, q, "", w) }); err != nil || len(all) != 4*len(got) {
		t.Errorf("all tenants: %d rows, %v; one has %d", len(all), err, len(got))
	}
	if err := answer.Evidence(t.Context(), db, q, "' OR 1", output.NewWriter(t.Output(), output.FormatJSON, output.Options{})); err == nil {
		t.Error("a tenant that is no id was taken")
	}
}
