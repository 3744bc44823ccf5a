package schemas

import (
	"embed"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed catalogue
var catalogueFiles embed.FS

// Reviewed is the day the shipped data on products was last reviewed. Its rows carry it
// as their time of import, so that whatever a person imports or edits comes after.
var Reviewed = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

// AllTenants is the tenant_id of rows that count for every tenant, and stands for "none"
// where a user or SKU may be left out.
const AllTenants = "00000000-0000-0000-0000-000000000000"

// ShippedSKU is a product in common use.
type ShippedSKU struct {
	ID, PartNumber, Name string
	Free                 bool // costs nothing
	Viral                bool // people sign up for it themselves
	CompanyLevel         bool // serves the tenant as a whole: no holders
	Family               string
	Tier                 int16 // rank in the family, larger is more; 0: none
	Note                 string
}

// ShippedPlan is a service plan of the products in common use.
type ShippedPlan struct {
	ID, Code, Name string
	Foundation     bool   // no part of a comparison
	CoveredBy      string // report function that shows its use; empty: none does
	Family         string
}

// ShippedPair is an ordered pair of GUIDs: a plan and what it supersedes, or a SKU and
// its smaller edition, then with the kind of downgrade.
type ShippedPair struct{ From, To, Kind, Note string }

// ShippedCatalogue is the data on products that comes with the program.
type ShippedCatalogue struct {
	SKUs       []ShippedSKU
	Plans      []ShippedPlan
	Supersedes []ShippedPair
	Downgrades []ShippedPair
}

// Shipped returns the data on products that comes with the program.
var Shipped = sync.OnceValue(func() *ShippedCatalogue {
	var c ShippedCatalogue
	each := func(file string, columns int, row func(f []string)) {
		if err := eachLine(file, columns, row); err != nil {
			panic(err) // the files are embedded, and TestShipped reads them
		}
	}
	each("skus.csv", 7, func(f []string) {
		tier, err := strconv.ParseInt(f[5], 10, 16)
		if err != nil {
			panic(fmt.Errorf("read skus.csv: tier of %s: %w", f[1], err))
		}
		c.SKUs = append(c.SKUs, ShippedSKU{
			ID: f[0], PartNumber: f[1], Name: f[2], Family: f[4], Tier: int16(tier), Note: f[6],
			Free: strings.Contains(f[3], "f"), Viral: strings.Contains(f[3], "v"), CompanyLevel: strings.Contains(f[3], "c"),
		})
	})
	each("plans.csv", 6, func(f []string) {
		c.Plans = append(c.Plans, ShippedPlan{f[0], f[1], f[2], f[3] == "true", f[4], f[5]})
	})
	each("supersedes.csv", 3, func(f []string) {
		c.Supersedes = append(c.Supersedes, ShippedPair{From: f[0], To: f[1], Note: f[2]})
	})
	each("downgrades.csv", 4, func(f []string) {
		c.Downgrades = append(c.Downgrades, ShippedPair{f[0], f[1], f[2], f[3]})
	})
	return &c
})

// eachLine reads a shipped file: comments, a header, lines of so many fields.
func eachLine(file string, columns int, row func([]string)) error {
	f, err := catalogueFiles.Open("catalogue/" + file)
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	defer func() { _ = f.Close() }() // embedded
	r := csv.NewReader(f)
	r.Comment, r.FieldsPerRecord = '#', columns
	for header := true; ; header = false {
		fields, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		if !header {
			row(fields)
		}
	}
}
