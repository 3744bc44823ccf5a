package graph

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// Certificate signs in with a certificate that is registered with the app.
type Certificate struct {
	// File holds certificate and private key: both as PEM, in any order, or as PFX
	// (PKCS #12).
	File string
	// Read, if set, returns what would be in the file; File is then its name in messages.
	Read func() ([]byte, error)
	// Password returns the password of a PFX; nil if it has none.
	Password func() (string, error)
	// SendChain sends the certificates along, for apps that are registered by subject
	// name and issuer.
	SendChain bool
}

const (
	certificatePlace = "Entra admin centre > App registrations > the app > Certificates & secrets > Certificates"
	pemHint          = "put certificate and key into one PEM file: openssl pkcs12 -in app.pfx -out app.pem -nodes"
)

func (c Certificate) needsApp() bool { return true }

func (c Certificate) open(x *exchange) (azcore.TokenCredential, error) {
	certs, key, err := c.load(time.Now())
	if err != nil {
		return nil, err
	}
	return azidentity.NewClientCertificateCredential(x.tenant, x.clientID, certs, key, &azidentity.ClientCertificateCredentialOptions{
		ClientOptions: x.clientOptions(), DisableInstanceDiscovery: true, SendCertificateChain: c.SendChain,
	})
}

// load reads the file and checks what the sign-in service would refuse with fewer words.
func (c Certificate) load(now time.Time) ([]*x509.Certificate, *rsa.PrivateKey, error) {
	read := c.Read
	if read == nil {
		read = func() ([]byte, error) { return os.ReadFile(c.File) }
	}
	data, err := read()
	if err != nil {
		return nil, nil, &Error{Kind: SignIn, Message: "read client certificate", Err: err}
	}
	certs, keys, err := c.parse(data)
	if err != nil {
		return nil, nil, err
	}
	if len(certs) == 0 {
		return nil, nil, c.fault("holds no certificate", pemHint)
	}
	if len(keys) == 0 {
		return nil, nil, c.fault("holds no private key", pemHint)
	}
	key, ok := keys[0].(*rsa.PrivateKey)
	if !ok {
		return nil, nil, c.fault("holds a key that is not RSA", "make a certificate with an RSA key: Entra ID takes no other for an app")
	}
	for _, cert := range certs {
		if !key.PublicKey.Equal(cert.PublicKey) {
			continue
		}
		if now.After(cert.NotAfter) {
			return nil, nil, c.fault("expired on "+cert.NotAfter.UTC().Format(time.DateOnly), "make a new one and register it: "+certificatePlace)
		}
		if now.Before(cert.NotBefore) {
			return nil, nil, c.fault("is not valid before "+cert.NotBefore.UTC().Format(time.DateOnly), "check this machine's clock")
		}
		return certs, key, nil
	}
	return nil, nil, c.fault("holds a key that belongs to none of its certificates", pemHint)
}

func (c Certificate) fault(what, remedy string) *Error {
	return &Error{Kind: SignIn, Message: fmt.Sprintf("read client certificate: %s %s", c.File, what), Remedy: remedy}
}

// parse tells PEM from PFX by what is in the file.
func (c Certificate) parse(data []byte) (certs []*x509.Certificate, keys []any, err error) {
	block, rest := pem.Decode(data)
	if block == nil {
		// Where only text can be kept, a vault or a variable, a PFX is kept as base64.
		if raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(data))); err == nil {
			data = raw
		}
		return c.parsePFX(data)
	}
	for ; block != nil; block, rest = pem.Decode(rest) {
		var key any
		switch {
		case block.Type == "CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, nil, c.fault("holds a malformed certificate", "")
			}
			certs = append(certs, cert)
			continue
		case block.Type == "ENCRYPTED PRIVATE KEY", block.Headers["DEK-Info"] != "":
			return nil, nil, c.fault("holds an encrypted key", "use a PFX with a password, or decrypt the key: openssl rsa -in app.key -out plain.key")
		case block.Type == "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case block.Type == "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case block.Type == "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		default:
			continue
		}
		if err != nil {
			return nil, nil, c.fault("holds a malformed private key", "")
		}
		keys = append(keys, key)
	}
	if len(keys) > 1 {
		return nil, nil, c.fault("holds several private keys", "leave the certificate's own")
	}
	return certs, keys, nil
}

func (c Certificate) parsePFX(data []byte) ([]*x509.Certificate, []any, error) {
	var password []byte
	if c.Password != nil {
		text, err := c.Password()
		if err != nil {
			return nil, nil, &Error{Kind: SignIn, Message: "read password of client certificate", Err: err}
		}
		password = []byte(text)
	}
	certs, key, err := azidentity.ParseCertificates(data, password)
	if err != nil {
		// azidentity reads the older algorithms only, and its errors do not tell a wrong
		// password from new ones.
		return nil, nil, c.fault("is neither PEM nor a PFX that can be opened: the password is wrong, or it was made with AES and SHA-256", pemHint)
	}
	return certs, []any{key}, nil
}
