package schemas

import "github.com/go-json-experiment/json/jsontext"

// Run is seatstream.run.v1: the evidence of one feed of one run, or of the whole run
// (feed "all"). Every answer about licences cites it: what was read, when, how far, and
// what could not be seen.
type Run struct {
	RunID         string `json:"runId"`
	Connector     string `json:"connector"`
	Feed          string `json:"feed"` // organization, skus, ..., a report function, or all
	Status        string `json:"status"`
	Baseline      bool   `json:"baseline,omitzero"` // first complete listing: nothing is known of before
	Pages         int64  `json:"pages"`
	Entities      int64  `json:"entities"` // listed by Graph
	Published     int64  `json:"published"`
	Unchanged     int64  `json:"unchanged"`
	Deleted       int64  `json:"deleted"`
	Events        int64  `json:"events,omitzero"` // licence records derived
	Rejected      int64  `json:"rejected,omitzero"`
	RefreshDate   string `json:"reportRefreshDate,omitzero"`
	ConcealedRows int64  `json:"concealedRows,omitzero"`
	// Of the tenant's report settings: whether reports conceal names. Unknown where it may
	// not be read.
	DisplayConcealedNames Tristate       `json:"displayConcealedNames,omitzero"`
	MissingColumns        []string       `json:"missingColumns,omitempty"` // in the catalogue, not in the report
	NewColumns            []string       `json:"newColumns,omitempty"`     // in the report, not in the catalogue
	MovedSKUs             []string       `json:"movedSkus,omitempty"`      // changed between the two readings of one run
	Permissions           []string       `json:"permissions,omitempty"`    // application permissions in the token
	StartedAt             string         `json:"startedAt"`
	FinishedAt            string         `json:"finishedAt"`
	Notes                 []string       `json:"notes,omitempty"`
	Error                 *RunError      `json:"error,omitempty"`
	Unknown               jsontext.Value `json:",embed"`
}

// RunError says why a feed is not complete and what to do about it. It never holds a
// secret, a token or the text of a sign-in error, which names app and directory.
type RunError struct {
	Code    string         `json:"code"`
	Message string         `json:"message"`
	Remedy  string         `json:"remedy,omitzero"`
	Unknown jsontext.Value `json:",embed"`
}

// Statuses of a feed's evidence.
const (
	// RunComplete: everything Graph lists was read and published.
	RunComplete = "complete"
	// RunIncomplete: the listing broke off; what was read is published, nothing is deleted.
	RunIncomplete = "incomplete"
	// RunFailed: nothing could be read.
	RunFailed = "failed"
	// RunUnavailable: the tenant or its permissions do not offer the feed.
	RunUnavailable = "unavailable"
)

// FeedReportSettings is the feed of the evidence of the tenant's report settings. It has no
// entities: what was found stands in displayConcealedNames.
const FeedReportSettings = "report_settings"

// FeedAll is the feed of the evidence that closes a run.
const FeedAll = "all"

// FeedErase is the feed of the evidence that an erasure leaves behind.
const FeedErase = "erase"

// Entity is the last token of the record's subject: the last evidence of a feed.
func (r *Run) Entity() string { return r.Feed }
