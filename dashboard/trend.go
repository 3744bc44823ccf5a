package dashboard

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// trend is a drawing of figures over days.
type trend struct {
	Label         string
	Width, Height int
	Lines         []trendLine
	Most          string // the upper end of the scale
	From, To      string // its days
}

// trendLine is one line, with its name and a dash pattern of its own.
type trendLine struct {
	Name, Class, Points string
	Last                string
	X, Y                float64
}

const (
	trendHeight = 180
	trendTop    = 20
	trendFloor  = 150
)

// reportLabels are the reports that are read day by day, in words.
var reportLabels = map[string]string{"getOffice365ActiveUserDetail-daily": "active in Microsoft 365 services", "getM365AppUserDetail-daily": "active in the apps"}

// activity draws the people active on each day, a line a report. Days that were not read
// have no point: a line leads over them and claims nothing of them.
func activity(f *found) *trend {
	type point struct {
		day    time.Time
		people int64
	}
	series := map[string][]point{}
	var first, last time.Time
	most := int64(1)
	for _, r := range f.rows {
		day := r.Time("day")
		if day == nil {
			continue
		}
		if first.IsZero() || day.Before(first) {
			first = *day
		}
		if day.After(last) {
			last = *day
		}
		most = max(most, r.Count("people"))
		series[r.Text("report")] = append(series[r.Text("report")], point{*day, r.Count("people")})
	}
	t := &trend{Label: "People active on each day; the table has the same figures", Width: chartWidth, Height: trendHeight, Most: count(most), From: first.Format(time.DateOnly), To: last.Format(time.DateOnly)}
	span := max(last.Sub(first).Hours()/24, 1)
	for report, points := range series {
		if len(points) < 2 {
			continue
		}
		slices.SortFunc(points, func(a, b point) int { return a.day.Compare(b.day) })
		var text []string
		line := trendLine{Name: cmp.Or(reportLabels[report], report)}
		for _, p := range points {
			line.X = p.day.Sub(first).Hours() / 24 / span * (chartWidth - 60)
			line.Y = trendFloor - float64(p.people)/float64(most)*(trendFloor-trendTop)
			text = append(text, fmt.Sprintf("%.1f,%.1f", line.X, line.Y))
			line.Last = count(p.people)
		}
		line.Points = strings.Join(text, " ")
		t.Lines = append(t.Lines, line)
	}
	slices.SortFunc(t.Lines, func(a, b trendLine) int { return cmp.Compare(a.Name, b.Name) })
	for i := range t.Lines {
		t.Lines[i].Class = fmt.Sprintf("line%d", i%2)
	}
	return t
}
