package graph

import (
	"errors"
	"fmt"
	"time"
)

// soon is how long before its end a certificate is told to be replaced.
const soon = 30 * 24 * time.Hour

const expiredSecret = "AADSTS7000222"

const secretPlace = "Entra admin centre > App registrations > the app > Certificates & secrets"

// expiry is what is known of a credential's end: the time, where there is one to be known,
// and words for it.
type expiry struct {
	at    time.Time
	words string
}

func (s secret) expiry() (expiry, error) {
	return expiry{words: "a client secret: when it expires cannot be known with these permissions; " + secretPlace + " shows it"}, nil
}

func (w WorkloadIdentity) expiry() (expiry, error) {
	return expiry{words: "a workload identity: there is no secret that expires"}, nil
}

func (m ManagedIdentity) expiry() (expiry, error) {
	return expiry{words: "a managed identity: Azure renews it"}, nil
}

func (c Certificate) expiry() (expiry, error) {
	certs, key, err := c.load(time.Now())
	if err != nil {
		return expiry{}, err
	}
	for _, cert := range certs {
		if key.PublicKey.Equal(cert.PublicKey) {
			return expiry{cert.NotAfter, "a certificate"}, nil
		}
	}
	return expiry{words: "a certificate"}, nil // load has found it
}

// probeCredential says when the credential expires, where that can be known. A secret that
// has expired is only known by the sign-in's refusal (AADSTS7000222).
func (c *Client) probeCredential(signIn Check) Check {
	check := Check{Name: "credential", Status: StatusOK}
	if e, ok := errors.AsType[*Error](signIn.Err); ok && e.Code == expiredSecret {
		check.Status, check.Detail, check.Remedy, check.Err = StatusDenied, "the client secret has expired", e.Remedy, signIn.Err
		return check
	}
	end, err := c.credential.expiry()
	if err != nil {
		check.fail(err)
		return check
	}
	check.Detail = end.words
	if end.at.IsZero() {
		return check
	}
	left := time.Until(end.at)
	check.Detail = fmt.Sprintf("%s, valid until %s: %d days left", end.words, end.at.UTC().Format(time.DateOnly), left/(24*time.Hour))
	if left < soon {
		check.Remedy = "make a new one and register it before then: " + certificatePlace
	}
	return check
}
