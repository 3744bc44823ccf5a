package schemas

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// SKU is seatstream.sku.v1: https://learn.microsoft.com/graph/api/resources/subscribedsku.
// It is keyed by its GUID; the part number is not unique. ConsumedUnits may exceed the
// enabled units.
type SKU struct {
	SKUID            string         `json:"skuId"`
	SKUPartNumber    string         `json:"skuPartNumber,omitzero"`
	AppliesTo        string         `json:"appliesTo,omitzero"`        // User or Company
	CapabilityStatus string         `json:"capabilityStatus,omitzero"` // Enabled, Warning, Suspended, Deleted, LockedOut
	ConsumedUnits    int64          `json:"consumedUnits"`
	PrepaidUnits     PrepaidUnits   `json:"prepaidUnits"`
	ServicePlans     []ServicePlan  `json:"servicePlans,omitempty"`
	SubscriptionIDs  []string       `json:"subscriptionIds,omitempty"`
	Unknown          jsontext.Value `json:",embed"`
}

// PrepaidUnits counts the bought units of a SKU by state. Warning units still work
// (the grace period); suspended and locked-out units do not.
type PrepaidUnits struct {
	Enabled   int64          `json:"enabled"`
	Warning   int64          `json:"warning"`
	Suspended int64          `json:"suspended"`
	LockedOut int64          `json:"lockedOut"`
	Unknown   jsontext.Value `json:",embed"`
}

// ServicePlan is one service inside a SKU.
type ServicePlan struct {
	ServicePlanID      string         `json:"servicePlanId"`
	ServicePlanName    string         `json:"servicePlanName,omitzero"`
	ProvisioningStatus string         `json:"provisioningStatus,omitzero"`
	AppliesTo          string         `json:"appliesTo,omitzero"`
	Unknown            jsontext.Value `json:",embed"`
}

// Entity is the last token of the record's subject.
func (s *SKU) Entity() string { return s.SKUID }

// Normalize brings the record into its one form.
func (s *SKU) Normalize() {
	s.SKUID = GUID(s.SKUID)
	for i := range s.ServicePlans {
		p := &s.ServicePlans[i]
		p.ServicePlanID, p.Unknown = GUID(p.ServicePlanID), dropAnnotations(p.Unknown)
	}
	slices.SortFunc(s.ServicePlans, func(a, b ServicePlan) int { // by all that is encoded, see compareStates
		if c := strings.Compare(a.ServicePlanID, b.ServicePlanID); c != 0 {
			return c
		}
		return cmp.Or(strings.Compare(a.ServicePlanName, b.ServicePlanName), strings.Compare(a.ProvisioningStatus, b.ProvisioningStatus),
			strings.Compare(a.AppliesTo, b.AppliesTo), bytes.Compare(a.Unknown, b.Unknown))
	})
	normalizeGUIDs(s.SubscriptionIDs)
	s.PrepaidUnits.Unknown = dropAnnotations(s.PrepaidUnits.Unknown)
	s.Unknown = dropAnnotations(s.Unknown)
}

// Subscription is seatstream.subscription.v1:
// https://learn.microsoft.com/graph/api/resources/companysubscription.
// NextLifecycleDateTime is the next change of status if nothing is done, not
// necessarily a renewal.
type Subscription struct {
	ID                    string         `json:"id"`
	SKUID                 string         `json:"skuId,omitzero"`
	SKUPartNumber         string         `json:"skuPartNumber,omitzero"`
	Status                string         `json:"status,omitzero"`
	IsTrial               Tristate       `json:"isTrial,omitzero"`
	TotalLicenses         int64          `json:"totalLicenses"`
	CreatedDateTime       string         `json:"createdDateTime,omitzero"`
	NextLifecycleDateTime string         `json:"nextLifecycleDateTime,omitzero"`
	Unknown               jsontext.Value `json:",embed"`
}

// Entity is the last token of the record's subject.
func (s *Subscription) Entity() string { return s.ID }

// Normalize brings the record into its one form.
func (s *Subscription) Normalize() {
	s.ID, s.SKUID = GUID(s.ID), GUID(s.SKUID)
	s.Unknown = dropAnnotations(s.Unknown)
}

// Changes of holding that a licence record can report.
const (
	LicenceAssigned     = "assigned"
	LicenceRemoved      = "removed"
	LicenceErrored      = "errored"
	LicenceStateChanged = "state_changed"
)

// Licence is seatstream.licence.v1: one change of what a user holds, derived by
// comparing two states of the user. It is an event: the last one of a user and SKU
// says what happened last, not necessarily what is held.
type Licence struct {
	UserID  string         `json:"userId"`
	SKUID   string         `json:"skuId"`
	Change  string         `json:"change"`
	Before  Holding        `json:"before"`
	After   Holding        `json:"after"`
	Unknown jsontext.Value `json:",embed"`
}

// Holding is how a user held a SKU at one moment.
type Holding struct {
	Held          bool           `json:"held"`
	States        []string       `json:"states,omitempty"` // one per path: state, or state:error
	DisabledPlans []string       `json:"disabledPlans,omitempty"`
	Unknown       jsontext.Value `json:",embed"`
}

// Entity is the last token of the record's subject.
func (l *Licence) Entity() string { return l.UserID + "_" + l.SKUID }
