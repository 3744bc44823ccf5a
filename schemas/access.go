package schemas

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Reader is somebody who may read some tenants and nothing else: from the stream in an
// account of its own, from the tables as a user with row filters.
type Reader struct {
	Name    string   // a small letter, then small letters, digits and _
	Tenants []string // directory ids in lower case
}

// readerName is what may stand as it is in a subject, in SQL and as the name of an XML element.
var readerName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// Check says what is wrong with a reader, nil for nothing.
func (r Reader) Check() error {
	if !readerName.MatchString(r.Name) {
		return fmt.Errorf("reader %q: use a small letter, then small letters, digits and _", r.Name)
	}
	if len(r.Tenants) == 0 {
		return fmt.Errorf("reader %s: name one tenant or more", r.Name)
	}
	for _, t := range r.Tenants {
		if !IsGUID(t) || t != GUID(t) {
			return fmt.Errorf("reader %s: tenant %q: give the directory id, a GUID in lower case", r.Name, t)
		}
	}
	return nil
}

// Durable is the durable consumer through which the reader reads the stream.
func (r Reader) Durable() string { return "reader-" + r.Name }

// Filters are the subjects of the reader's tenants.
func (r Reader) Filters() (subjects []string) {
	for _, t := range r.Tenants {
		subjects = append(subjects, Root+"."+t+".>")
	}
	return subjects
}

// account is the reader's NATS account.
func (r Reader) account() string { return "READER_" + strings.ToUpper(r.Name) }

// ReaderAPI is the prefix under which a reader asks JetStream: its account has a JetStream
// API of its own under the usual one, with nothing in it.
const ReaderAPI = "SEATSTREAM.API"

// services are what a reader may ask of JetStream: its own consumer, by name. It may not
// make one: a consumer can be told to deliver anywhere, into the subjects of others too. For
// the same reason it is in an account of its own, where the answers it asks for arrive.
func (r Reader) services() []string {
	return []string{
		"$JS.API.CONSUMER.INFO." + StreamM365.Name + "." + r.Durable(),
		"$JS.API.CONSUMER.MSG.NEXT." + StreamM365.Name + "." + r.Durable(),
		"$JS.ACK." + StreamM365.Name + "." + r.Durable() + ".>",
	}
}

// NATSAccounts is the accounts block of a nats-server's configuration: the product's own
// account and one for each reader. Passwords are variables of the server's environment.
func NATSAccounts(readers []Reader) (string, error) {
	if err := checkReaders(readers); err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("accounts {\n  SEATSTREAM {\n    jetstream: enabled\n    users: [{user: seatstream, password: $SEATSTREAM_PASSWORD}]\n    exports: [\n")
	for _, r := range readers {
		for i, s := range r.services() {
			response := []string{"Singleton", "Stream", "Singleton"}[i]
			fmt.Fprintf(&b, "      {service: %q, response_type: %s, accounts: [%s]}\n", s, response, r.account())
		}
	}
	b.WriteString("    ]\n  }\n")
	for _, r := range readers {
		fmt.Fprintf(&b, "  %s {\n    users: [{user: %q, password: $%s_PASSWORD}]\n    imports: [\n", r.account(), r.Name, r.account())
		for _, s := range r.services() {
			to := strings.Replace(s, "$JS.API", ReaderAPI, 1)
			fmt.Fprintf(&b, "      {service: {account: SEATSTREAM, subject: %q}, to: %q}\n", s, to)
		}
		b.WriteString("    ]\n  }\n")
	}
	b.WriteString("}\n")
	return b.String(), nil
}

func checkReaders(readers []Reader) error {
	seen := map[string]bool{}
	for _, r := range readers {
		if err := r.Check(); err != nil {
			return err
		}
		if seen[r.account()] {
			return fmt.Errorf("reader %s: named twice", r.Name)
		}
		seen[r.account()] = true
	}
	return nil
}

// TableAccess is a table or view of the product, as a reader meets it.
type TableAccess struct {
	Name   string
	Tenant bool // has rows of tenants: read through a filter
	View   bool // runs with the reader's own rights, so that the filters of its tables hold
}

// errNoFilter says that a table with rows of tenants would be seen whole.
var errNoFilter = errors.New("reader without tenants")

// ClickHouseSQL makes the reader on a ClickHouse server that keeps users itself. digest is
// the SHA-256 of its password in hexadecimal digits.
func (r Reader) ClickHouseSQL(tables []TableAccess, digest string) (string, error) {
	if err := r.Check(); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE USER OR REPLACE `%s` IDENTIFIED WITH sha256_hash BY '%s' SETTINGS readonly = 2, max_execution_time = 60;\n", r.Name, digest)
	for _, t := range tables {
		if t.Tenant && !t.View {
			fmt.Fprintf(&b, "CREATE ROW POLICY OR REPLACE `%s` ON %s.%s FOR SELECT USING %s TO `%s`;\n", r.Name, Database, t.Name, r.filter(), r.Name)
		}
		fmt.Fprintf(&b, "GRANT SELECT ON %s.%s TO `%s`;\n", Database, t.Name, r.Name)
	}
	return b.String(), nil
}

// ClickHouseXML is the reader as a file of a server's users.d; the embedded engine takes it too.
func (r Reader) ClickHouseXML(tables []TableAccess, digest string) (string, error) {
	if err := r.Check(); err != nil {
		return "", err
	}
	var grants, filters strings.Builder
	for _, t := range tables {
		fmt.Fprintf(&grants, "        <query>GRANT SELECT ON %s.%s</query>\n", Database, t.Name)
		if t.Tenant && !t.View {
			fmt.Fprintf(&filters, "          <%s><filter>%s</filter></%s>\n", t.Name, r.filter(), t.Name)
		}
	}
	if filters.Len() == 0 {
		return "", errNoFilter
	}
	return fmt.Sprintf(`<clickhouse>
  <profiles>
    <reader_%[1]s><readonly>2</readonly><max_execution_time>60</max_execution_time></reader_%[1]s>
  </profiles>
  <users>
    <%[1]s>
      <password_sha256_hex>%[2]s</password_sha256_hex>
      <networks><ip>::/0</ip></networks>
      <profile>reader_%[1]s</profile>
      <quota>default</quota>
      <grants>
%[3]s      </grants>
      <databases>
        <%[4]s>
%[5]s        </%[4]s>
      </databases>
    </%[1]s>
  </users>
</clickhouse>
`, r.Name, digest, grants.String(), Database, filters.String()), nil
}

// filter lets the reader's tenants pass, and what stands under no tenant for everybody:
// names and traits of products.
func (r Reader) filter() string {
	ids := []string{"toUUIDOrZero('')"}
	for _, t := range slices.Sorted(slices.Values(r.Tenants)) {
		ids = append(ids, "toUUID('"+t+"')")
	}
	return "tenant_id IN (" + strings.Join(ids, ", ") + ")"
}
