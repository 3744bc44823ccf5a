package producer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/schemas"
)

// What Microsoft or the tenant changed since the run before, and values that the project
// does not know, are kept as they came and named in the evidence.

// knownValues of the properties that questions about licences branch on. Source: the
// Microsoft Graph reference of licenseAssignmentState, subscribedSku and companySubscription.
var knownValues = map[string][]string{
	"licenseAssignmentStates.state": {"Active", "ActiveWithError", "Disabled", "Error"},
	"licenseAssignmentStates.error": {
		"None", "CountViolation", "MutuallyExclusiveViolation", "DependencyViolation", "ProhibitedInUsageLocationViolation",
		"UniquenessViolation", "Other", "Others",
	},
	"userType":                        {"Member", "Guest"},
	"subscribedSkus.capabilityStatus": {"Enabled", "Warning", "Suspended", "Deleted", "LockedOut"},
	"subscribedSkus.appliesTo":        {"User", "Company"},
	"subscriptions.status":            {"Enabled", "Warning", "Suspended", "Deleted", "LockedOut"},
}

// mostValues bounds the unknown values of a property that evidence names.
const mostValues = 10

// changes are what a feed found that evidence must say.
type changes struct {
	renamed int
	unknown map[string]map[string]int // property, value, occurrences
}

func (c *changes) value(property, value string) {
	if value == "" || slices.Contains(knownValues[property], value) {
		return
	}
	if c.unknown == nil {
		c.unknown = map[string]map[string]int{}
	}
	values := c.unknown[property]
	if values == nil {
		values = map[string]int{}
		c.unknown[property] = values
	}
	if _, ok := values[value]; ok || len(values) < mostValues {
		values[value]++
	} else {
		values["others"]++
	}
}

// observe looks at an entity as it was listed.
func (c *changes) observe(e schemas.Entity) {
	switch v := e.(type) {
	case *schemas.User:
		c.value("userType", v.UserType)
		for i := range v.LicenseAssignmentStates {
			c.value("licenseAssignmentStates.state", v.LicenseAssignmentStates[i].State)
			c.value("licenseAssignmentStates.error", v.LicenseAssignmentStates[i].Error)
		}
	case *schemas.SKU:
		c.value("subscribedSkus.capabilityStatus", v.CapabilityStatus)
		c.value("subscribedSkus.appliesTo", v.AppliesTo)
	case *schemas.Subscription:
		c.value("subscriptions.status", v.Status)
	}
}

// notes says what was found.
func (c *changes) notes() (notes []string) {
	if c.renamed > 0 {
		notes = append(notes, fmt.Sprintf("principal names changed: %d", c.renamed))
	}
	for _, property := range slices.Sorted(maps.Keys(c.unknown)) {
		for _, value := range slices.Sorted(maps.Keys(c.unknown[property])) {
			notes = append(notes, fmt.Sprintf("%s has a value that is not known, kept as it came: %q, %d times", property, short(value), c.unknown[property][value]))
		}
	}
	return notes
}

// short bounds hostile text.
func short(text string) string {
	const most = 100
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// lastOf reads the last record of an entity; found is false where there is none or it is
// deleted.
func (c *collection) lastOf(kind schemas.Kind, id string, into any) (found bool, err error) {
	stream, err := c.js.Stream(c.ctx, schemas.StreamM365.Name)
	if err != nil {
		return false, fmt.Errorf("read last record of %s %s: %w", kind, id, err)
	}
	msg, err := stream.GetLastMsgForSubject(c.ctx, c.subject(kind, id).String())
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read last record of %s %s: %w", kind, id, err)
	}
	if msg.Header.Get(schemas.HeaderOp) == string(schemas.Delete) {
		return false, nil
	}
	return true, schemas.Decode(msg.Data, into)
}

// organization says how the tenant's name changed.
func (c *collection) organization(now *schemas.Organization) error {
	var before schemas.Organization
	found, err := c.lastOf(schemas.KindOrganization, now.ID, &before)
	if err != nil || !found {
		return err
	}
	if old, now := before.DefaultDomain(), now.DefaultDomain(); old != now {
		c.ev.Notes = append(c.ev.Notes, fmt.Sprintf("default domain changed: %q to %q", short(old), short(now)))
	}
	if before.DisplayName != now.DisplayName {
		c.ev.Notes = append(c.ev.Notes, fmt.Sprintf("name of the organization changed: %q to %q", short(before.DisplayName), short(now.DisplayName)))
	}
	return nil
}

// departed says what left a complete listing where that means more than one entity less.
func (c *collection) departed(gone []string) error {
	switch c.kind {
	case schemas.KindSKU:
		for _, id := range gone {
			var sku schemas.SKU
			if _, err := c.lastOf(c.kind, id, &sku); err != nil {
				return err
			}
			c.ev.Notes = append(c.ev.Notes, fmt.Sprintf("SKU no longer listed: %q (%s)", short(sku.SKUPartNumber), id))
		}
	case schemas.KindDeletedUser:
		restored := 0
		for _, id := range gone {
			found, err := c.lastOf(schemas.KindUser, id, &schemas.User{})
			if err != nil {
				return err
			}
			if found {
				restored++
			}
		}
		if restored > 0 {
			c.ev.Notes = append(c.ev.Notes, fmt.Sprintf("users restored from the recycle bin: %d", restored))
		}
	}
	return nil
}
