package graph

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"
)

// maxObject bounds an answer that is one small object.
const maxObject = 1 << 20

// ReportSettings reads whether the tenant conceals names in its usage reports, which is
// the default. It needs ReportSettings.Read.All, else it gives Permission; the rows of a
// report show it too.
func (c *Client) ReportSettings(ctx context.Context) (concealed bool, err error) {
	info, err := c.get("/admin/reportSettings")
	if err != nil {
		return false, fmt.Errorf("read report settings: %w", err)
	}
	for try := 1; ; try++ {
		resp, err := c.send(ctx, info)
		if err != nil {
			return false, fmt.Errorf("read report settings: %w", err)
		}
		if resp.StatusCode != http.StatusOK {
			e := responseError(resp, feedReportSettings)
			discard(resp)
			return false, fmt.Errorf("read report settings: %w", e)
		}
		concealed, err := decodeSettings(resp.Body)
		cut := broken(resp.Body)
		discard(resp)
		if err == nil {
			return concealed, nil
		}
		if ctx.Err() != nil {
			return false, fmt.Errorf("read report settings: %w", asError(ctx, err))
		}
		if try == pageTries {
			return false, fmt.Errorf("read report settings: %w", bodyError(err, cut))
		}
		if err := c.retry.pause(ctx, c.retry.backoff(try)); err != nil {
			return false, fmt.Errorf("read report settings: %w", asError(ctx, err))
		}
	}
}

// decodeSettings takes both forms that the answer has been seen in: the object itself,
// and the object as value of another (Microsoft Graph documentation, "Get
// adminReportSettings").
func decodeSettings(r io.Reader) (concealed bool, err error) {
	type settings struct {
		Concealed *bool `json:"displayConcealedNames"`
	}
	var body struct {
		settings
		Value settings `json:"value"`
	}
	text, err := io.ReadAll(io.LimitReader(r, maxObject+1))
	switch {
	case err != nil:
		return false, err
	case len(text) == 0:
		return false, io.EOF
	case len(text) > maxObject:
		return false, errTooLarge
	}
	if err := json.Unmarshal(text, &body, pageOptions); err != nil {
		return false, err
	}
	for _, found := range []*bool{body.Concealed, body.Value.Concealed} {
		if found != nil {
			return *found, nil
		}
	}
	return false, errors.New("no displayConcealedNames")
}
