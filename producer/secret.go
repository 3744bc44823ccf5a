package producer

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/seatstream/seatstream/schemas"
)

// SecretRef says where a secret is found: env:NAME or file:PATH. It is safe to log and
// to store; the secret itself never is.
type SecretRef string

// ErrSecretID tells that somebody pasted a secret's id for its value.
var ErrSecretID = errors.New("this is a GUID, so it is the Secret ID: give the secret's Value, which the portal shows once, when the secret is made (App registrations > your app > Certificates & secrets > New client secret)")

// Validate checks the form of the reference without resolving it. The error never
// repeats the text: it may be a secret pasted in the wrong place.
func (r SecretRef) Validate() error {
	scheme, rest, ok := strings.Cut(string(r), ":")
	switch {
	case r == "":
		return errors.New("missing: say where the secret is found, env:NAME or file:PATH")
	case schemas.IsGUID(schemas.GUID(string(r))):
		return ErrSecretID
	case !ok || scheme != "env" && scheme != "file" || rest == "":
		return errors.New("not a reference: a secret itself does not belong here; put it into an environment variable or a file and write env:NAME or file:PATH")
	}
	return nil
}

// Resolve reads the secret. It is called for every sign-in, so a rotated secret works
// without a restart. Errors name the place, never the content.
func (r SecretRef) Resolve() (string, error) {
	if err := r.Validate(); err != nil {
		return "", err
	}
	scheme, rest, _ := strings.Cut(string(r), ":")
	var value string
	switch scheme {
	case "env":
		value = os.Getenv(rest)
		if value == "" {
			return "", fmt.Errorf("client secret: environment variable %s is not set or empty: set it to the secret's Value", rest)
		}
	case "file":
		b, err := os.ReadFile(rest)
		if err != nil {
			return "", fmt.Errorf("client secret: %w: write the secret's Value into that file, readable by this user only", err)
		}
		value = strings.TrimSpace(string(b))
		if value == "" {
			return "", fmt.Errorf("client secret: file %s is empty: write the secret's Value into it", rest)
		}
	}
	if schemas.IsGUID(schemas.GUID(value)) {
		return "", fmt.Errorf("client secret from %s: %w", scheme, ErrSecretID)
	}
	return value, nil
}
